package cluster

import (
	"testing"
	"time"
)

// TestApply changes what there is to share out.
func TestApply(t *testing.T) {
	groups := []Group{
		{Key: "limit/x", Resources: []string{"limit/x", "source/1", "source/2"}},
		{Key: "source/3", Resources: []string{"source/3"}},
		{Key: "source/4", Resources: []string{"source/4"}},
		{Key: "empty"},
	}
	inWorld(t, groups, func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(time.Second)
		epoch := func(resource string) int64 {
			epoch, _ := a.node.Epoch(resource)
			return epoch
		}
		for _, r := range []string{"limit/x", "source/1", "source/2", "source/3", "source/4"} {
			if !a.node.Holds(r) || epoch(r) != 1 {
				t.Errorf("%s: held %v, epoch %d", r, a.node.Holds(r), epoch(r))
			}
		}
		adopted := a.adopted
		a.node.Apply([]Group{
			{Key: "limit/x", Resources: []string{"source/2", "limit/x", "source/3"}}, // one left, one came
			{Key: "source/1", Resources: []string{"source/1"}},
			{Key: "source/5", Resources: []string{"source/5"}},
			{Key: "source/4", Resources: []string{"source/4"}}, // as before
		})
		w.after(2 * time.Second)
		for r, want := range map[string]int64{"limit/x": 2, "source/1": 2, "source/2": 2, "source/3": 2, "source/4": 1, "source/5": 1} {
			if !a.node.Holds(r) || epoch(r) != want {
				t.Errorf("%s: held %v, epoch %d, not %d", r, a.node.Holds(r), epoch(r), want)
			}
		}
		if a.adopted != adopted+3 {
			t.Errorf("%d adopted", a.adopted-adopted)
		}
		// The same resources in another order are the same.
		a.node.Apply([]Group{{Key: "limit/x", Resources: []string{"limit/x", "source/2", "source/3"}}})
		w.after(2 * time.Second)
		if epoch("limit/x") != 2 || a.node.Holds("source/1") || w.d.leases["source/1"].Node != "" || len(a.busy) != 1 {
			t.Errorf("epoch %d, busy %v", epoch("limit/x"), a.busy)
		}
	})
}

// TestOtherConfiguration: a group that only one node knows is its own, whoever
// should have it.
func TestOtherConfiguration(t *testing.T) {
	inWorld(t, singles(100), func(t *testing.T, w *world) {
		a, b := w.start(t, "a"), w.start(t, "b")
		w.after(5 * time.Second)
		w.wantShared(t, a, b)
		b.node.Apply(w.groups[:50])
		w.after(20 * time.Second)
		if a.held()+b.held() != 100 || b.held() == 0 {
			t.Errorf("%d and %d are held", a.held(), b.held())
		}
		// It is given another chance, ever more seldom.
		adopted := a.adopted
		w.after(time.Hour)
		if moved := a.adopted - adopted; moved == 0 || moved > 6*50 {
			t.Errorf("%d moved to and fro", moved)
		}
		w.after(30 * time.Second)
		if held := a.held() + b.held(); held != 100 {
			t.Errorf("%d are held", held)
		}
		// It knows them again.
		b.node.Apply(w.groups)
		b.node.Configured("again", time.Now())
		w.after(10 * time.Second)
		w.wantShared(t, a, b)
	})
}

// TestRegrouped: two nodes group the same resources in different ways for a while.
func TestRegrouped(t *testing.T) {
	inWorld(t, singles(100), func(t *testing.T, w *world) {
		a, b := w.start(t, "a"), w.start(t, "b")
		w.after(5 * time.Second)
		var pairs []Group
		for i := 0; i < 100; i += 2 {
			pairs = append(pairs, Group{Key: "limit/" + w.groups[i].Key, Resources: []string{w.groups[i].Key, w.groups[i+1].Key}})
		}
		b.node.Apply(pairs)
		w.after(30 * time.Second)
		if held := a.held() + b.held(); held != 100 {
			t.Errorf("%d are held", held)
		}
		a.node.Apply(pairs)
		w.after(40 * time.Second)
		for _, p := range pairs {
			x, _ := a.node.Owner(p.Resources[0])
			y, _ := a.node.Owner(p.Resources[1])
			if x.ID == "" || x.ID != y.ID {
				t.Errorf("%v are of %q and %q", p.Resources, x.Name, y.Name)
			}
		}
	})
}
