package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var concurrencyTests = map[string]func(*testing.T, Fresh){
	"committers of many sources at once":         manyCommitters,
	"of rivals for a source one wins":            rivals,
	"deliveries become visible in order":         visibleInOrder,
	"readers and retention do not disturb":       readersAndRetention,
	"a conflict hurts no neighbour in its group": conflictAmongNeighbours,
	"what is told again keeps its event":         toldBesideRetention,
}

func manyCommitters(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	const sources, commits = 16, 20
	var all sync.WaitGroup
	for n := range sources {
		all.Go(func() {
			src := &store.Source{Name: fmt.Sprint("source-", n)}
			for i := range commits {
				c := &store.Commit{
					Source: src, Snapshot: answer(i), KeepSnapshots: 2,
					Events: []store.Event{change(src.Name, "ops"), alert(src.Name), change(src.Name, "ops")},
				}
				if err := s.Commit(t.Context(), c); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	VerifyLog(t, s)
	for _, src := range must(s.Sources(t.Context()))(t) {
		equal(t, src.Name, []int64{src.Version, src.Sequence}, []int64{commits, 2 * commits})
	}
	equal(t, "events", len(must(s.Events(t.Context(), 0, 10_000))(t)), 3*sources*commits)
}

// rivals commit from the same version again and again: each version has one winner.
func rivals(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	const each = 15
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for won := 0; won < each; {
				src, err := s.Source(t.Context(), "orders")
				if errors.Is(err, store.ErrNotFound) {
					src, err = store.Source{Name: "orders"}, nil
				}
				if err == nil {
					err = s.Commit(t.Context(), &store.Commit{
						Source: &src, Snapshot: answer(won), KeepSnapshots: 2,
						Events: []store.Event{change("orders", "ops")},
					})
				}
				switch {
				case err == nil:
					won++
				case !errors.Is(err, store.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	VerifyLog(t, s)
	src := must(s.Source(t.Context(), "orders"))(t)
	equal(t, "version and sequence", []int64{src.Version, src.Sequence}, []int64{8 * each, 8 * each})
}

// visibleInOrder follows the queue and the log by cursor while many commit: a
// reader that never looks back must meet all of both.
func visibleInOrder(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	const sources, commits = 8, 25
	var all sync.WaitGroup
	for n := range sources {
		all.Go(func() {
			src := &store.Source{Name: fmt.Sprint("source-", n)}
			for range commits {
				if err := s.Commit(t.Context(), &store.Commit{Source: src, Events: []store.Event{change(src.Name, "ops")}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	var delivery, position int64
	var deliveries, events int
	for last := false; ; {
		ds := must(s.Waiting(t.Context(), "ops", delivery, 10))(t)
		es := must(s.Events(t.Context(), position, 10))(t)
		if len(ds) > 0 {
			delivery = ds[len(ds)-1].ID
		}
		if len(es) > 0 {
			position = es[len(es)-1].Position
		}
		deliveries, events = deliveries+len(ds), events+len(es)
		if last && len(ds)+len(es) == 0 {
			break
		}
		select {
		case <-done:
			last = true
		default:
		}
	}
	equal(t, "met", []int{deliveries, events}, []int{sources * commits, sources * commits})
}

func readersAndRetention(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	loop := func(step func() error) {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := step(); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	loop(func() error { _, err := s.Prune(ctx, store.Retention{Events: future}); return err })
	loop(func() error { _, err := s.Events(ctx, 0, 50); return err })
	loop(func() error { return s.Ping(ctx) })

	src := &store.Source{Name: "orders"}
	for n := range 60 {
		c := &store.Commit{Source: src, Snapshot: answer(n), KeepSnapshots: 2, Events: []store.Event{change("orders", "ops"), change("orders")}}
		mustCommit(t, s, c)
		equal(t, "waiting", must(s.Waiting(t.Context(), "ops", 0, 10))(t), c.Events[0].Tell)
		equal(t, "its event", must(s.Event(t.Context(), c.Events[0].Position))(t), c.Events[0].Event)
		noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(c.Events[0].Tell[0], 1)}))
	}
	stop()
	all.Wait()
	equal(t, "sequence", src.Sequence, int64(120))
}

func conflictAmongNeighbours(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, first := seed(t, s, "taken")
	var all sync.WaitGroup
	for n := range 60 {
		all.Go(func() {
			src := &store.Source{Name: fmt.Sprint("source-", n)}
			e := change(src.Name, "ops")
			switch n % 3 {
			case 1:
				src.Version = 5
			case 2:
				e.ID = first.ID
			}
			err := s.Commit(t.Context(), &store.Commit{Source: src, Snapshot: answer(1), Events: []store.Event{e}})
			if (err == nil) != (n%3 == 0) {
				t.Errorf("commit %d: %v", n, err)
			}
		})
	}
	all.Wait()
	VerifyLog(t, s)
	equal(t, "sources", len(must(s.Sources(t.Context()))(t)), 21)
	equal(t, "deliveries", len(waitingIDs(t, s, "ops")), 20)
}

// toldBesideRetention tells again, one by one and by a replay, what retention is
// about to remove: what waits in the end has its event, and waits once.
func toldBesideRetention(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	const events, tellers = 300, 4
	src := &store.Source{Name: "orders"}
	told := commitMany(t, s, src, events)
	var outcomes []notify.Outcome
	for _, d := range told {
		outcomes = append(outcomes, outcomeOf(d, 1))
	}
	noError(t, s.Record(t.Context(), outcomes))
	r := begin(t, s, replayTo("crm"))

	ctx, stop := context.WithCancel(t.Context())
	var tell, prune sync.WaitGroup
	for n := range tellers {
		tell.Go(func() {
			// Two by two they begin with the same ones.
			for i := range told {
				d := told[(i+n/2*events/2)%events]
				_, err := s.Retell(t.Context(), d.ID)
				if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	tell.Go(func() {
		for r.FinishedAt.IsZero() {
			advance(t, s, &r, 20)
		}
	})
	prune.Go(func() {
		for ctx.Err() == nil {
			if _, err := s.Prune(t.Context(), store.Retention{Events: future}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	tell.Wait()
	stop()
	prune.Wait()
	for _, endpoint := range []string{"ops", "crm"} {
		seen := map[int64]bool{}
		for _, position := range waitingPositions(t, s, endpoint) {
			must(s.Event(t.Context(), position))(t)
			if seen[position] {
				t.Errorf("event %d waits twice for %s", position, endpoint)
			}
			seen[position] = true
		}
	}
}
