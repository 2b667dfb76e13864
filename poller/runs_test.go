package poller

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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

// Next runs are not said to be saved again while nothing was: with a database that
// is away nothing is polled either, so that there is nothing to save.
func TestSavedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs, p := newMemoryRuns(), newPolls()
		var log bytes.Buffer
		s := NewScheduler(SchedulerOptions{
			Poll: p.poll, Runs: runs, Limiter: mustStartLimiter(t, newMemoryBudgets()),
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		back := make(chan struct{})
		s.Apply([]*Source{source(t, "a", "*/10 * * * * *")})
		mustStart(t, s)
		runs.setFail(errDisk)
		wait(11500 * time.Millisecond) // polled, and not saved
		p.mu.Lock()
		p.do = func(context.Context, *Source, int) Outcome { <-back; return Outcome{} }
		p.mu.Unlock()
		wait(time.Minute) // its next poll is under way
		said := func(want int) {
			t.Helper()
			synctest.Wait()
			if n := strings.Count(log.String(), "next runs are saved again"); n != want {
				t.Errorf("it is said %d times that they are saved again, not %d:\n%s", n, want, log.String())
			}
		}
		said(0)
		runs.setFail(nil)
		close(back)
		wait(30 * time.Second)
		said(1)
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Saves of next runs are as far apart as they are asked to be.
func TestSaveEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		s := NewScheduler(SchedulerOptions{
			Poll: newPolls().poll, Runs: runs, SaveEvery: 4500 * time.Millisecond, // never when a poll comes
			Limiter: mustStartLimiter(t, newMemoryBudgets()),
		})
		s.Apply([]*Source{source(t, "a", "* * * * * *")})
		mustStart(t, s)
		wait(time.Minute)
		if n := runs.count(); n < 11 || n > 13 {
			t.Errorf("%d saves in a minute", n)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
