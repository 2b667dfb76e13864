package cluster

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestDatabaseGoesBack: where the database has lost what it had committed, a node
// joins again as a new one, and adopts all anew, at once.
func TestDatabaseGoesBack(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(d *database){
		"log":        func(d *database) { d.pulse.Position -= 2 },
		"deliveries": func(d *database) { d.pulse.Delivery-- },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(singles(10))
				defer w.check(t)
				defer w.stopAll()
				w.d.set(func(d *database) { d.pulse.Position, d.pulse.Delivery = 100, 200 })
				a := w.start(t, "a")
				<-time.After(10 * time.Second)
				before, adopted := a.node.Self(), a.adopted
				if a.held() != 10 {
					t.Fatalf("holds %d", a.held())
				}
				w.d.set(back)
				<-time.After(5 * time.Second)
				if a.node.Self() == before || a.held() != 10 || a.adopted != adopted+10 {
					t.Errorf("%s is still %s, holds %d, has adopted %d", before, a.node.Self(), a.held(), a.adopted)
				}
				w.d.set(func(d *database) {
					if _, there := d.members[before]; there || len(d.members) != 1 {
						t.Errorf("members %v", d.members)
					}
				})
				if !strings.Contains(w.said(), "went back in time") {
					t.Errorf("says %s", w.said())
				}
				<-time.After(time.Minute)
				if n := strings.Count(w.said(), "went back in time"); n != 1 {
					t.Errorf("says so %d times", n)
				}
			})
		})
	}
}

// TestNewTimeline: after a failover a node joins again, and says why: nobody has taken
// it for dead.
func TestNewTimeline(t *testing.T) {
	inWorld(t, singles(10), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(10 * time.Second)
		before, adopted := a.node.Self(), a.adopted
		w.d.set(func(d *database) { d.behind = map[string]bool{before: true} })
		w.after(10 * time.Second)
		if a.node.Self() == before || a.held() != 10 || a.adopted != adopted+10 || a.node.Status().Lost != 10 {
			t.Errorf("%s is still %s, holds %d, has adopted %d", before, a.node.Self(), a.held(), a.adopted)
		}
		log := w.said()
		if strings.Count(log, "begun a new timeline, as after a failover") != 1 || !strings.Contains(log, "it was on 1, and is on 2") {
			t.Errorf("says %s", log)
		}
		for _, wrong := range []string{"taken for dead", "cannot say that it lives", "can say again"} {
			if strings.Contains(log, wrong) {
				t.Errorf("says %q: %s", wrong, log)
			}
		}
	})
}

// TestBeatAfterSilence: when the database answers again a node asks at once whether it
// is a member there.
func TestBeatAfterSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(singles(1))
		defer w.check(t)
		defer w.stopAll()
		a := w.start(t, "a")
		<-time.After(10*time.Second + beatEvery/4)
		w.d.set(func(d *database) { d.down = true })
		<-time.After(2 * pulseEvery)
		var beats int
		w.d.set(func(d *database) { d.down, beats = false, d.calls["Beat"] })
		<-time.After(2 * pulseEvery)
		w.d.set(func(d *database) {
			if d.calls["Beat"] != beats+1 {
				t.Errorf("%d beats, want one", d.calls["Beat"]-beats)
			}
		})
		if a.held() != 1 {
			t.Error("the lease is gone")
		}
	})
}
