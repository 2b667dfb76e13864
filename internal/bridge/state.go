package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// state is a source with what is known of it. The poller never observes a
// source twice at once; the mutex is for those who look at it from outside.
type state struct {
	mu sync.Mutex
	// source is how its answers are judged; another one may take its place.
	source *Source
	// removed says that the source is gone, and that another state is that of the
	// name where it is back.
	removed bool
	// elsewhere says that another node observes it, and row holds nothing.
	elsewhere bool
	row       store.Source
	// doubtful says that row may not be what the store holds: a write ended
	// with an error, and may have happened all the same.
	doubtful bool
	// ahead says that the store may hold a later answer than the one that the
	// poller's state belongs to, for the same reason.
	ahead bool
	// allThere says that no item is known to have left, as departed items are.
	allThere bool
	// broken are the conditions that failed when they were last tried.
	broken map[string]bool
	// failedDetails counts how often the detail of an item failed in a row, by key.
	failedDetails map[string]int
	// lastDetail is the key of the last detail that was asked for where others were
	// left to the next poll, empty where none was.
	lastDetail string
	// keptDetails is how many details of items that are not in the list there
	// must be until it is looked again which are needed.
	keptDetails int
	// failures counts the polls that failed in a row, since failingSince; reason is
	// why the last one did.
	failures     int
	failingSince time.Time
	reason       string
	// status is what others see of it; see publish.
	status atomic.Pointer[SourceStatus]
}

func newState(s *Source) *state {
	return &state{source: s, row: store.Source{Name: s.Name}}
}

// forget is the state of the same source of which nothing is known. The caller
// holds st.mu.
func (st *state) forget() {
	st.row = store.Source{Name: st.source.Name}
	st.doubtful, st.ahead, st.allThere = false, false, false
	st.broken, st.failedDetails, st.lastDetail, st.keptDetails = nil, nil, "", 0
	st.failures, st.failingSince, st.reason = 0, time.Time{}, ""
}

// continueFrom takes up what the store holds.
func (st *state) continueFrom(row store.Source) {
	st.row = row
	st.failures, st.failingSince, st.reason = row.Alert.Failures, row.Alert.Since, row.Alert.Reason
	st.publish()
}

// lock returns the state of a source, locked, or [ErrUnknownSource], or
// [ErrElsewhere].
func (b *Bridge) lock(source string) (*state, error) {
	for {
		st := b.roster.Load().states[source]
		if st == nil {
			return nil, fmt.Errorf("%w %q", ErrUnknownSource, source)
		}
		st.mu.Lock()
		switch {
		case st.elsewhere && !st.removed:
			st.mu.Unlock()
			return nil, fmt.Errorf("source %q: %w", source, ErrElsewhere)
		case !st.removed:
			return st, nil
		}
		st.mu.Unlock() // The roster does not have it any more.
	}
}

// lockFor is lock for an answer. It fails with [poller.ErrReplaced] where that is
// not one to what the source asks for.
func (b *Bridge) lockFor(o *poller.Observation) (*state, error) {
	st, err := b.lock(o.Source)
	if err != nil {
		return nil, err
	}
	if o.RequestKey != "" && o.RequestKey != st.source.RequestKey {
		st.mu.Unlock()
		return nil, fmt.Errorf("source %q: %w", o.Source, poller.ErrReplaced)
	}
	return st, nil
}

// InitialState returns what the first poll of a source starts from. It is
// empty unless the stored answer was given to the same request and judged by
// the same rules: an unconditional poll is then compared with the stored answer.
func (b *Bridge) InitialState(source string) poller.State {
	st, err := b.lock(source)
	if err != nil {
		return poller.State{}
	}
	defer st.mu.Unlock()
	if st.row.Version == 0 || st.row.RequestKey != st.source.RequestKey || st.row.RulesKey != st.source.rulesKey() {
		return poller.State{}
	}
	return st.row.State
}

// commit writes c and, once it is durable, adopts its row and wakes the
// endpoints. Who is told was decided while the endpoints were those of r. The
// caller holds st.mu.
func (b *Bridge) commit(ctx context.Context, st *state, c *store.Commit, r *roster) error {
	c.KeepSnapshots = r.keep
	st.allThere = st.allThere && len(c.Depart) == 0
	if err := b.write(ctx, c, r); err != nil {
		st.doubtful = true
		st.ahead = st.ahead || c.Snapshot != nil
		if page, ok := errors.AsType[*PageError](err); ok {
			return page
		}
		if errors.Is(err, store.ErrNotHeld) {
			return fmt.Errorf("source %q: %w: %w", st.source.Name, ErrElsewhere, err)
		}
		return &StoreError{Err: err}
	}
	st.row = *c.Source
	st.publish()
	if names := told(c.Events); len(names) > 0 {
		b.wake(names...)
	}
	return nil
}

// settle finds out what became of a write that ended with an error. The caller
// holds st.mu.
func (b *Bridge) settle(ctx context.Context, st *state) error {
	if !st.doubtful {
		return nil
	}
	row, err := b.store.Source(ctx, st.source.Name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		row = store.Source{Name: st.source.Name}
	case err != nil:
		return &StoreError{Err: fmt.Errorf("read source again: %w", err)}
	}
	st.row, st.doubtful = row, false
	st.publish()
	b.wake() // whoever it has deliveries for, if it happened
	return nil
}

// confirm is a commit of the row as it is. A write that ended with an error may still
// be under way, and happen after what was read since, which it would make wrong. This
// one comes after it, and is refused where it has happened. The caller holds st.mu.
func (st *state) confirm() *store.Commit {
	row := st.row
	return &store.Commit{Source: &row}
}

// told returns the endpoints that the events have deliveries for, once each.
func told(events []store.Event) []string {
	var names []string
	seen := make(map[string]bool)
	for _, event := range events {
		for _, delivery := range event.Tell {
			if name := delivery.Endpoint; !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

// StoreError says that the store could not do its part. What was to be written
// counts as not written, and it is no failure of the source.
type StoreError struct{ Err error }

func (e *StoreError) Error() string { return "store: " + e.Err.Error() }

// Unwrap returns the store's error.
func (e *StoreError) Unwrap() error { return e.Err }
