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
