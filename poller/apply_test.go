package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestApplyKeepsTimers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		jittery := func() *Source {
			s := source(t, "kept", "0 * * * *")
			s.Jitter = 30 * time.Minute
			return s
		}
		r.Apply([]*Source{jittery(), source(t, "moved", "0 * * * *"), source(t, "gone", "* * * * *")})
		mustStart(t, r.Scheduler)
		wait(10 * time.Minute)
		r.polls.take()
		kept, _ := r.NextRun("kept")
		changed := jittery()
		changed.Request.URL = "http://127.0.0.1/other"
		r.Apply([]*Source{changed, source(t, "moved", "20 * * * *"), source(t, "new", "@yearly")})
		if next, _ := r.NextRun("kept"); !next.Equal(kept) {
			t.Errorf("the run of a source whose schedule stays moved from %v to %v", kept, next)
		}
		if next, _ := r.NextRun("moved"); next.Sub(r.polls.start) != 20*time.Minute {
			t.Errorf("the run of a source with a new schedule is at %v", next)
		}
		if _, ok := r.NextRun("gone"); ok {
			t.Error("a removed source has a next run")
		}
		if err := r.Trigger("gone"); !errors.Is(err, ErrUnknownSource) {
			t.Errorf("trigger of a removed source: %v", err)
		}
		wait(40 * time.Minute)
		want := []made{{"moved", 1, 20 * time.Minute}, {"new", 1, 10*time.Minute + stableOffset("new", firstGap)}}
		if d := cmp.Diff(want, sorted(r.polls.take())); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
	})
}

// A source that is removed and comes back while its poll is under way does not
// overlap with itself, and its missed run is made.
func TestApplyBringsBackABusySource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		r.polls.do = func(ctx context.Context, _ *Source, _ int) Outcome {
			_ = pause(ctx, 90*time.Second)
			return Outcome{}
		}
		a := source(t, "a", "* * * * *")
		r.Apply([]*Source{a})
		mustStart(t, r.Scheduler)
		for range 20 {
			wait(25 * time.Second)
			r.Apply(nil)
			wait(5 * time.Second)
			r.Apply([]*Source{a})
		}
		if n := len(r.polls.take()); n < 5 || n > 7 {
			t.Errorf("%d polls in ten minutes", n)
		}
		r.Apply(nil)
		wait(time.Hour)
		if n := len(r.polls.take()); n > 1 {
			t.Errorf("%d polls of a removed source", n)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.entries)+len(r.heap) != 0 {
			t.Errorf("%d entries, %d in the heap", len(r.entries), len(r.heap))
		}
	})
}

// A source that waits for its limit goes over to its new one.
func TestApplyMovesAWaitingSourceToItsNewLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tight := Limit{Name: "tight", Requests: 1, Per: 24 * time.Hour, Burst: 1}
		r := newRig(t, newMemoryRuns(), tight)
		takeAll(t, r.limiter, "tight", 1)
		a, gone := source(t, "a", "@yearly"), source(t, "gone", "@yearly")
		a.Limit, gone.Limit = "tight", "tight"
		r.Apply([]*Source{a, gone})
		mustStart(t, r.Scheduler)
		wait(time.Minute)
		moved := *a
		moved.Limit = "wide"
		// The source comes before its limit, and waits for it.
		r.Apply([]*Source{&moved})
		wait(time.Minute)
		if got := r.polls.take(); len(got) != 0 {
			t.Fatalf("polls without a limit: %v", got)
		}
		r.limiter.Apply([]Limit{tight, {Name: "wide", Requests: 10, Per: time.Second, Burst: 1}})
		want := []made{{"a", 1, 2 * time.Minute}}
		if d := cmp.Diff(want, r.polls.take()); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
		if n := r.limiter.Limits()[0].Waiting; n != 0 {
			t.Errorf("%d still wait for the old limit", n)
		}
	})
}
