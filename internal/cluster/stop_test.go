package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestStop hands over what a node had, within a second.
func TestStop(t *testing.T) {
	inWorld(t, singles(3000), func(t *testing.T, w *world) {
		a, b, c := w.start(t, "a"), w.start(t, "b"), w.start(t, "c")
		w.after(5 * time.Second)
		a.adopted, b.adopted = 0, 0
		held := c.held()
		start := time.Now()
		if err := c.node.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		w.after(time.Second - time.Since(start))
		w.wantShared(t, a, b)
		if moved := a.adopted + b.adopted; moved != held {
			t.Errorf("%d were adopted, of %d", moved, held)
		}
		if members := a.node.Members(); len(members) != 2 {
			t.Errorf("members %v", members)
		}
	})
}

// TestStopSlowly: what has ended is handed over while the rest is still under way.
func TestStopSlowly(t *testing.T) {
	t.Parallel()
	for groups, most := range map[int]int{100: 1, 1000: 9} {
		t.Run(fmt.Sprint(groups), func(t *testing.T) { stopSlowly(t, groups, most) })
	}
}

// stopSlowly fails where what is slow holds up more than so many groups, itself
// among them.
func stopSlowly(t *testing.T, groups, most int) {
	t.Helper()
	inWorld(t, singles(groups), func(t *testing.T, w *world) {
		t.Helper()
		a, b := w.start(t, "a"), w.start(t, "b")
		w.after(5 * time.Second)
		var slow string
		for _, g := range w.groups {
			if b.node.Holds(g.Key) {
				slow = g.Key
				break
			}
		}
		b.drain[slow] = 20 * time.Second
		start := time.Now()
		stopped := make(chan error)
		go func() { stopped <- b.node.Stop(t.Context()) }()
		w.after(2 * time.Second)
		if left := b.held(); left == 0 || left > most || a.held() != len(w.groups)-left {
			t.Errorf("%d are left, %d handed over", left, a.held())
		}
		if !b.node.Holds(slow) {
			t.Error("what is under way is not held any more")
		}
		if err := <-stopped; err != nil || time.Since(start) > 21*time.Second {
			t.Errorf("stopped after %v: %v", time.Since(start), err)
		}
		w.after(time.Second)
		w.wantShared(t, a)
	})
}

// TestStopInAHurry cuts short what takes longer than there is time.
func TestStopInAHurry(t *testing.T) {
	inWorld(t, singles(10), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(time.Second)
		a.drain[""] = 20 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		if err := a.node.Stop(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
		if len(w.d.members) > 0 {
			t.Error("it did not leave")
		}
	})
}

// TestStopWithoutDatabase ends in time, and says that others were not told.
func TestStopWithoutDatabase(t *testing.T) {
	inWorld(t, singles(10), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(time.Second)
		a.link.set(func(l *link) { l.cut = true })
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		if err := a.node.Stop(ctx); err == nil || time.Since(start) > 2*time.Second+stopGrace+callTimeout {
			t.Errorf("stopped after %v: %v", time.Since(start), err)
		}
		if len(a.busy) > 0 || a.held() > 0 {
			t.Errorf("%d are busy, %d held", len(a.busy), a.held())
		}
	})
}
