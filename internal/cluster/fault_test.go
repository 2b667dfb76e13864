package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// three starts three nodes and lets them share.
func (w *world) three(t *testing.T) (a, b, c *worker) {
	t.Helper()
	a, b, c = w.start(t, "a"), w.start(t, "b"), w.start(t, "c")
	w.after(5 * time.Second)
	w.wantShared(t, a, b, c)
	return a, b, c
}

// TestKill: what one had who is gone is adopted by the others in ten seconds.
func TestKill(t *testing.T) {
	inWorld(t, singles(3000), func(t *testing.T, w *world) {
		a, b, c := w.three(t)
		a.adopted, b.adopted = 0, 0
		held := c.held()
		c.kill()
		w.after(10500 * time.Millisecond)
		w.wantShared(t, a, b)
		if log := w.said(); strings.Count(log, "node is silent") != 1 || !strings.Contains(log, "did\" node=c id=") {
			t.Errorf("that c is silent must be said once, by its name:\n%s", log)
		}
		if moved := a.adopted + b.adopted; moved != held {
			t.Errorf("%d were adopted, of %d", moved, held)
		}
	})
}

// TestPartition: a node that is cut off stops by itself before others begin, and
// comes back as another one, after all of its work has ended.
func TestPartition(t *testing.T) {
	inWorld(t, singles(300), func(t *testing.T, w *world) {
		a, b, c := w.three(t)
		id, some := c.node.Self(), c.held()
		c.link.set(func(l *link) { l.cut = true })
		w.after(3500 * time.Millisecond)
		if c.held() != some {
			t.Error("it gave up too soon")
		}
		w.after(3 * time.Second)
		if c.held() > 0 || !c.node.Status().Suspended {
			t.Error("it goes on")
		}
		if taken := a.held() + b.held(); taken > 300-some {
			t.Errorf("%d were taken already", taken-300+some)
		}
		w.after(53 * time.Second)
		w.wantShared(t, a, b)
		c.drain[""] = 3 * time.Second
		c.link.set(func(l *link) { l.cut = false })
		w.after(2 * time.Second)
		for _, g := range w.groups {
			if _, ok := c.node.Epoch(g.Key); ok {
				t.Fatal("it has an epoch of its old life")
			}
		}
		w.after(6 * time.Second)
		w.wantShared(t, a, b, c)
		if c.node.Self() == id || c.node.Status().Lost != int64(some) || c.node.Status().Suspended {
			t.Errorf("it was %s, had %d, and is %+v", id, some, c.node.Status())
		}
	})
}

// TestShortPartition: a node that was suspended, but not given up yet, goes on.
func TestShortPartition(t *testing.T) {
	inWorld(t, singles(300), func(t *testing.T, w *world) {
		a, b, c := w.three(t)
		epochs := make(map[string]int64)
		for _, g := range w.groups {
			if epoch, ok := c.node.Epoch(g.Key); ok {
				epochs[g.Key] = epoch
			}
		}
		id := c.node.Self()
		// Right after a beat.
		seen := w.d.members[id].SeenAt
		for w.d.members[id].SeenAt.Equal(seen) {
			w.after(10 * time.Millisecond)
		}
		c.link.set(func(l *link) { l.cut = true })
		w.after(6500 * time.Millisecond)
		if c.held() > 0 || c.resumed > 0 {
			t.Error("it is not suspended")
		}
		c.link.set(func(l *link) { l.cut = false })
		w.after(1400 * time.Millisecond)
		w.wantShared(t, a, b, c)
		if c.resumed != 1 || c.node.Self() != id {
			t.Errorf("resumed %d times", c.resumed)
		}
		for key, epoch := range epochs {
			if now, ok := c.node.Epoch(key); !ok || now != epoch {
				t.Fatalf("%s: epoch %d, was %d", key, now, epoch)
			}
		}
	})
}

// TestDatabaseRestart: when nobody could say that he lives, nobody is given up.
func TestDatabaseRestart(t *testing.T) {
	inWorld(t, singles(300), func(t *testing.T, w *world) {
		a, b, c := w.three(t)
		adopted := a.adopted + b.adopted + c.adopted
		w.d.set(func(d *database) { d.down = true })
		w.after(time.Minute)
		if held := a.held() + b.held() + c.held(); held > 0 {
			t.Errorf("%d are held", held)
		}
		c.kill() // together with the server
		w.d.set(func(d *database) { d.down = false })
		w.after(5 * time.Second)
		if len(w.d.buried) > 0 || a.resumed != 1 || b.resumed != 1 || a.adopted+b.adopted+c.adopted != adopted {
			t.Errorf("buried %v; resumed %d and %d times", w.d.buried, a.resumed, b.resumed)
		}
		w.after(7 * time.Second)
		w.wantShared(t, a, b)
	})
}

// TestClockOfDatabase: a jump of it buries nobody who lives.
func TestClockOfDatabase(t *testing.T) {
	inWorld(t, singles(300), func(t *testing.T, w *world) {
		a, b, c := w.three(t)
		for _, jump := range []time.Duration{time.Hour, -2 * time.Hour, 10 * time.Second} {
			w.d.set(func(d *database) { d.skew += jump })
			w.after(20 * time.Second)
			w.wantShared(t, a, b, c)
			if len(w.d.buried) > 0 {
				t.Errorf("after a jump of %v: buried %v", jump, w.d.buried)
			}
		}
		c.kill()
		w.after(12 * time.Second)
		w.wantShared(t, a, b)
	})
}

// TestClockOfNode: by a jump of its own clock forwards a node cannot know whether it
// slept. The next beat says that it did not.
func TestClockOfNode(t *testing.T) {
	inWorld(t, singles(300), func(t *testing.T, w *world) {
		a, b, c := w.three(t)
		some := c.held()
		c.skew = time.Hour
		if c.held() > 0 {
			t.Error("it holds what it may have slept over")
		}
		w.after(2100 * time.Millisecond)
		if c.held() != some || c.resumed != 1 {
			t.Errorf("it holds %d of %d", c.held(), some)
		}
		c.skew = -time.Hour
		w.after(10 * time.Second)
		w.wantShared(t, a, b, c)
		if c.node.Status().Lost > 0 {
			t.Error("something was lost")
		}
	})
}

// TestHoldsDoesNotWait asks while nothing is answered.
func TestHoldsDoesNotWait(t *testing.T) {
	inWorld(t, singles(3), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(time.Second)
		a.link.set(func(l *link) { l.lag = time.Hour })
		w.after(2500 * time.Millisecond)
		start := time.Now()
		a.held()
		a.node.Members()
		a.node.Status()
		a.node.Apply(w.groups)
		a.node.Configured("c", start)
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// TestLostAnswers: claims of which the answer never came are no one's in the end.
func TestLostAnswers(t *testing.T) {
	inWorld(t, singles(300), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(time.Second)
		a.link.set(func(l *link) { l.lag = 100 * time.Millisecond })
		b := w.add("b")
		b.link.lag = 100 * time.Millisecond
		if err := b.node.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The claim arrives, the answer does not.
		for w.d.claims["source/s0000"]+w.d.claims["source/s0001"]+w.d.claims["source/s0002"]+w.d.claims["source/s0003"] < 5 {
			w.after(10 * time.Millisecond)
		}
		b.link.set(func(l *link) { l.cut = true })
		w.after(4 * time.Second)
		b.link.set(func(l *link) { l.cut = false })
		w.after(30 * time.Second)
		w.wantShared(t, a, b)
		b.node.Apply(nil)
		a.node.Apply(nil)
		w.after(10 * time.Second)
		for _, row := range w.d.leases {
			if row.Node != "" {
				t.Errorf("%+v", row)
			}
		}
	})
}

// TestDatabaseForgets: a server that was restored, or took over from another one
// without all of its last writes, has given leases that a node relies on to no one,
// or to another.
func TestDatabaseForgets(t *testing.T) {
	inWorld(t, singles(30), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(time.Second)
		w.d.set(func(d *database) {
			d.down = true
			clear(d.leases)
			d.leases["source/s0007"] = store.Lease{Resource: "source/s0007", Node: "other", Epoch: 9}
			d.members["other"] = store.Member{ID: "other", Name: "other", SeenAt: d.now()}
		})
		w.after(time.Second)
		w.d.set(func(d *database) { d.down = false })
		w.after(3 * time.Second)
		if lost := a.node.Status().Lost; lost != 30 {
			t.Errorf("%d were lost", lost)
		}
		w.after(20 * time.Second)
		w.wantShared(t, a)
		if epoch, _ := a.node.Epoch("source/s0007"); epoch != 10 {
			t.Errorf("epoch %d", epoch)
		}
	})
}

// TestAdoptFails: what could not be adopted is tried again later and later, and
// left to another one.
func TestAdoptFails(t *testing.T) {
	inWorld(t, singles(10), func(t *testing.T, w *world) {
		a := w.add("a")
		a.sick["source/s0003"] = errors.New("no")
		if err := a.node.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.after(time.Minute)
		if a.adopted < 40 || a.adopted > 100 || a.held() > 0 {
			t.Errorf("adopted %d times; %d are held", a.adopted, a.held())
		}
		b := w.start(t, "b")
		w.after(time.Minute)
		if !b.node.Holds("source/s0003") {
			t.Error("the other one has not taken it over")
		}
		a.set(func() { clear(a.sick) })
		w.after(time.Minute)
		if a.held()+b.held() != 10 || a.held() == 0 {
			t.Errorf("%d and %d are held", a.held(), b.held())
		}
	})
}

// TestSlowRelease: it holds up neither beats nor what else there is to adopt, and
// nothing of it is claimed before it has returned.
func TestSlowRelease(t *testing.T) {
	inWorld(t, singles(100), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(time.Second)
		a.drain[w.groups[0].Key] = 20 * time.Second
		a.node.Apply(w.groups[1:])
		w.after(time.Second)
		a.node.Apply(append(singles(101)[100:], w.groups...))
		w.after(time.Second)
		if !a.node.Holds("source/s0100") || a.held() != 100 || a.node.Status().Suspended {
			t.Errorf("it holds %d", a.held())
		}
		if epoch, _ := a.node.Epoch(w.groups[0].Key); epoch != 1 {
			t.Errorf("claimed again, epoch %d", epoch)
		}
		w.after(20 * time.Second)
		if epoch, _ := a.node.Epoch(w.groups[0].Key); epoch != 2 || a.held() != 100 {
			t.Errorf("epoch %d", epoch)
		}
	})
}

// TestReleaseThatNeverEnds: its group stays where it is, as long as the node lives.
func TestReleaseThatNeverEnds(t *testing.T) {
	inWorld(t, singles(10), func(t *testing.T, w *world) {
		a := w.add("a")
		end := make(chan struct{})
		a.node.o.Release = func(ctx context.Context, groups []Group, lost bool) {
			<-end
			a.release(ctx, groups, lost)
		}
		if err := a.node.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.after(time.Second)
		a.node.Apply(nil)
		b := w.start(t, "b")
		w.after(5 * time.Minute)
		if a.held() != 10 || b.held() > 0 {
			t.Errorf("%d and %d are held", a.held(), b.held())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.node.Stop(ctx); err == nil || len(w.d.members) != 2 {
			t.Errorf("it left: %v", err)
		}
		w.after(15 * time.Second)
		w.wantShared(t, b)
		close(end)
	})
}
