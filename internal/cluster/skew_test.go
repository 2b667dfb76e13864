package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// ahead is by how much one of the nodes says that another one's clock is ahead.
func (k *worker) ahead(other *worker) time.Duration {
	for _, m := range k.node.Members() {
		if m.ID == other.node.Self() {
			return m.ClockAhead
		}
	}
	return 0
}

// wantSaid fails where the nodes have not said so often that clocks are apart, and
// that they are the same again.
func (w *world) wantSaid(t *testing.T, apart, again int) {
	t.Helper()
	log := w.said()
	if a, b := strings.Count(log, "database are apart"), strings.Count(log, "are the same again"); a != apart || b != again {
		t.Errorf("said %d times that they are apart, and %d times that they are not, want %d and %d:\n%s", a, b, apart, again, log)
	}
}

// setSkew sets the wall clock of a node.
func (k *worker) setSkew(skew time.Duration) { k.set(func() { k.skew = skew }) }

// about says whether one time is as another one, but for what an answer takes.
func about(a, b time.Duration) bool { return (a - b).Abs() <= 2*time.Millisecond }

// TestClockApart: a node whose clock is not the database's says so once, by how much
// and what to do, and all know of it; when it is right again it says that once.
func TestClockApart(t *testing.T) {
	inWorld(t, singles(3), func(t *testing.T, w *world) {
		a, b := w.start(t, "a"), w.start(t, "b")
		b.setSkew(900 * time.Millisecond)
		w.after(10 * time.Second)
		w.wantSaid(t, 0, 0)

		b.setSkew(3 * time.Second)
		w.after(10 * time.Second)
		w.wantSaid(t, 1, 0)
		for _, want := range []string{"level=WARN", "NTP", "node_is=ahead by=3s give_or_take=1ms"} {
			if !strings.Contains(w.said(), want) {
				t.Errorf("lacks %q: %s", want, w.said())
			}
		}
		if !about(a.ahead(b), 3*time.Second) || !about(b.ahead(b), 3*time.Second) || a.ahead(a) != 0 || b.ahead(a) != 0 {
			t.Errorf("b is ahead by %v and %v, a by %v and %v", a.ahead(b), b.ahead(b), a.ahead(a), b.ahead(a))
		}

		b.setSkew(-90 * time.Second)
		w.after(time.Minute)
		w.wantSaid(t, 1, 0)
		if !about(a.ahead(b), -90*time.Second) {
			t.Errorf("b is ahead by %v", a.ahead(b))
		}

		b.setSkew(-700 * time.Millisecond) // not so near that it could not soon be apart again
		w.after(10 * time.Second)
		w.wantSaid(t, 1, 0)
		b.setSkew(400 * time.Millisecond)
		w.after(10 * time.Second)
		w.wantSaid(t, 1, 1)
		if a.ahead(b) != 0 || b.ahead(b) != 0 {
			t.Errorf("b is ahead by %v", a.ahead(b))
		}

		b.setSkew(-2 * time.Second)
		w.after(10 * time.Second)
		w.wantSaid(t, 2, 1)
		if !strings.Contains(w.said(), "node_is=behind by=2s") {
			t.Errorf("said: %s", w.said())
		}
	})
}

// TestClockOfDatabaseApart: where it is the database's clock that is wrong each node
// says so, one that is alone too. It stays known in the next life.
func TestClockOfDatabaseApart(t *testing.T) {
	inWorld(t, singles(3), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.d.set(func(d *database) { d.skew = time.Minute })
		w.after(5 * time.Second)
		w.wantSaid(t, 1, 0)
		b := w.start(t, "b")
		w.after(5 * time.Second)
		w.wantSaid(t, 2, 0)
		if !about(a.ahead(b), -time.Minute) || !about(b.ahead(a), -time.Minute) {
			t.Errorf("a is ahead by %v, b by %v", b.ahead(a), a.ahead(b))
		}
		w.d.set(func(d *database) { delete(d.members, b.node.Self()) })
		w.after(5 * time.Second)
		w.wantSaid(t, 2, 0)
		if !about(a.ahead(b), -time.Minute) {
			t.Errorf("b is ahead by %v", a.ahead(b))
		}
	})
}

// TestClockUncertain: what an answer took so long for that it may be right is not
// said to be wrong, nor what may be wrong to be right.
func TestClockUncertain(t *testing.T) {
	inWorld(t, singles(3), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		lag := func(lag time.Duration) { a.link.set(func(l *link) { l.lag = lag }) }
		lag(700 * time.Millisecond)
		w.after(10 * time.Second)
		a.setSkew(1500 * time.Millisecond)
		w.after(30 * time.Second)
		w.wantSaid(t, 0, 0)
		a.setSkew(-1500 * time.Millisecond)
		w.after(30 * time.Second)
		w.wantSaid(t, 0, 0)
		a.setSkew(2 * time.Second) // whatever it took
		w.after(10 * time.Second)
		w.wantSaid(t, 1, 0)
		if !strings.Contains(w.said(), "node_is=ahead by=2s give_or_take=701ms") {
			t.Errorf("said: %s", w.said())
		}
		a.setSkew(0)
		w.after(30 * time.Second)
		w.wantSaid(t, 1, 0)
		lag(0)
		w.after(10 * time.Second)
		w.wantSaid(t, 1, 1)
	})
}

// TestClockCostsNothing: no more is asked and written where clocks are apart.
func TestClockCostsNothing(t *testing.T) {
	inWorld(t, singles(3), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(10 * time.Second)
		calls := func() (beats, looks int) {
			w.d.set(func(d *database) { beats, looks = d.calls["Beat"], d.calls["Members"] })
			return beats, looks
		}
		count := func() (int, int) {
			beats, looks := calls()
			w.after(time.Minute)
			beats2, looks2 := calls()
			return beats2 - beats, looks2 - looks
		}
		beats, looks := count()
		a.setSkew(-time.Hour)
		w.after(10 * time.Second)
		w.wantSaid(t, 1, 0)
		if b, l := count(); b > beats+1 || l > looks+1 {
			t.Errorf("%d beats and %d looks a minute, were %d and %d", b, l, beats, looks)
		}
	})
}

// TestSkew compares clocks of which one was set while the database was asked, or
// whose machine slept.
func TestSkew(t *testing.T) {
	t.Parallel()
	base := time.Unix(1e9, 0)
	at := func(mono, wall time.Duration) moment { return moment{base.Add(mono), base.Add(wall)} }
	// It is what the clock of the database says 10 ms after it was asked.
	members := []store.Member{{SeenAt: base.Add(-2 * time.Second), Age: 2*time.Second + 10*time.Millisecond}}
	const ms = time.Millisecond
	for name, tc := range map[string]struct {
		asked, answered moment
		want            skew
		apart, near     bool
	}{
		"right":                 {at(0, 0), at(20*ms, 20*ms), skew{-10 * ms, 10 * ms}, false, true},
		"ahead":                 {at(0, time.Minute), at(20*ms, time.Minute+20*ms), skew{time.Minute - 10*ms, time.Minute + 10*ms}, true, false},
		"just within":           {at(0, 1010*ms), at(20*ms, 1030*ms), skew{1000 * ms, 1020 * ms}, false, false},
		"behind":                {at(0, -time.Minute), at(20*ms, -time.Minute+20*ms), skew{-time.Minute - 10*ms, -time.Minute + 10*ms}, true, false},
		"set forward meanwhile": {at(0, 0), at(20*ms, time.Minute), skew{-10 * ms, time.Minute - 10*ms}, false, false},
		"set back meanwhile":    {at(0, 0), at(20*ms, -time.Minute), skew{-time.Minute - 30*ms, -time.Minute - 10*ms}, true, false},
		"put right meanwhile":   {at(0, time.Minute), at(20*ms, 20*ms), skew{-10 * ms, 10 * ms}, false, true},
		"slept meanwhile":       {at(0, 0), at(20*ms, time.Hour), skew{-10 * ms, time.Hour - 10*ms}, false, false},
		"slow":                  {at(0, 0), at(2*time.Second, 2*time.Second), skew{-10 * ms, 1990 * ms}, false, false},
	} {
		got, ok := skewOf(tc.asked, tc.answered, members)
		if !ok || got != tc.want || got.apart() != tc.apart || got.near() != tc.near {
			t.Errorf("%s: %v, apart %v, near %v", name, got, got.apart(), got.near())
		}
	}
	if _, ok := skewOf(at(0, 0), at(0, 0), nil); ok {
		t.Error("nobody said anything")
	}
}
