package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// TestShare starts nodes one after the other, which share what there is.
func TestShare(t *testing.T) {
	inWorld(t, singles(3000), func(t *testing.T, w *world) {
		for _, name := range []string{"a", "b", "c"} {
			w.start(t, name)
		}
		w.after(5 * time.Second)
		w.wantShared(t, w.workers...)
	})
}

// TestJoinMovesItsShare: what stays where it was is not touched.
func TestJoinMovesItsShare(t *testing.T) {
	inWorld(t, singles(3000), func(t *testing.T, w *world) {
		a, b := w.start(t, "a"), w.start(t, "b")
		w.after(5 * time.Second)
		a.adopted, b.adopted = 0, 0
		c := w.start(t, "c")
		w.after(5 * time.Second)
		w.wantShared(t, a, b, c)
		if a.adopted+b.adopted > 0 || c.adopted != c.held() {
			t.Errorf("the others adopted %d and %d, the new one %d and holds %d", a.adopted, b.adopted, c.adopted, c.held())
		}
	})
}

// TestLifecycle stops a node that was not started, twice, and starts it twice.
func TestLifecycle(t *testing.T) {
	inWorld(t, singles(3), func(t *testing.T, w *world) {
		ctx := t.Context()
		a := w.add("a")
		if a.node.Self() != "" || a.node.Holds(w.groups[0].Key) || !a.node.Status().Suspended {
			t.Error("a node that has not joined holds something")
		}
		w.d.down = true
		if err := a.node.Start(ctx); !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("start without a database: %v", err)
		}
		w.d.down = false
		if err := a.node.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if err := a.node.Start(ctx); !errors.Is(err, ErrNotRunning) {
			t.Errorf("second start: %v", err)
		}
		w.after(time.Second)
		if s := a.node.Status(); s.ID != a.node.Self() || s.Held["source"] != 3 || s.Adopted != 3 || s.Suspended || s.JoinedAt.IsZero() {
			t.Errorf("status %+v", s)
		}
		both := make(chan error, 2)
		for range 2 {
			go func() { both <- a.node.Stop(ctx) }()
		}
		if err := errors.Join(<-both, <-both, a.node.Stop(ctx)); err != nil {
			t.Error(err)
		}
		if err := a.node.Start(ctx); !errors.Is(err, ErrNotRunning) {
			t.Errorf("start after stop: %v", err)
		}
		b := w.add("b")
		if err := b.node.Stop(ctx); err != nil {
			t.Errorf("stop before the start: %v", err)
		}
		if err := b.node.Start(ctx); !errors.Is(err, ErrNotRunning) {
			t.Errorf("start after stop: %v", err)
		}
	})
}

// TestOwner tells who holds what, whichever node is asked.
func TestOwner(t *testing.T) {
	inWorld(t, singles(100), func(t *testing.T, w *world) {
		a, b := w.start(t, "a"), w.start(t, "b")
		w.after(5 * time.Second)
		at := time.Now().UTC()
		b.node.Configured("new", at)
		w.after(3 * time.Second)
		for _, g := range w.groups {
			fromA, okA := a.node.Owner(g.Key)
			fromB, okB := b.node.Owner(g.Key)
			holder := a
			if b.node.Holds(g.Key) {
				holder = b
			}
			if !okA || !okB || fromA.ID != holder.node.Self() || fromB.ID != fromA.ID || fromA.Name != holder.name {
				t.Fatalf("%s is of %s: %+v, %+v", g.Key, holder.name, fromA, fromB)
			}
			if fromA.Name == "b" && (fromA.Config != "new" || !fromA.ConfiguredAt.Equal(at)) {
				t.Fatalf("%+v", fromA)
			}
		}
		if _, ok := a.node.Owner("source/unknown"); ok {
			t.Error("what is unknown has an owner")
		}
		members := b.node.Members()
		if len(members) != 2 || members[0].Leases != a.held() || members[1].Leases != b.held() {
			t.Errorf("members %+v", members)
		}
	})
}

// TestPulsed tells what was done, however slowly that is listened to.
func TestPulsed(t *testing.T) {
	inWorld(t, singles(100), func(t *testing.T, w *world) {
		w.d.pulse.Position = 7
		a := w.start(t, "a")
		w.after(time.Second)
		a.pulses = nil
		w.d.set(func(d *database) { d.pulse.Position++ })
		w.after(time.Second)
		w.d.set(func(d *database) { d.pulse.Delivery++ })
		w.after(time.Second)
		if len(a.pulses) != 2 || a.pulses[0].Position != 8 || a.pulses[1].Delivery != 1 {
			t.Errorf("pulses %v", a.pulses)
		}
	})
}

// TestMet tells who is there, and that one was configured anew, which moves no
// generation, and nothing where all is as it was.
func TestMet(t *testing.T) {
	inWorld(t, singles(100), func(t *testing.T, w *world) {
		a := w.add("a")
		var met []string
		a.node.o.Met = func() {
			var now []string
			for _, m := range a.node.Members() {
				now = append(now, m.Name+m.Config)
			}
			slices.Sort(now)
			a.set(func() { met = append(met, strings.Join(now, " ")) })
		}
		if err := a.node.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.after(5 * time.Second)
		b := w.start(t, "b")
		w.after(5 * time.Second)
		b.node.Configured("-new", time.Now())
		w.after(5 * time.Second)
		if err := b.node.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		w.after(5 * time.Second)
		a.set(func() {
			if told := slices.Compact(met); !slices.Equal(told, []string{"a", "a b", "a b-new", "a"}) || len(met) > 6 {
				t.Errorf("met %q", met)
			}
		})
	})
}

// TestSlowPulsed: who takes long to look at what was done delays no lease.
func TestSlowPulsed(t *testing.T) {
	inWorld(t, singles(100), func(t *testing.T, w *world) {
		a := w.add("a")
		a.node.o.Pulsed = func(ctx context.Context, _, _ store.Pulse) { <-ctx.Done() }
		if err := a.node.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := w.start(t, "b")
		w.after(5 * time.Second)
		w.wantShared(t, a, b)
		if err := b.node.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		w.after(time.Second)
		w.wantShared(t, a)
	})
}

// TestSameName: two nodes of one name share as others do.
func TestSameName(t *testing.T) {
	inWorld(t, singles(3000), func(t *testing.T, w *world) {
		w.start(t, "a")
		w.start(t, "a")
		w.start(t, "a")
		w.after(5 * time.Second)
		w.wantShared(t, w.workers...)
	})
}

// TestManyGroups takes 20,000 groups on and hands them over.
func TestManyGroups(t *testing.T) {
	const count = 20_000
	inWorld(t, singles(count), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(5 * time.Second)
		if held := a.node.Status().Held["source"]; held != count {
			t.Fatalf("it holds %d", held)
		}
		b := w.start(t, "b")
		w.after(5 * time.Second)
		w.wantShared(t, a, b)
		if err := a.node.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		w.after(3 * time.Second)
		w.wantShared(t, b)
	})
}

// TestElect: members share evenly, and only what a member had moves when it goes.
func TestElect(t *testing.T) {
	t.Parallel()
	const groups = 10_000
	for nodes := 2; nodes <= 20; nodes++ {
		var members []store.Member
		for i := range nodes {
			members = append(members, store.Member{ID: fmt.Sprintf("%02d", i), Name: fmt.Sprintf("node-%d", i)})
		}
		list := ballots(members)
		without := slices.DeleteFunc(slices.Clone(list), func(b ballot) bool { return b.id == "01" })
		count := make(map[string]int)
		for g := range groups {
			h := hash(fmt.Sprintf("source/%d", g))
			is, would := elect(list, h, nil), elect(without, h, nil)
			count[is]++
			if is != would && is != "01" {
				t.Fatalf("group %d moved from %s to %s", g, is, would)
			}
		}
		for id, c := range count {
			if fair := groups / nodes; c < fair*80/100 || c > fair*120/100 {
				t.Errorf("%s of %d has %d", id, nodes, c)
			}
		}
	}
	if id := elect(nil, 1, nil); id != "" {
		t.Errorf("nobody elected %q", id)
	}
}

// TestIdle: where nothing happens a node writes that it lives, and reads.
func TestIdle(t *testing.T) {
	inWorld(t, singles(100), func(t *testing.T, w *world) {
		w.three(t)
		w.after(time.Minute)
		w.d.set(func(d *database) { clear(d.calls) })
		w.after(time.Minute)
		for name, most := range map[string]int{"Beat": 30, "Members": 30, "Leases": 30, "Pulse": 300} {
			if c := w.d.calls[name]; c > 3*most || c == 0 {
				t.Errorf("%s was called %d times by three nodes", name, c)
			}
			delete(w.d.calls, name)
		}
		if len(w.d.calls) > 0 {
			t.Errorf("called besides: %v", w.d.calls)
		}
	})
}

// TestStartAgain: a node that does not know whether it has joined is not another
// one the next time.
func TestStartAgain(t *testing.T) {
	inWorld(t, singles(100), func(t *testing.T, w *world) {
		a := w.add("a")
		a.link.lag = 2 * time.Second // the answer comes too late
		if err := a.node.Start(t.Context()); err == nil {
			t.Fatal("started")
		}
		w.after(5 * time.Second)
		a.link.set(func(l *link) { l.lag = 0 })
		if err := a.node.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.after(2 * time.Second)
		w.wantShared(t, a)
		if len(w.d.members) != 1 {
			t.Errorf("members %v", w.d.members)
		}
	})
}
