package poller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// polls records what a scheduler does.
type polls struct {
	mu    sync.Mutex
	start time.Time
	made  []made
	// do, where not nil, is what a poll does.
	do func(ctx context.Context, s *Source, request int) Outcome
	// underWay finds a source that overlaps with itself.
	underWay map[string]int
	overlaps int
	most     int // polls under way at once
	current  int
}

// made is one request.
type made struct {
	Source  string
	Request int
	At      time.Duration // since the start
}

func newPolls() *polls { return &polls{start: time.Now(), underWay: map[string]int{}} }

func (p *polls) poll(ctx context.Context, s *Source, request int) Outcome {
	p.mu.Lock()
	p.made = append(p.made, made{s.Name, request, time.Since(p.start)})
	p.current++
	p.most = max(p.most, p.current)
	if p.underWay[s.Name]++; p.underWay[s.Name] > 1 {
		p.overlaps++
	}
	do := p.do
	p.mu.Unlock()
	var o Outcome
	if do != nil {
		o = do(ctx, s, request)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.underWay[s.Name]--
	p.current--
	return o
}

// take returns what was recorded since the last call.
func (p *polls) take() []made {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.made
	p.made = nil
	return all
}

// rig is a scheduler with all that it needs.
type rig struct {
	*Scheduler
	polls   *polls
	runs    *memoryRuns
	limiter *Limiter
}

// newRig returns a rig that is not started yet.
func newRig(t *testing.T, runs *memoryRuns, limits ...Limit) *rig {
	t.Helper()
	r := &rig{polls: newPolls(), runs: runs, limiter: mustStartLimiter(t, newMemoryBudgets(), limits...)}
	r.Scheduler = NewScheduler(SchedulerOptions{Poll: r.polls.poll, Limiter: r.limiter, Runs: runs, Workers: 8})
	t.Cleanup(func() {
		if err := r.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if r.polls.overlaps > 0 {
			t.Errorf("%d polls of a source overlapped", r.polls.overlaps)
		}
	})
	return r
}

// NextRun returns when a source is due next; false where there is no such time.
func (s *Scheduler) NextRun(name string) (time.Time, bool) {
	status, _ := s.Status(name)
	return status.NextRun, !status.NextRun.IsZero()
}

func mustStart(t *testing.T, s *Scheduler) {
	t.Helper()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// source returns a source of a schedule in UTC.
func source(t testing.TB, name, schedule string) *Source {
	t.Helper()
	return &Source{Name: name, Schedule: mustSchedule(t, schedule, time.UTC, name), OnMissed: RunOnce}
}

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

// The next run is not saved while the poll before it has not ended.
func TestNextRunIsNotSavedAheadOfItsPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		due := time.Now().Add(300 * time.Millisecond)
		runs.saved["a"] = due
		r := newRig(t, runs)
		n := 0
		r.polls.do = func(ctx context.Context, _ *Source, _ int) Outcome {
			if n++; n > 1 {
				_ = pause(ctx, time.Minute)
			}
			return Outcome{}
		}
		r.Apply([]*Source{source(t, "a", "@every 500ms")})
		mustStart(t, r.Scheduler)
		wait(30 * time.Second)
		if got := runs.get("a"); got.After(due) {
			t.Errorf("saved next run is %v, the run under way was due at %v at the earliest", got, due)
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

// sorted orders requests by source, and then by time.
func sorted(all []made) []made {
	var names []string
	of := map[string][]made{}
	for _, m := range all {
		if of[m.Source] == nil {
			names = append(names, m.Source)
		}
		of[m.Source] = append(of[m.Source], m)
	}
	var out []made
	for len(names) > 0 {
		first := 0
		for i := range names {
			if names[i] < names[first] {
				first = i
			}
		}
		out = append(out, of[names[first]]...)
		names = append(names[:first], names[first+1:]...)
	}
	return out
}
