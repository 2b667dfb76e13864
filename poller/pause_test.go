package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A source that is paused is polled no more, whatever is applied; the others go on.
func TestPauseEndsPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		a, b := source(t, "a", "* * * * *"), source(t, "b", "* * * * *")
		r.Pause("b") // before anything is known of it
		r.Apply([]*Source{a, b})
		mustStart(t, r.Scheduler)
		wait(150 * time.Second)
		if d := cmp.Diff([]string{"a", "a", "a"}, names(r.polls.take())); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
		r.Pause("a")
		r.Pause("a")
		r.Apply([]*Source{b, a})
		wait(time.Hour)
		if made := r.polls.take(); len(made) != 0 {
			t.Errorf("polls of paused sources: %v", made)
		}
		for _, name := range []string{"a", "b"} {
			if err := r.Trigger(name); !errors.Is(err, ErrPaused) {
				t.Errorf("trigger of %s: %v", name, err)
			}
			if status, ok := r.Status(name); !ok || status != (SourceStatus{Paused: true}) {
				t.Errorf("status of %s: %+v, %v", name, status, ok)
			}
		}
	})
}

// What was missed in a pause is made once and at once; where nothing was, or
// where the source skips what it misses, the schedule goes on.
func TestResumeFollowsTheSchedule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		onMissed OnMissed
		pause    time.Duration
		want     []time.Duration
	}{
		{"nothing was missed", RunOnce, 30 * time.Minute, []time.Duration{time.Hour, 2 * time.Hour}},
		{"runs were missed", RunOnce, 150 * time.Minute, []time.Duration{160*time.Minute + stableOffset("a", firstGap), 3 * time.Hour}},
		{"runs were missed, and are skipped", Skip, 150 * time.Minute, []time.Duration{3 * time.Hour, 4 * time.Hour}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, newMemoryRuns())
				a := source(t, "a", "0 * * * *")
				a.OnMissed = tt.onMissed
				r.Apply([]*Source{a})
				mustStart(t, r.Scheduler)
				wait(10 * time.Minute)
				r.polls.take()
				r.Pause("a")
				wait(tt.pause)
				r.Resume("a")
				r.Resume("a")
				wait(3 * time.Hour)
				var at []time.Duration
				for _, m := range r.polls.take() {
					at = append(at, m.At)
				}
				if d := cmp.Diff(tt.want, at[:min(len(at), 2)]); d != "" {
					t.Error("polls (-want +got):\n" + d)
				}
			})
		})
	}
}

// A poll under way makes no further request once its source is paused, and
// begins anew afterwards. It never overlaps with the next one.
func TestPauseCutsAPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		r.polls.do = func(ctx context.Context, _ *Source, request int) Outcome {
			_ = pause(ctx, 10*time.Second)
			return Outcome{More: request < 5}
		}
		r.Apply([]*Source{source(t, "a", "@yearly")})
		mustStart(t, r.Scheduler)
		wait(15 * time.Second) // into the second page
		r.Pause("a")
		if status, _ := r.Status("a"); !status.Polling || !status.Paused || !status.NextRun.IsZero() {
			t.Errorf("status while the request under way ends: %+v", status)
		}
		wait(time.Minute)
		if made := r.polls.take(); len(made) != 2 {
			t.Errorf("requests: %v", made)
		}
		r.Resume("a")
		if err := r.Trigger("a"); err != nil {
			t.Error(err)
		}
		wait(5 * time.Second)
		r.Pause("a")
		r.Resume("a")
		if err := r.Trigger("a"); err != nil {
			t.Error(err)
		}
		wait(10 * time.Minute)
		requests := make([]int, 0, 8)
		for _, m := range r.polls.take() {
			requests = append(requests, m.Request)
		}
		// The one that was resumed in its first request goes on.
		if d := cmp.Diff([]int{1, 2, 3, 4, 5, 1, 2, 3, 4, 5}, requests); d != "" {
			t.Error("requests (-want +got):\n" + d)
		}
	})
}

// A source that waits for its limit gives its place away.
func TestPauseLeavesTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), Limit{Name: "api", Requests: 1, Per: time.Hour, Burst: 1})
		a, b := source(t, "a", "@yearly"), source(t, "b", "@yearly")
		a.Limit, b.Limit = "api", "api"
		r.Apply([]*Source{a, b})
		mustStart(t, r.Scheduler)
		wait(time.Minute)
		first := names(r.polls.take())
		if len(first) != 1 {
			t.Fatalf("polls: %v", first)
		}
		waiting := "a"
		if first[0] == "a" {
			waiting = "b"
		}
		if status, _ := r.Status(waiting); !status.Waiting || status.Polling {
			t.Errorf("status: %+v", status)
		}
		r.Pause(waiting)
		if err := r.Trigger(first[0]); err != nil {
			t.Error(err)
		}
		wait(2 * time.Hour)
		if d := cmp.Diff(first, names(r.polls.take())); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
		if n := r.limiter.Limits()[0].Waiting; n != 0 {
			t.Errorf("%d wait", n)
		}
	})
}

// A pause survives the source's absence from what is applied, and a source that
// is gone cannot be resumed.
func TestPauseOutlivesItsSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		a := source(t, "a", "* * * * *")
		r.Apply([]*Source{a})
		mustStart(t, r.Scheduler)
		wait(time.Second)
		r.polls.take()
		r.Pause("a")
		r.Apply(nil)
		if _, ok := r.Status("a"); ok {
			t.Error("a source that is gone has a status")
		}
		if err := r.Trigger("a"); !errors.Is(err, ErrUnknownSource) {
			t.Errorf("trigger: %v", err)
		}
		r.Apply([]*Source{a})
		wait(time.Hour)
		if made := r.polls.take(); len(made) != 0 {
			t.Errorf("polls: %v", made)
		}
		r.Apply(nil)
		r.Resume("a")
		wait(time.Hour)
		if made := r.polls.take(); len(made) != 0 {
			t.Errorf("polls: %v", made)
		}
		r.Apply([]*Source{a})
		wait(time.Minute)
		if made := r.polls.take(); len(made) == 0 {
			t.Error("no poll after the pause")
		}
	})
}

// A pause that was set before the start holds over it, and a source that was
// polled before the restart goes on where it was.
func TestPauseBeforeTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		a := source(t, "a", "0 * * * *")
		first := newRig(t, runs)
		first.Apply([]*Source{a})
		mustStart(t, first.Scheduler)
		wait(10 * time.Minute)
		if err := first.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := newRig(t, runs)
		r.Apply([]*Source{a})
		r.Pause("a")
		r.Resume("a")
		r.Pause("a")
		mustStart(t, r.Scheduler)
		wait(20 * time.Minute)
		if made := r.polls.take(); len(made) != 0 {
			t.Fatalf("polls: %v", made)
		}
		r.Resume("a")
		if next, _ := r.NextRun("a"); next.Sub(first.polls.start) != time.Hour {
			t.Errorf("next run %v", next)
		}
	})
}

// names are the sources of polls.
func names(all []made) []string {
	list := make([]string, len(all))
	for i, m := range all {
		list[i] = m.Source
	}
	return list
}
