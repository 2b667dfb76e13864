package poller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStopLetsPollsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		r.polls.do = func(ctx context.Context, _ *Source, _ int) Outcome {
			if err := pause(ctx, 10*time.Second); err != nil {
				t.Error("a poll under way was cancelled:", err)
			}
			return Outcome{}
		}
		starting, cancel := context.WithCancel(t.Context())
		if err := r.Start(starting); err != nil {
			t.Fatal(err)
		}
		cancel() // Ends neither the scheduler nor its polls.
		var sources []*Source
		for i := range 20 { // On 8 workers.
			sources = append(sources, source(t, fmt.Sprint("source-", i), "@every 1m"))
		}
		r.Apply(sources)
		wait(time.Second)
		before := time.Now()
		if err := r.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(before); took > 9*time.Second+100*time.Millisecond {
			t.Errorf("stopped after %v", took)
		}
		if n := len(r.polls.take()); n != 8 {
			t.Errorf("%d polls, want only those that were under way at the stop", n)
		}
		wait(time.Hour)
		if n := len(r.polls.take()); n != 0 {
			t.Errorf("%d polls after the stop", n)
		}
	})
}

func TestStopCancelsPollsAtItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		r := newRig(t, runs)
		r.polls.do = func(ctx context.Context, s *Source, _ int) Outcome {
			if s.Name == "hangs" {
				<-ctx.Done()
				if !errors.Is(context.Cause(ctx), ErrNotRunning) {
					t.Errorf("cancelled with %v", context.Cause(ctx))
				}
			}
			return Outcome{}
		}
		r.Apply([]*Source{source(t, "hangs", "@daily"), source(t, "fine", "@daily")})
		mustStart(t, r.Scheduler)
		wait(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		before := time.Now()
		if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop: %v", err)
		}
		if took := time.Since(before); took != 5*time.Second {
			t.Errorf("stopped after %v", took)
		}
		// The deadline has passed, and yet the next runs are saved.
		if runs.get("fine").IsZero() || !runs.get("hangs").IsZero() {
			t.Errorf("saved next runs: %v", runs.saved)
		}
	})
}

func TestSchedulerLifeCycle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		runs.fail = errDisk
		r := newRig(t, runs)
		r.Apply([]*Source{source(t, "a", "@daily")})
		if _, ok := r.NextRun("a"); ok {
			t.Error("a source has a next run before the start")
		}
		if err := r.Start(t.Context()); !errors.Is(err, errDisk) {
			t.Errorf("start with a broken store: %v", err)
		}
		runs.fail = nil
		mustStart(t, r.Scheduler)
		if err := r.Start(t.Context()); !errors.Is(err, ErrNotRunning) {
			t.Errorf("second start: %v", err)
		}
		if err := r.Alive(t.Context()); err != nil {
			t.Error("alive:", err)
		}
		for range 2 {
			if err := r.Stop(t.Context()); err != nil {
				t.Error("stop:", err)
			}
		}
		if err := r.Alive(t.Context()); !errors.Is(err, ErrNotRunning) {
			t.Errorf("alive after the stop: %v", err)
		}
		if err := r.Trigger("a"); !errors.Is(err, ErrNotRunning) {
			t.Errorf("trigger after the stop: %v", err)
		}
		r.Apply(nil)
		unstarted := newRig(t, runs)
		if err := unstarted.Stop(t.Context()); err != nil {
			t.Error("stop before the start:", err)
		}
		if err := unstarted.Start(t.Context()); !errors.Is(err, ErrNotRunning) {
			t.Errorf("start after the stop: %v", err)
		}
	})
}

// A stop while the start still loads wins.
func TestStopDuringStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		runs.loading = make(chan struct{})
		r := newRig(t, runs)
		started := make(chan error)
		go func() { started <- r.Start(t.Context()) }()
		synctest.Wait()
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		close(runs.loading)
		if err := <-started; !errors.Is(err, ErrNotRunning) {
			t.Errorf("start: %v", err)
		}
	})
}

// Starts, stops, applies and triggers at the same time do no harm, and leave
// nothing behind: the bubble fails where a goroutine remains.
func TestSchedulerStress(t *testing.T) {
	t.Parallel()
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, newMemoryRuns(), Limit{Name: "api", Requests: 50, Per: time.Second, Burst: 5, Concurrency: 2})
			r.polls.do = func(ctx context.Context, _ *Source, request int) Outcome {
				_ = pause(ctx, time.Duration(rand.IntN(20))*time.Millisecond)
				return Outcome{RetryAfter: time.Duration(rand.IntN(3-min(request, 2))) * 5 * time.Millisecond}
			}
			var sources []*Source
			for i := range 50 {
				src := source(t, fmt.Sprint("source-", i), "@every 100ms")
				src.Limit = []string{"", "api"}[i%2]
				sources = append(sources, src)
			}
			var all sync.WaitGroup
			do := func(n int, f func()) {
				for range n {
					all.Go(func() {
						_ = pause(t.Context(), time.Duration(rand.IntN(300))*time.Millisecond)
						f()
					})
				}
			}
			do(3, func() { _ = r.Start(t.Context()) })
			do(20, func() { r.Apply(sources[rand.IntN(25) : 25+rand.IntN(25)]) })
			do(50, func() { _ = r.Trigger(fmt.Sprint("source-", rand.IntN(50))) })
			do(30, func() { r.Pause(fmt.Sprint("source-", rand.IntN(50))) })
			do(30, func() { r.Resume(fmt.Sprint("source-", rand.IntN(50))) })
			do(5, func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_ = r.Alive(ctx)
			})
			do(2, func() {
				_ = pause(t.Context(), time.Second)
				if err := r.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
			for _, s := range r.limiter.Limits() {
				if s.UnderWay != 0 || s.Waiting != 0 {
					t.Errorf("%d under way and %d waiting after the stop", s.UnderWay, s.Waiting)
				}
			}
		})
	}
}

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

// Next runs are saved at most once a second, and only when one changed.
func TestNextRunsAreSavedInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		r := newRig(t, runs)
		var sources []*Source
		for i := range 100 {
			sources = append(sources, source(t, fmt.Sprint("source-", i), "@every 10s"))
		}
		r.Apply(sources)
		mustStart(t, r.Scheduler)
		wait(time.Minute)
		if n := runs.count(); n < 30 || n > 60 {
			t.Errorf("%d saves in a minute", n)
		}
		if len(runs.saved) != len(sources) {
			t.Errorf("%d next runs are saved", len(runs.saved))
		}
		// A failed save is tried again, with what has changed since.
		r.Apply(sources[:1])
		wait(5 * time.Second)
		runs.setFail(errDisk)
		if err := r.Trigger("source-0"); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		runs.setFail(nil)
		wait(2 * time.Second)
		next, _ := r.NextRun("source-0")
		if got := runs.get("source-0"); !got.Equal(next) {
			t.Errorf("saved next run is %v, want %v", got, next)
		}
		r.Apply([]*Source{source(t, "rare", "@yearly")})
		wait(time.Minute)
		saves := runs.count()
		wait(24 * time.Hour)
		if n := runs.count() - saves; n != 0 {
			t.Errorf("%d saves while nothing ran", n)
		}
	})
}

func TestSchedulerFollowsTheWallClock(t *testing.T) {
	t.Parallel()
	offset := stableOffset("a", maxSpread)
	tests := []struct {
		name string
		set  time.Duration
		want []time.Duration // on the monotonic clock, from when the clock was set at 00:30
	}{
		// It is 00:30; the next run is at 06:00.
		{"forward, before the run", 2 * time.Hour, []time.Duration{3*time.Hour + 30*time.Minute}},
		{"forward, past the run", 6 * time.Hour, []time.Duration{offset, 5*time.Hour + 30*time.Minute}},
		{"back", -12 * time.Hour, []time.Duration{5*time.Hour + 30*time.Minute}},
		{"slewed", time.Second, []time.Duration{5*time.Hour + 30*time.Minute - time.Second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				runs := newMemoryRuns()
				runs.saved["a"] = time.Now().Add(6 * time.Hour)
				r := newRig(t, runs)
				var mu sync.Mutex
				var set time.Duration
				r.clock = newClock(func() time.Time {
					mu.Lock()
					defer mu.Unlock()
					return time.Now().Add(set)
				})
				r.Apply([]*Source{source(t, "a", "0 */6 * * *")})
				mustStart(t, r.Scheduler)
				wait(30 * time.Minute)
				mu.Lock()
				set = tt.set
				mu.Unlock()
				wait(6 * time.Hour)
				var got []time.Duration
				for _, m := range r.polls.take() {
					// The jump is noticed within a minute.
					got = append(got, m.At-30*time.Minute)
				}
				if d := cmp.Diff(tt.want, got, cmp.Comparer(func(x, y time.Duration) bool { return (x - y).Abs() <= maxSleep })); d != "" {
					t.Error("polls (-want +got):\n" + d)
				}
			})
		})
	}
}

// After a jump the sources are due in their new order, and one that is never
// due stays so.
func TestClockSetReordersSources(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		var set time.Duration
		r.clock = newClock(func() time.Time { return time.Now().Add(set) })
		a, b, c, d := source(t, "a", "0 1 * * *"), source(t, "b", "0 13 * * *"), source(t, "c", "0 23 * * *"), source(t, "d", "@daily")
		d.Schedule = once(time.Now().Add(-time.Hour))
		r.Apply([]*Source{a, b, c, d})
		mustStart(t, r.Scheduler)
		wait(30 * time.Minute)
		if n := len(r.polls.take()); n != 4 {
			t.Errorf("%d first polls", n)
		}
		if _, ok := r.NextRun("d"); ok {
			t.Error("a source that is never due has a next run")
		}
		synctest.Wait()
		r.mu.Lock()
		set = -12 * time.Hour // From 00:30 to 12:30 of the day before.
		r.mu.Unlock()
		wait(24 * time.Hour)
		var order []string
		for _, m := range r.polls.take() {
			order = append(order, m.Source)
		}
		if d := cmp.Diff([]string{"b", "c", "a"}, order); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
	})
}

// A retry, and a run that is due while the clock is set back, are not put off.
func TestClockSetBackPutsNothingOff(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) int64 { return int64(d) }
	hour := time.Hour
	src := &Source{Name: "a", Schedule: every{period: hour}, OnMissed: RunOnce}
	late := &entry{source: src, next: at(10 * hour), fireAt: at(10 * hour), retryAt: at(10*hour + time.Minute)}
	late.clockSet(-at(5*hour), at(5*hour))
	if late.fireAt != at(5*hour) || late.retryAt != at(5*hour+time.Minute) {
		t.Errorf("run at %v, retry at %v", time.Duration(late.fireAt), time.Duration(late.retryAt))
	}
	first := &entry{source: src, next: at(10*hour + time.Minute), fireAt: at(10*hour + time.Minute), retryAt: noRun, extra: true}
	first.clockSet(-at(5*hour), at(5*hour))
	if first.fireAt != at(5*hour+time.Minute) {
		t.Errorf("first run at %v", time.Duration(first.fireAt))
	}
	waits := &entry{source: src, next: at(9 * hour), fireAt: at(9*hour + 20*time.Minute), retryAt: noRun}
	waits.clockSet(at(time.Minute), at(9*hour+10*time.Minute))
	if waits.fireAt != at(9*hour+20*time.Minute) {
		t.Errorf("jittered run at %v", time.Duration(waits.fireAt))
	}
	never := &entry{source: src, next: noRun, fireAt: noRun, retryAt: noRun}
	if never.clockSet(at(hour), at(hour)) || never.due != noRun {
		t.Error("a source that never runs got a run")
	}
}

// Much that is due shares wake-ups of 100 ms.
func TestSchedulerSharesWakeUps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		var sources []*Source
		for i := range 1000 {
			sources = append(sources, source(t, fmt.Sprint("source-", i), "@every 1s"))
		}
		r.Apply(sources)
		mustStart(t, r.Scheduler)
		wait(5 * time.Second)
		r.polls.take()
		wait(10 * time.Second)
		moments := map[time.Duration]int{}
		total := 0
		for _, m := range r.polls.take() {
			moments[m.At]++
			total++
		}
		if len(moments) > 101 || total < 9900 || total > 10_100 {
			t.Errorf("%d polls at %d moments in ten seconds", total, len(moments))
		}
		// What is left alone is on time again.
		r.Apply(sources[:1])
		wait(2 * time.Second)
		r.polls.take()
		wait(3 * time.Second)
		alone := r.polls.take()
		if len(alone) != 3 {
			t.Errorf("%d polls of a lone source in three seconds", len(alone))
		}
		for _, m := range alone {
			if got, want := m.At%time.Second, stableOffset("source-0", time.Second); got != want {
				t.Errorf("a lone source ran at %v of a second, want %v", got, want)
			}
		}
	})
}

func TestSchedulerMemory(t *testing.T) {
	// Not parallel: it measures the heap.
	const n = 10_000
	sources := make([]*Source, n)
	for i := range sources {
		sources[i] = source(t, fmt.Sprint("source-", i), "@every 1h")
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := heap()
	r := newRig(t, newMemoryRuns())
	r.Apply(sources)
	mustStart(t, r.Scheduler)
	used := heap() - before
	t.Logf("%d sources take %d KiB", n, used>>10)
	if used > 5<<20 {
		t.Errorf("%d sources take %d KiB", n, used>>10)
	}
	runtime.KeepAlive(sources)
}
