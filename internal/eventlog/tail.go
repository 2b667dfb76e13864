package eventlog

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	// maxTail and maxTailBytes bound what is kept at hand.
	maxTail      = 512
	maxTailBytes = 4 << 20
)

// tail keeps the newest events of the log at hand, all of them behind a
// position and without a gap.
type tail struct {
	store Store
	// turn is held while the store is read, so that of all who were woken by a
	// commit only the first one reads.
	turn chan struct{}

	mu      sync.Mutex // guards what follows
	events  []notify.Event
	size    int
	reached int64
	begun   bool
	// commits is what the log had counted, and at the time, when it was read last.
	commits uint64
	at      time.Time
}

func newTail(s Store) *tail { return &tail{store: s, turn: make(chan struct{}, 1)} }

// log is Store.Log for what is at hand, after a look for newer events where the
// log has grown. It says whether it could answer.
func (t *tail) log(ctx context.Context, q *store.LogQuery, commits uint64) (page store.LogPage, ok bool, err error) {
	if page, state := t.pick(q, commits); state != stale {
		return page, state == answered, nil
	}
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return page, false, context.Cause(ctx)
	}
	defer func() { <-t.turn }()
	// Somebody else may have read meanwhile.
	if page, state := t.pick(q, commits); state != stale {
		return page, state == answered, nil
	}
	if err := t.refresh(ctx, commits); err != nil {
		return page, false, err
	}
	page, state := t.pick(q, commits)
	return page, state == answered, nil
}

// picked is what came of a look at the tail.
type picked int

const (
	// stale: the log has grown since the tail was read.
	stale picked = iota
	// elsewhere: what is asked for is not at hand.
	elsewhere
	answered
)

func (t *tail) pick(q *store.LogQuery, commits uint64) (store.LogPage, picked) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.begun || t.commits < commits || time.Since(t.at) >= recheck {
		return store.LogPage{}, stale
	}
	from := t.reached - int64(len(t.events))
	if q.After < from || q.After > t.reached {
		return store.LogPage{}, elsewhere
	}
	page := store.LogPage{Reached: q.After}
	size := 0
	for _, e := range t.events[q.After-from:] {
		wanted := q.Want == nil || q.Want(&e)
		if wanted && q.Full(len(page.Events), size) {
			break
		}
		page.Reached = e.Position
		if wanted {
			page.Events = append(page.Events, e)
			size += len(e.Data)
		}
	}
	return page, answered
}

// mark is the mark of a position that is at hand.
func (t *tail) mark(position int64) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := t.reached - int64(len(t.events))
	if position <= from || position > t.reached {
		return "", false
	}
	return newPlace(&t.events[position-from-1]).mark, true
}

// refresh reads what was committed since. Where that is more than is kept, it
// begins anew at the end of the log. The caller has its turn.
func (t *tail) refresh(ctx context.Context, commits uint64) error {
	at := time.Now()
	last, err := t.store.LastPosition(ctx)
	if err != nil {
		return err
	}
	t.mu.Lock()
	if !t.begun || last-t.reached > maxTail || last < t.reached {
		t.begin(last)
	}
	reached := t.reached
	t.mu.Unlock()
	for reached < last {
		page, err := t.store.Log(ctx, store.LogQuery{After: reached, Limit: maxTail, MaxBytes: maxTailBytes})
		if err != nil {
			return err
		}
		reached = page.Reached
		t.mu.Lock()
		if page.Removed {
			t.begin(reached)
		} else {
			t.add(&page)
		}
		t.mu.Unlock()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.commits, t.at = max(t.commits, commits), at
	return nil
}

// forget lets whoever asks next begin anew.
func (t *tail) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begin(0)
	t.begun = false
}

// begin drops what there is. The caller holds mu.
func (t *tail) begin(reached int64) {
	t.events, t.size, t.reached, t.begun = nil, 0, reached, true
}

// add adds a page, and drops what is too much. The caller holds mu.
func (t *tail) add(page *store.LogPage) {
	t.events = append(t.events, page.Events...)
	t.reached = page.Reached
	for i := range page.Events {
		t.size += len(page.Events[i].Data)
	}
	drop := 0
	for len(t.events)-drop > maxTail || t.size > maxTailBytes {
		t.size -= len(t.events[drop].Data)
		drop++
	}
	if drop > 0 {
		t.events = slices.Clone(t.events[drop:])
	}
}
