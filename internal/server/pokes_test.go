package server

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// timedPoker notes when it was asked for a poll.
type timedPoker struct {
	mu    sync.Mutex
	start time.Time
	at    []time.Duration
	// hold and err are what it answers.
	hold time.Duration
	err  error
}

func (p *timedPoker) Poke(string) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = append(p.at, time.Since(p.start))
	return p.hold, p.err
}

func (p *timedPoker) MayPoke(string) error { return nil }

// holds sets for how long the source must be left alone.
func (p *timedPoker) holds(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = d
}

func (p *timedPoker) taken() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at
	p.at = nil
	return at
}

func newTimedPokes(t *testing.T, names ...string) (*pokes, *timedPoker) {
	t.Helper()
	p := &timedPoker{start: time.Now()}
	secrets := make(map[string]string)
	for _, name := range names {
		secrets[name] = "secret of " + name
	}
	return newPokes(secrets, p, slog.New(slog.DiscardHandler)), p
}

func (ps *pokes) must(t *testing.T, name string) *poke {
	t.Helper()
	p := ps.find(name, []string{"secret of " + name})
	if p == nil {
		t.Fatalf("%s cannot be poked", name)
	}
	return p
}

// after lets time go by, and all that is due then be done.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// TestPokesAreCoalesced: at once for the first, and for all that come within a
// second of it once more.
func TestPokesAreCoalesced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ps, p := newTimedPokes(t, "a")
		defer ps.stop()
		a := ps.must(t, "a")
		for range 50 { // 5 seconds
			ps.poke(a)
			after(100 * time.Millisecond)
		}
		after(time.Minute)
		want := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second}
		if d := cmp.Diff(want, p.taken()); d != "" {
			t.Errorf("polls (-want +got):\n%s", d)
		}
		ps.poke(a) // after quiet, at once
		synctest.Wait()
		if got := p.taken(); len(got) != 1 || got[0] != 65*time.Second {
			t.Errorf("polled at %v", got)
		}
	})
}

// TestNoPokeIsLost under any history: after each poke comes a poll, within a
// second, and there are never two in less.
func TestNoPokeIsLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			ps, p := newTimedPokes(t, "a", "b")
			defer ps.stop()
			r := rand.New(rand.NewPCG(seed, 1))
			a := ps.must(t, "a")
			var sent []time.Duration
			for range 200 {
				sent = append(sent, time.Since(p.start))
				var together sync.WaitGroup
				for range 1 + r.IntN(3) {
					together.Go(func() { ps.poke(a) })
				}
				together.Wait()
				after(time.Duration(r.IntN(int(1500 * time.Millisecond))))
			}
			after(time.Minute)
			polls := p.taken()
			for i := 1; i < len(polls); i++ {
				if polls[i]-polls[i-1] < pokeInterval {
					t.Fatalf("seed %d: polls at %v and %v", seed, polls[i-1], polls[i])
				}
			}
			for _, at := range sent {
				for len(polls) > 0 && polls[0] < at {
					polls = polls[1:]
				}
				if len(polls) == 0 || polls[0] > at+pokeInterval {
					t.Fatalf("seed %d: no poll followed the poke at %v: %v", seed, at, polls[:min(len(polls), 1)])
				}
			}
		})
	}
}

// TestSourcesArePokedApart: one that is poked all the time keeps no other waiting.
func TestSourcesArePokedApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ps, p := newTimedPokes(t, "a", "b")
		defer ps.stop()
		for range 5 {
			ps.poke(ps.must(t, "a"))
		}
		ps.poke(ps.must(t, "b"))
		synctest.Wait()
		if got := p.taken(); len(got) != 2 || got[1] != 0 {
			t.Errorf("polled at %v", got)
		}
	})
}

// TestPokesWaitForASourceThatIsLeftAlone, and become one poll then.
func TestPokesWaitForASourceThatIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ps, p := newTimedPokes(t, "a")
		defer ps.stop()
		a := ps.must(t, "a")
		p.holds(10 * time.Minute)
		ps.poke(a)
		synctest.Wait()
		for range 500 {
			ps.poke(a)
			after(time.Second)
		}
		if got := p.taken(); len(got) != 1 {
			t.Errorf("asked at %v while it is left alone", got)
		}
		p.holds(0)
		after(time.Hour)
		if d := cmp.Diff([]time.Duration{10 * time.Minute}, p.taken()); d != "" {
			t.Errorf("polls (-want +got):\n%s", d)
		}
		// However short the wait, it is no busy loop.
		p.holds(time.Nanosecond)
		ps.poke(a)
		after(10 * time.Second)
		if got := p.taken(); len(got) > 11 {
			t.Errorf("asked %d times in 10 seconds", len(got))
		}
	})
}

// TestPokesStop gives up what is still to come, and takes nothing more.
func TestPokesStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ps, p := newTimedPokes(t, "a", "b")
		a, b := ps.must(t, "a"), ps.must(t, "b")
		ps.poke(a)
		synctest.Wait()
		ps.poke(a) // in a second
		p.holds(time.Hour)
		ps.poke(b)
		synctest.Wait()
		p.taken()
		ps.stop()
		ps.stop()
		ps.poke(a)
		after(2 * time.Hour)
		if got := p.taken(); len(got) > 0 {
			t.Errorf("polled at %v", got)
		}
	})
}

// slowPoker answers when it is let go on.
type slowPoker chan struct{}

func (slowPoker) MayPoke(string) error { return nil }

func (p slowPoker) Poke(string) (time.Duration, error) {
	<-p
	return time.Minute, nil
}

// TestPokesStopWaits for a poll that is being asked for.
func TestPokesStopWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		goOn := make(slowPoker)
		ps := newPokes(map[string]string{"a": "secret of a"}, goOn, slog.New(slog.DiscardHandler))
		ps.poke(ps.must(t, "a"))
		synctest.Wait()
		stopped := make(chan struct{})
		go func() {
			ps.stop()
			close(stopped)
		}()
		synctest.Wait()
		select {
		case <-stopped:
			t.Error("stopped with a poll being asked for")
		default:
		}
		close(goOn)
		<-stopped
	})
}

// TestAPokeThatFailsIsLogged, and the next one is taken.
func TestAPokeThatFailsIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		p := &timedPoker{start: time.Now(), err: errors.New("not running")}
		ps := newPokes(map[string]string{"a": "secret of a"}, p, slog.New(slog.NewTextHandler(&logged, nil)))
		defer ps.stop()
		for range 2 {
			ps.poke(ps.must(t, "a"))
			after(time.Second)
		}
		if got := p.taken(); len(got) != 2 || strings.Count(logged.String(), `msg="poke came to nothing" source=a err="not running"`) != 2 {
			t.Errorf("polled at %v, logged %s", got, logged.String())
		}
	})
}

func TestFindPoke(t *testing.T) {
	t.Parallel()
	ps := newPokes(map[string]string{"a": "secret of a", "b": "secret of b", "open": ""}, nil, slog.New(slog.DiscardHandler))
	for _, tc := range []struct {
		name    string
		secrets string
		want    string
	}{
		{"a", "secret of a", "a"},
		{"a", "x|secret of a", "a"},
		{"a", "secret of a|x", "a"},
		{"b", "secret of a|secret of b", "b"},
		{"a", "secret of b", ""},
		{"a", "", ""},
		{"open", "", ""},
		{"", "a\x00secret of a", ""},
		{"a\x00secret of", "a", ""},
	} {
		got := ""
		if p := ps.find(tc.name, strings.Split(tc.secrets, "|")); p != nil {
			got = p.source
		}
		if got != tc.want {
			t.Errorf("%q with %q found %q, want %q", tc.name, tc.secrets, got, tc.want)
		}
	}
}

// TestRefusalsAreCounted by the second, and told of by the minute.
func TestRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r refusals
		var told []string
		taken := 0
		for i := range 1200 { // two minutes
			ok, toLog := r.count(time.Now())
			if ok {
				taken++
			}
			if toLog > 0 {
				told = append(told, fmt.Sprint(i, " ", toLog))
			}
			after(100 * time.Millisecond)
		}
		if taken != 1200 {
			t.Errorf("%d of 10 a second were within bounds", taken)
		}
		if d := cmp.Diff([]string{"0 1", "600 600"}, told); d != "" {
			t.Errorf("logged (-want +got):\n%s", d)
		}
		after(time.Second)
		taken = 0
		for range 1000 {
			if ok, _ := r.count(time.Now()); ok {
				taken++
			}
		}
		if taken != maxRefusals {
			t.Errorf("%d of a thousand at once were within bounds", taken)
		}
	})
}

// pokerFunc is a Poker that is a function.
type pokerFunc func(source string) (time.Duration, error)

func (f pokerFunc) Poke(source string) (time.Duration, error) { return f(source) }
func (pokerFunc) MayPoke(string) error                        { return nil }

// TestAPokeWhileAPollIsAskedForLeadsToAnother: that poll may have looked already.
func TestAPokeWhileAPollIsAskedForLeadsToAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ps *pokes
		polls := 0
		ps = newPokes(map[string]string{"a": "secret of a"}, pokerFunc(func(string) (time.Duration, error) {
			if polls++; polls == 1 {
				ps.poke(ps.find("a", []string{"secret of a"}))
				return time.Hour, nil // The poke has planned another try, which finds out itself.
			}
			return 0, nil
		}), slog.New(slog.DiscardHandler))
		defer ps.stop()
		ps.poke(ps.must(t, "a"))
		after(time.Minute)
		if polls != 2 {
			t.Errorf("%d polls were asked for, want 2", polls)
		}
	})
}

// TestPokesCanBeReplaced: a poll that is still to come comes, where the source can
// be poked still.
func TestPokesCanBeReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ps, p := newTimedPokes(t, "stays", "gone")
		for range 2 { // the second of each is to come after a second
			ps.poke(ps.must(t, "stays"))
			ps.poke(ps.must(t, "gone"))
			synctest.Wait()
		}
		ps.set(map[string]string{"stays": "another secret", "new": "secret of new"})
		if ps.find("stays", []string{"secret of stays"}) != nil || ps.find("gone", []string{"secret of gone"}) != nil {
			t.Error("an old secret is good")
		}
		if ps.find("stays", []string{"another secret"}) == nil {
			t.Error("the new secret is not")
		}
		ps.poke(ps.must(t, "new"))
		after(10 * pokeInterval)
		if got := p.taken(); len(got) != 4 {
			t.Errorf("polled at %v, want two at once, the new one, and the one of the source that stays", got)
		}
		ps.stop()
	})
}
