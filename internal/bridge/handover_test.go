package bridge

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

// handOver gives the source of a rig from one node to another.
func (r *rig) handOver(from, to *Bridge) {
	r.t.Helper()
	if err := from.SaveFailures(r.t.Context(), []string{"shop", "unknown"}); err != nil {
		r.t.Fatalf("save failures: %v", err)
	}
	from.Release([]string{"shop"})
	r.mustAdopt(to, "shop")
}

// A source is told to fail though no owner has seen it fail as often as that takes,
// once; what its count began with is what is told.
func TestFailuresAreCountedOverOwners(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		one, _ := newNode(t, r)
		two, _ := newNode(t, r)
		r.mustAdopt(one, "shop")
		r.mustPoll(isUp)
		r.fail(1)
		began := one.roster.Load().states["shop"].failingSince
		r.handOver(one, two)
		commits := r.store.commits
		r.handOver(two, one) // without a failure there is nothing to save
		if r.store.commits != commits {
			t.Error("what is saved was saved again")
		}
		if status, _ := one.SourceStatus("shop"); status.Failures != 1 || status.Reason == "" {
			t.Errorf("status of the heir: %+v", status)
		}
		r.fail(1)
		r.wantStory(r.news())
		r.handOver(one, two)
		r.fail(1)
		events := r.news()
		r.wantStory(events, "source.failing")
		if d := dataOf(events[0]); d.Count != 3 || !d.Since.Equal(began.Truncate(1e6)) {
			t.Errorf("told %s", events[0].Data)
		}
		r.fail(1)
		r.handOver(two, one)
		r.fail(1)
		r.wantStory(r.news())
		r.wantStory(r.mustPoll(isUp), "source.recovered")
		if alert := r.row().Alert; alert != (store.SourceAlert{}) {
			t.Errorf("alert left %+v", alert)
		}
	})
}

// Nobody hears of the recovery of what nobody was told of, and its failures are
// over for whoever comes next.
func TestUntoldFailuresEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		one, _ := newNode(t, r)
		two, _ := newNode(t, r)
		r.mustAdopt(one, "shop")
		r.mustPoll(isUp)
		r.fail(2)
		r.handOver(one, two)
		r.wantStory(r.mustPoll(isUp))
		if alert := r.row().Alert; alert != (store.SourceAlert{}) {
			t.Errorf("alert left %+v", alert)
		}
		commits := r.store.commits
		r.wantStory(r.mustPoll(isUp))
		if r.store.commits != commits {
			t.Error("an unchanged answer was written")
		}
		r.handOver(two, one)
		r.fail(2)
		r.wantStory(r.news())
		r.wantStory(r.mustPoll(isDown), "updated 1")
	})
}

// What cannot be saved is no trouble but for the count: not where another node has
// the source by now, and neither where the store or the time is at its end.
func TestFailuresThatCannotBeSaved(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var sources []*Source
		var names []string
		for i := range 3 * handovers {
			s := list()
			s.Name = fmt.Sprintf("shop%d", i)
			sources, names = append(sources, &s), append(names, s.Name)
		}
		lease := &leasedStore{Store: r.store.Store, held: true} // many commit at once
		b, err := New(t.Context(), Options{Store: lease, Sources: sources, Leased: true, Wake: func(...string) {}, Logger: r.logging})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Adopt(t.Context(), names); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b.Fail(t.Context(), name, errUpstream)
		}
		lease.held = false
		if err := b.SaveFailures(t.Context(), names); err != nil {
			t.Errorf("lost: %v", err)
		}
		lease.held = true
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.SaveFailures(ended, names); !errors.Is(err, context.Canceled) {
			t.Errorf("the time is at its end: %v", err)
		}
		if err := b.SaveFailures(t.Context(), names); err != nil {
			t.Error(err)
		}
		for _, name := range names {
			if row, err := r.store.Source(t.Context(), name); err != nil || row.Alert.Failures != 1 || row.Alert.Told() {
				t.Errorf("saved of %s: %+v, %v", name, row.Alert, err)
			}
		}
	})
}
