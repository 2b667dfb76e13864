package bridge

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// beside makes a bridge of another node on the same database, and carries out its
// replays until the test ends.
func (r *rig) beside(t *testing.T, change func(*Options)) *Bridge {
	t.Helper()
	source := r.source
	o := Options{
		Store: r.store, Sources: []*Source{&source}, Endpoints: r.others, KeepSnapshots: 3,
		Wake: func(...string) {}, Logger: r.logging, FirstGrace: 10 * time.Second,
	}
	change(&o)
	b, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	go b.RunReplays(t.Context())
	return b
}

// TestNewEndpointMissesNothingOfOtherNodes: those who do not know of it yet commit
// for a while as if it was not there.
func TestNewEndpointMissesNothingOfOtherNodes(t *testing.T) {
	inReplayBubble(t, []Endpoint{{Name: "you"}}, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 2))
		<-time.After(time.Hour)
		list := []Endpoint{
			{Name: "you"},
			{Name: "now", Order: notify.OrderSource},
			{Name: "past", Past: true, Order: notify.OrderSource},
		}
		owner := r.beside(t, func(*Options) {})
		if err := owner.SetEndpoints(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		r.mustPoll(items(1, 3))
		<-time.After(time.Second)
		r.mustPoll(items(1, 4))
		<-time.After(6 * time.Second)
		// What comes before the last one does not wait for the end.
		r.wantTold("now", "created 3")
		r.wantTold("past", "created 2", "created 3")
		r.mustPoll(items(1, 5))
		<-time.After(3 * time.Second)
		r.wantTold("now", "created 3", "created 4", "created 5")
		r.wantTold("past", "created 2", "created 3", "created 4", "created 5")
		// By now all have heard of it, and its time is over.
		r.setEndpoints(list...)
		r.mustPoll(items(1, 6))
		r.wantTold("now", "created 3", "created 4", "created 5", "created 6")
		r.wantTold("past", "created 2", "created 3", "created 4", "created 5", "created 6")
		if open, err := r.store.OpenReplays(t.Context()); err != nil || len(open) != 0 {
			t.Errorf("open %+v, %v", open, err)
		}
	})
}

// TestPageThatEndsWithTheLog does not end what is too young.
func TestPageThatEndsWithTheLog(t *testing.T) {
	inReplayBubble(t, nil, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 1+replayStep))
		owner := r.beside(t, func(o *Options) { o.Endpoints = nil })
		if err := owner.SetEndpoints(t.Context(), []Endpoint{{Name: "new", Past: true}}); err != nil {
			t.Fatal(err)
		}
		<-time.After(9 * time.Second)
		if told, _ := r.tell("new"); len(told) != replayStep-1 {
			t.Errorf("told %d", len(told))
		}
		r.mustPoll(items(1, 2+replayStep))
		<-time.After(2 * time.Second)
		if told, _ := r.tell("new"); len(told) != replayStep+1 {
			t.Errorf("told %d in the end", len(told))
		}
	})
}

// TestReplaysAreOfWhoHoldsTheEndpoint: nobody else carries them out, and who gets
// the endpoint goes on by himself.
func TestReplaysAreOfWhoHoldsTheEndpoint(t *testing.T) {
	inReplayBubble(t, []Endpoint{{Name: "you"}, {Name: "other"}}, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 3))
		var held atomic.Bool
		owner := r.beside(t, func(o *Options) {
			o.Holds = func(name string) bool { return name == "other" || held.Load() }
		})
		r.end("you", notify.Delivered, 100)
		r.end("other", notify.Delivered, 100)
		started := r.mustReplay(store.Replay{})
		owner.Nudge()
		<-time.After(time.Minute)
		r.wantTold("you")
		r.wantTold("other", "created 2", "created 3")
		held.Store(true)
		<-time.After(replayWaitMax)
		synctest.Wait()
		r.wantTold("you", "created 2", "created 3")
		if p := r.progress(started.ID); p.FinishedAt.IsZero() {
			t.Errorf("not finished: %+v", p)
		}
	})
}

// TestReplayOfALostEndpoint is left to the node that has it by now, without a word.
func TestReplayOfALostEndpoint(t *testing.T) {
	inReplayBubble(t, []Endpoint{{Name: "you"}}, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 3))
		r.mustReplay(store.Replay{Endpoint: "you"})
		b := r.bridge
		b.store = lostReplays{r.store}
		if moved, open, err := newReplayer(b).round(t.Context()); moved || !open || err != nil {
			t.Error(moved, open, err)
		}
	})
}

// lostReplays are those of endpoints that are another node's.
type lostReplays struct{ Store }

func (lostReplays) AdvanceReplay(context.Context, *store.Replay, store.ReplayStep) error {
	return store.ErrNotHeld
}

// TestAlertIsUnderTheLeaseOfItsEndpoint, and one of what waits for long under that
// of retention.
func TestAlertIsUnderTheLeaseOfItsEndpoint(t *testing.T) {
	t.Parallel()
	s, _ := shopOf(Endpoint{Name: "you"})
	r := newRig(t, s)
	leases := &leaseNotes{Store: r.store}
	r.bridge.store = leases
	err := errors.Join(
		r.bridge.EndpointAlert(t.Context(), notify.EndpointState{Name: "you", Untold: notify.EndpointFailing}),
		r.bridge.Overdue(t.Context(), store.Overdue{Endpoint: "you"}, time.Now()),
		r.bridge.Expiring(t.Context(), store.Overdue{Endpoint: "you"}),
	)
	if err != nil || len(leases.seen) != 3 || leases.seen[0] != "endpoint/you" || leases.seen[1] != store.TaskPrune || leases.seen[2] != store.TaskPrune {
		t.Errorf("committed under %q, %v", leases.seen, err)
	}
}

// leaseNotes notes under which leases it was committed.
type leaseNotes struct {
	Store
	seen []string
}

func (l *leaseNotes) Commit(ctx context.Context, c *store.Commit) error {
	l.seen = append(l.seen, c.Lease)
	return l.Store.Commit(ctx, c)
}
