// Package eventlog reads the log for those who pull it: from a cursor on, and as
// it grows. It tells who waits that there is more, and keeps the newest events
// at hand, so that a thousand readers at the end of the log cost the store one
// read for each commit. It decides neither what is logged nor who is told.
package eventlog

import (
	"context"
	"fmt"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	// maxStretches bounds how often the store is asked for one page.
	maxStretches = 16
	// maxReads is how many readers are in the store at once. The others wait, so
	// that deliveries, which read there too, do not.
	maxReads = 2
	// recheck is how often those who wait look by themselves: a write that was
	// given up may still happen, and nobody tells of it.
	recheck = 5 * time.Second
)

// Store is where the log is kept.
type Store interface {
	// Log returns a page of the log.
	Log(ctx context.Context, q store.LogQuery) (store.LogPage, error)
	// LastPosition returns the position of the last event that was ever committed.
	LastPosition(ctx context.Context) (int64, error)
	// Event and EventByID return one event, or store.ErrNotFound.
	Event(ctx context.Context, position int64) (notify.Event, error)
	EventByID(ctx context.Context, id string) (notify.Event, error)
}

var _ Store = store.Store(nil)

// Query says what is read of the log.
type Query struct {
	// After is where it begins: the cursor of an event or a page, or the ID of an
	// event; "" and [Beginning] stand for the beginning of the log, [Now] for its end.
	After string
	// Source, Type and Subject choose events; Type is a glob. Empty ones take all.
	Source, Type, Subject string
	// Told chooses by all of an event; nil takes all.
	Told func(e *notify.Event) bool
	// Limit is how many events a page has at most, MaxBytes of how many bytes of
	// data it takes no further one; 0 for any number.
	Limit, MaxBytes int
	// Newest asks for the last events behind After in place of the first ones.
	Newest bool
	// NewestFirst turns a page around, for those who take what is new from its top.
	// Its cursors stay what they are.
	NewestFirst bool
	// Before is the cursor or the ID of the event before which a page of the Newest
	// ends; empty for the end of the log. Such a page does not wait.
	Before string
	// Wait is how long a page without events waits for one.
	Wait time.Duration
	// Stop ends the wait when it is closed; nil never does.
	Stop <-chan struct{}
}

// Entry is an event of the log with the cursor behind it.
type Entry struct {
	notify.Event
	Cursor string
}

// Page is a page of the log.
type Page struct {
	Events []Entry
	// Next is the cursor behind the page. It goes on past events that were not
	// chosen.
	Next string
	// More says that a further page can be read at once.
	More bool
	// Removed says that retention has removed events behind the cursor before they
	// were read, chosen or not.
	Removed bool
	// Previous is Before of the page of those before this one, where Newest were
	// asked for; empty where the log has none.
	Previous string
}

// Log reads the log. Its methods may be called concurrently.
type Log struct {
	store Store
	tail  *tail
	reads chan struct{}

	mu sync.Mutex
	// grown is closed when the log grows, and replaced.
	grown chan struct{}
	// commits counts how often it did.
	commits uint64
}

// New returns the log that is kept in a store.
func New(s Store) *Log {
	return &Log{store: s, tail: newTail(s), reads: make(chan struct{}, maxReads), grown: make(chan struct{})}
}

// Grown says that events were committed, or may have been. It does not wait.
func (l *Log) Grown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commits++
	close(l.grown)
	l.grown = make(chan struct{})
}

// Forget drops what is at hand: the store may have other events in its place.
func (l *Log) Forget() { l.tail.forget() }

// growth returns what is closed when the log grows, and how often it did.
func (l *Log) growth() (grown <-chan struct{}, commits uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.grown, l.commits
}

// Read returns the page behind a cursor. A cursor that is of no use gives a
// [CursorError].
func (l *Log) Read(ctx context.Context, q *Query) (Page, error) {
	page, err := l.next(ctx, q)
	if q.NewestFirst {
		slices.Reverse(page.Events)
	}
	return page, err
}

// next returns the page, and waits for it where it has to.
func (l *Log) next(ctx context.Context, q *Query) (Page, error) {
	at, err := l.resolve(ctx, q.After)
	if err != nil {
		return Page{}, err
	}
	if q.Before != "" && q.Newest {
		before, err := l.resolve(ctx, q.Before)
		if err != nil {
			return Page{}, err
		}
		page, _, err := l.newest(ctx, at, before.position, q)
		return page, err
	}
	var deadline <-chan time.Time
	if q.Wait > 0 {
		timer := time.NewTimer(q.Wait)
		defer timer.Stop()
		deadline = timer.C
	}
	var again <-chan time.Time
	for {
		grown, commits := l.growth()
		page, reached, err := l.page(ctx, at, q, commits)
		if err != nil || len(page.Events) > 0 || page.More || page.Removed || q.Wait <= 0 {
			return page, err
		}
		at = place{position: reached, mark: at.markAt(reached)}
		if again == nil {
			ticker := time.NewTicker(recheck)
			defer ticker.Stop()
			again = ticker.C
		}
		select {
		case <-grown:
		case <-again:
		case <-deadline:
			return page, nil
		case <-q.Stop:
			return page, nil
		case <-ctx.Done():
			return Page{}, context.Cause(ctx)
		}
	}
}

// page reads one page, and says up to which position.
func (l *Log) page(ctx context.Context, at place, q *Query, commits uint64) (page Page, reached int64, err error) {
	if q.Newest {
		return l.newest(ctx, at, 0, q)
	}
	reached = at.position
	size := 0
	for range maxStretches {
		part, err := l.stretch(ctx, &store.LogQuery{
			After: reached, Want: q.want(), Limit: q.Limit - len(page.Events), MaxBytes: max(q.MaxBytes-size, 0),
		}, commits)
		if err != nil {
			return Page{}, 0, fmt.Errorf("read log: %w", err)
		}
		// Who begins at the beginning wants what there is.
		page.Removed = page.Removed || part.Removed && reached > 0
		chosen, bytes := q.choose(part.Events)
		page.Events = append(page.Events, chosen...)
		size += bytes
		page.More = part.Reached != reached
		reached = part.Reached
		if !page.More || len(page.Events) >= q.Limit || q.MaxBytes > 0 && size >= q.MaxBytes {
			break
		}
	}
	page.Next = page.cursorAt(reached, at)
	return page, reached, nil
}

// newest reads the last events that are wanted, those of a position and behind
// it left out; 0 leaves out none. It says up to which position the log went.
func (l *Log) newest(ctx context.Context, at place, before int64, q *Query) (page Page, reached int64, err error) {
	size, earlier := 0, before
	for n := range maxStretches {
		part, err := l.read(ctx, &store.LogQuery{
			After: at.position, Before: earlier, Newest: true,
			Want: q.want(), Limit: q.Limit - len(page.Events), MaxBytes: max(q.MaxBytes-size, 0),
		})
		if err != nil {
			return Page{}, 0, fmt.Errorf("read log backwards: %w", err)
		}
		if n == 0 {
			reached = part.Reached
		}
		// Who begins at the beginning wants what there is.
		page.Removed = page.Removed || part.Removed && at.position > 0
		chosen, bytes := q.choose(part.Events)
		page.Events = append(chosen, page.Events...)
		size += bytes
		if earlier = part.Earlier; earlier == 0 || len(page.Events) >= q.Limit || q.MaxBytes > 0 && size >= q.MaxBytes {
			break
		}
	}
	page.Next = page.cursorAt(reached, at)
	if earlier > 0 {
		page.Previous = page.cursorAt(earlier, at)
	}
	return page, reached, nil
}

// cursorAt is the cursor of a position, with its mark where its event is the first
// or the last one of the page, or where the page began.
func (p *Page) cursorAt(position int64, began place) string {
	for _, i := range []int{0, len(p.Events) - 1} {
		if i >= 0 && i < len(p.Events) && p.Events[i].Position == position {
			return p.Events[i].Cursor
		}
	}
	return place{position: position, mark: began.markAt(position)}.String()
}

// choose returns those events that are told, and how many bytes of data they have.
func (q *Query) choose(events []notify.Event) (chosen []Entry, bytes int) {
	for i := range events {
		e := &events[i]
		if q.Told == nil || q.Told(e) {
			chosen = append(chosen, Entry{Event: *e, Cursor: newPlace(e).String()})
			bytes += len(e.Data)
		}
	}
	return chosen, bytes
}

// want is what can be chosen without the data of events, nil for all.
func (q *Query) want() func(*notify.Event) bool {
	if q.Source == "" && q.Type == "" && q.Subject == "" {
		return nil
	}
	return func(e *notify.Event) bool {
		if q.Source != "" && e.Source != q.Source || q.Subject != "" && e.Subject != q.Subject {
			return false
		}
		if q.Type == "" {
			return true
		}
		ok, err := path.Match(q.Type, e.Type)
		return ok && err == nil
	}
}

// stretch reads from the tail where it can, else from the store.
func (l *Log) stretch(ctx context.Context, q *store.LogQuery, commits uint64) (store.LogPage, error) {
	page, ok, err := l.tail.log(ctx, q, commits)
	if ok || err != nil {
		return page, err
	}
	return l.read(ctx, q)
}

// read reads from the store, when it is its turn.
func (l *Log) read(ctx context.Context, q *store.LogQuery) (store.LogPage, error) {
	select {
	case l.reads <- struct{}{}:
	case <-ctx.Done():
		return store.LogPage{}, context.Cause(ctx)
	}
	defer func() { <-l.reads }()
	return l.store.Log(ctx, *q)
}
