package poller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What becomes of a saved next run at the start.
func TestSchedulerResumes(t *testing.T) {
	t.Parallel()
	// The bubble starts at midnight, so that the next regular run is in 6 hours.
	const spec = "0 */6 * * *"
	offset := stableOffset("a", maxSpread)
	tests := []struct {
		name     string
		saved    time.Duration // from the start; 0 for none
		onMissed OnMissed
		want     []time.Duration
	}{
		{"never ran", 0, RunOnce, []time.Duration{stableOffset("a", firstGap), 6 * time.Hour}},
		{"never ran, skip", 0, Skip, []time.Duration{stableOffset("a", firstGap), 6 * time.Hour}},
		{"still to come", 6 * time.Hour, RunOnce, []time.Duration{6 * time.Hour}},
		{"missed", -time.Hour, RunOnce, []time.Duration{offset, 6 * time.Hour}},
		{"missed for a year", -365 * 24 * time.Hour, RunOnce, []time.Duration{offset, 6 * time.Hour}},
		{"missed, skip", -time.Hour, Skip, []time.Duration{6 * time.Hour}},
		{"put off before", time.Minute, RunOnce, []time.Duration{time.Minute, 6 * time.Hour}},
		{"clock was set back", 30 * 24 * time.Hour, RunOnce, []time.Duration{6 * time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				runs := newMemoryRuns()
				if tt.saved != 0 {
					runs.saved["a"] = time.Now().Add(tt.saved)
				}
				r := newRig(t, runs)
				a := source(t, "a", spec)
				a.OnMissed = tt.onMissed
				mustStart(t, r.Scheduler)
				r.Apply([]*Source{a})
				if next, ok := r.NextRun("a"); !ok || next.Sub(r.polls.start) != tt.want[0] {
					t.Errorf("next run at %v, want %v", next.Sub(r.polls.start), tt.want[0])
				}
				wait(7 * time.Hour)
				var got []time.Duration
				for _, m := range r.polls.take() {
					got = append(got, m.At)
				}
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Error("polls (-want +got):\n" + d)
				}
				if next := r.runs.get("a"); next.Sub(r.polls.start) != 12*time.Hour {
					t.Errorf("saved next run is %v", next)
				}
			})
		})
	}
}

// A missed run that would be made after the next regular one is that one.
func TestSchedulerMakesMissedRunsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		runs.saved["a"] = time.Now().Add(-time.Hour)
		r := newRig(t, runs)
		r.Apply([]*Source{source(t, "a", "1 0 0 * * *")})
		mustStart(t, r.Scheduler)
		wait(time.Hour)
		if d := cmp.Diff([]made{{"a", 1, time.Second}}, r.polls.take()); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
	})
}

// A restart of thousands of sources whose runs were missed spreads them, and a
// process that crashes while it spreads them does not put them off again.
func TestSchedulerSpreadsMissedRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		var sources []*Source
		for i := range 3000 {
			src := source(t, fmt.Sprint("source-", i), "@daily")
			sources = append(sources, src)
			runs.saved[src.Name] = time.Now().Add(-time.Hour)
		}
		start := time.Now()
		minutes := map[int]int{}
		polled := map[string]bool{}
		for range 5 {
			r := newRig(t, runs)
			r.Apply(sources)
			mustStart(t, r.Scheduler)
			wait(70 * time.Second)
			for _, m := range r.polls.take() {
				minutes[int((r.polls.start.Sub(start)+m.At)/time.Minute)]++
				polled[m.Source] = true
			}
			// The last second of what was saved is lost.
			runs = &memoryRuns{saved: r.runs.saved}
			r.runs.setFail(errDisk)
			if err := r.Stop(t.Context()); err != nil && !errors.Is(err, errDisk) {
				t.Fatal(err)
			}
		}
		if len(polled) != len(sources) {
			t.Errorf("%d of %d sources were polled", len(polled), len(sources))
		}
		for minute, n := range minutes {
			if n > 800 {
				t.Errorf("%d polls in minute %d", n, minute)
			}
		}
	})
}

// New sources are polled within seconds: a few at once, thousands spread.
func TestSchedulerFirstRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		var sources []*Source
		for i := range 5000 {
			sources = append(sources, source(t, fmt.Sprint("source-", i), "@daily"))
		}
		r.Apply(sources)
		mustStart(t, r.Scheduler)
		wait(6 * time.Second)
		var tenths [60]int
		for _, m := range r.polls.take() {
			tenths[m.At/(100*time.Millisecond)]++
		}
		total := 0
		for i, n := range tenths {
			total += n
			if n > 200 {
				t.Errorf("%d polls in tenth %d of a second", n, i)
			}
		}
		if total != len(sources) {
			t.Errorf("%d of %d sources were polled", total, len(sources))
		}
		if r.polls.most > 8 {
			t.Errorf("%d polls at once on 8 workers", r.polls.most)
		}
	})
}

// A run whose poll has not ended counts as missed after a crash.
func TestSchedulerRepeatsAnInterruptedRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		due := time.Now().Add(time.Minute)
		runs.saved["a"] = due
		r := newRig(t, runs)
		r.polls.do = func(ctx context.Context, _ *Source, _ int) Outcome {
			<-ctx.Done()
			return Outcome{}
		}
		r.Apply([]*Source{source(t, "a", "@daily")})
		mustStart(t, r.Scheduler)
		wait(time.Hour)
		if n := len(r.polls.take()); n != 1 {
			t.Fatalf("%d polls", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop with a poll that had to be cancelled: %v", err)
		}
		if got := runs.get("a"); !got.Equal(due) {
			t.Errorf("saved next run is %v, want that of the interrupted run", got)
		}
	})
}
