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

// A lone source fires exactly on time; its first run comes at once.
func TestSchedulerFiresOnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The bubble starts at midnight of 2000-01-01.
		r := newRig(t, newMemoryRuns())
		r.Apply([]*Source{source(t, "a", "30 */5 * * * *")})
		mustStart(t, r.Scheduler)
		wait(time.Hour)
		got := r.polls.take()
		if len(got) != 13 {
			t.Fatalf("%d polls in an hour: %v", len(got), got)
		}
		if got[0].At >= firstGap {
			t.Errorf("first poll after %v", got[0].At)
		}
		for i, m := range got[1:] {
			if want := time.Duration(i)*5*time.Minute + 30*time.Second; m.At != want {
				t.Errorf("poll %d at %v, want %v", i+1, m.At, want)
			}
		}
	})
}

// A year of schedules in several zones, with both changes of the clocks.
func TestSchedulerRunsForAYear(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}
		var sources []*Source
		for _, zone := range zones {
			for _, spec := range []string{"30 2 * * *", "0 */6 * * MON-FRI", "@monthly"} {
				name := zone + " " + spec
				sources = append(sources, &Source{Name: name, Schedule: mustSchedule(t, spec, mustLocation(t, zone), name)})
			}
		}
		r.Apply(sources)
		mustStart(t, r.Scheduler)
		wait(time.Minute)
		r.polls.take() // The first runs.
		from := time.Now()
		wait(366 * 24 * time.Hour)
		got := map[string][]time.Duration{}
		for _, m := range r.polls.take() {
			got[m.Source] = append(got[m.Source], m.At)
		}
		for _, src := range sources {
			var want []time.Duration
			for _, at := range runsBetween(src.Schedule, from, time.Now()) {
				want = append(want, at.Sub(r.polls.start))
			}
			if d := cmp.Diff(want, got[src.Name]); d != "" {
				t.Errorf("%s (-want +got):\n%s", src.Name, d)
			}
		}
	})
}

func TestSchedulerRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), Limit{Name: "api", Requests: 60, Per: time.Minute, Burst: 1})
		r.polls.do = func(_ context.Context, s *Source, request int) Outcome {
			switch {
			case s.Name == "sick" && request < 3:
				return Outcome{RetryAfter: time.Duration(request) * 10 * time.Second}
			case s.Name == "limited" && request < 3:
				return Outcome{RetryAfter: time.Millisecond}
			}
			return Outcome{}
		}
		sick, limited := source(t, "sick", "*/2 * * * *"), source(t, "limited", "*/2 * * * *")
		limited.Limit = "api"
		r.Apply([]*Source{sick, limited})
		mustStart(t, r.Scheduler)
		wait(time.Minute)
		r.polls.take()
		wait(time.Minute + 59*time.Second)
		want := []made{
			{"limited", 1, 2 * time.Minute},
			{"limited", 2, 2*time.Minute + time.Second},
			{"limited", 3, 2*time.Minute + 2*time.Second},
			{"sick", 1, 2 * time.Minute},
			{"sick", 2, 2*time.Minute + 10*time.Second},
			{"sick", 3, 2*time.Minute + 30*time.Second},
		}
		if d := cmp.Diff(want, sorted(r.polls.take())); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
		if n := r.Dropped(); n != 0 {
			t.Errorf("%d runs dropped", n)
		}
	})
}

// A run that comes due while the last poll has not ended is dropped, whether
// that is under way, between two requests, or waits for its limit.
func TestSchedulerDropsOverlappingRuns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		outcome func(ctx context.Context) Outcome
		limit   Limit
	}{
		{"under way", func(ctx context.Context) Outcome { _ = pause(ctx, 150*time.Second); return Outcome{} }, Limit{}},
		{"between requests", func(context.Context) Outcome { return Outcome{RetryAfter: 150 * time.Second} }, Limit{}},
		{"waits for its limit", func(context.Context) Outcome { return Outcome{} }, Limit{Name: "api", Requests: 1, Per: 150 * time.Second, Burst: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, newMemoryRuns(), tt.limit)
				r.polls.do = func(ctx context.Context, _ *Source, request int) Outcome {
					if request > 1 {
						return Outcome{}
					}
					return tt.outcome(ctx)
				}
				a := source(t, "a", "* * * * *")
				a.Limit = tt.limit.Name
				r.Apply([]*Source{a})
				mustStart(t, r.Scheduler)
				wait(time.Hour)
				got, dropped := len(r.polls.take()), r.Dropped()
				if dropped < 19 || dropped > 42 || got < 19 {
					t.Errorf("%d polls, %d dropped", got, dropped)
				}
			})
		})
	}
}

func TestSchedulerJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		a := source(t, "a", "*/5 * * * *")
		a.Jitter = 20 * time.Second
		r.Apply([]*Source{a})
		mustStart(t, r.Scheduler)
		wait(time.Minute)
		r.polls.take()
		wait(24 * time.Hour)
		got := r.polls.take()
		if len(got) != 288 {
			t.Errorf("%d polls a day", len(got))
		}
		low, high := time.Hour, time.Duration(0)
		for _, m := range got {
			after := m.At % (5 * time.Minute)
			low, high = min(low, after), max(high, after)
		}
		if low > 2*time.Second || high < 18*time.Second || high >= 20*time.Second {
			t.Errorf("jitter from %v to %v, want nearly all of [0, 20s)", low, high)
		}
	})
}

// A trigger while a poll waits for its next request is for another poll.
func TestTriggerBetweenRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), Limit{Name: "api", Requests: 60, Per: time.Hour, Burst: 1})
		r.polls.do = func(_ context.Context, _ *Source, request int) Outcome {
			return Outcome{RetryAfter: time.Duration(2-request) * time.Second}
		}
		a := source(t, "a", "@yearly")
		a.Limit = "api"
		r.Apply([]*Source{a})
		mustStart(t, r.Scheduler)
		wait(30 * time.Second)
		if err := r.Trigger("a"); err != nil {
			t.Fatal(err)
		}
		wait(time.Hour)
		var got []int
		for _, m := range r.polls.take() {
			got = append(got, m.Request)
		}
		if d := cmp.Diff([]int{1, 2, 1, 2}, got); d != "" {
			t.Error("requests (-want +got):\n" + d)
		}
	})
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), Limit{Name: "api", Requests: 1, Per: time.Hour, Burst: 1})
		if err := r.Trigger("a"); !errors.Is(err, ErrNotRunning) {
			t.Errorf("trigger before the start: %v", err)
		}
		r.polls.do = func(ctx context.Context, s *Source, request int) Outcome {
			_ = pause(ctx, 10*time.Second)
			if s.Name == "sick" && request == 1 {
				return Outcome{RetryAfter: 10 * time.Second}
			}
			return Outcome{}
		}
		limited := source(t, "limited", "@yearly")
		limited.Limit = "api"
		r.Apply([]*Source{source(t, "a", "@yearly"), source(t, "sick", "@yearly"), limited})
		mustStart(t, r.Scheduler)
		wait(time.Minute)
		first := r.polls.take()
		if len(first) != 4 {
			t.Fatalf("first polls: %v", first)
		}
		trigger := func(name string) {
			if err := r.Trigger(name); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		for range 3 {
			// The first starts a poll, the second asks for one more after
			// it, and the third asks for the same.
			trigger("a")
			trigger("sick")
			trigger("limited") // Waits for its limit, once.
		}
		wait(5 * time.Hour)
		want := []made{
			{"a", 1, 60 * time.Second},
			{"a", 1, 70 * time.Second},
			{"limited", 1, time.Hour + first[0].At},
			{"sick", 1, 60 * time.Second},
			{"sick", 2, 80 * time.Second},
			{"sick", 1, 90 * time.Second},
			{"sick", 2, 110 * time.Second},
		}
		for _, m := range first {
			if m.Source == "limited" {
				want[2].At = time.Hour + m.At + 10*time.Second // An hour after its end.
			}
		}
		if d := cmp.Diff(want, sorted(r.polls.take())); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
		if err := r.Trigger("nobody"); !errors.Is(err, ErrUnknownSource) {
			t.Errorf("trigger of an unknown source: %v", err)
		}
		if _, ok := r.NextRun("nobody"); ok {
			t.Error("an unknown source has a next run")
		}
	})
}

// A source behind an exhausted limit holds no worker, and no other source.
func TestLimitHoldsNoWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), Limit{Name: "slow", Requests: 1, Per: time.Hour, Burst: 1})
		var sources []*Source
		for i := range 20 {
			src := source(t, fmt.Sprint("slow-", i), "* * * * *")
			src.Limit = "slow"
			sources = append(sources, src)
		}
		r.Apply(append(sources, source(t, "free", "* * * * *")))
		mustStart(t, r.Scheduler)
		const hours = 60
		wait(hours * time.Hour)
		turns := map[string]int{}
		for _, m := range r.polls.take() {
			turns[m.Source]++
		}
		if got := turns["free"]; got != hours*60+1 {
			t.Errorf("the source without a limit was polled %d times in %d hours", got, hours)
		}
		for _, src := range sources {
			if n := turns[src.Name]; n < 2 || n > 4 {
				t.Errorf("%s had %d of %d turns", src.Name, n, hours)
			}
		}
	})
}

// A pause that comes while an admitted poll waits for a worker holds for it too.
func TestPauseHoldsForWhatWaitsForAWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), Limit{Name: "api", Requests: 60, Per: time.Minute, Burst: 1})
		r.polls.do = func(ctx context.Context, s *Source, _ int) Outcome {
			if s.Limit == "" {
				_ = pause(ctx, time.Minute)
			}
			return Outcome{}
		}
		var sources []*Source
		for i := range 8 {
			sources = append(sources, source(t, fmt.Sprint("long-", i), "@yearly"))
		}
		mustStart(t, r.Scheduler)
		r.Apply(sources)
		wait(time.Second) // Now all workers are busy.
		first, second := source(t, "first", "@yearly"), source(t, "second", "@yearly")
		first.Limit, second.Limit = "api", "api"
		r.Apply(append(sources, first))
		wait(time.Second)
		r.Apply(append(sources, first, second))
		wait(time.Second)
		r.limiter.Pause("api", time.Now().Add(time.Hour))
		r.polls.take()
		wait(2 * time.Hour)
		want := []made{{"first", 1, time.Hour + 3*time.Second}, {"second", 1, time.Hour + 4*time.Second}}
		if d := cmp.Diff(want, r.polls.take()); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
	})
}
