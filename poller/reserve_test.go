package poller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCleanStopSavesTheExactState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		api := Limit{Name: "api", Requests: 100, Per: time.Hour, Burst: 10}
		l := mustStartLimiter(t, store, api)
		start := time.Now().UTC()
		takeAll(t, l, "api", 4)
		if got := store.get("api"); got.Reserved != 3 {
			t.Errorf("%d reserved while running, want 3", got.Reserved)
		}
		if err := l.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := Budget{Limit: "api", Spent: []Spend{{At: start, Count: 4}}}
		if d := cmp.Diff(want, store.get("api")); d != "" {
			t.Error("saved (-want +got):\n" + d)
		}
		wait(10 * time.Minute)
		l = mustStartLimiter(t, store, api)
		if s := l.Limits()[0]; s.Used != 4 || s.Left != 96 {
			t.Errorf("%d used and %d left after the restart, want 4 and 96", s.Used, s.Left)
		}
	})
}

func TestCrashCountsTheReservedAsSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		api := Limit{Name: "api", Requests: 320, Per: time.Hour, Burst: 320}
		l := mustStartLimiter(t, store, api)
		takeAll(t, l, "api", 1)
		wait(30 * time.Minute)
		store = store.crash()
		l = mustStartLimiter(t, store, api)
		// One was spent, though it was not saved; ten had been reserved.
		if s := l.Limits()[0]; s.Used != 10 {
			t.Errorf("%d used after the crash, want 10", s.Used)
		}
		wait(59 * time.Minute)
		if s := l.Limits()[0]; s.Used != 10 {
			t.Errorf("%d used after 59 minutes, want 10", s.Used)
		}
	})
}

// A process that crashes again and again must not put off the next request for
// ever by what it reserves.
func TestCrashesDoNotStarve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		daily := Limit{Name: "daily", Requests: 1, Per: 24 * time.Hour, Burst: 1}
		start := time.Now()
		var taken []time.Duration
		for time.Since(start) < 100*time.Hour {
			l := mustStartLimiter(t, store, daily)
			ctx, cancel := context.WithTimeout(t.Context(), 31*time.Minute)
			if release, err := l.Take(ctx, "daily", 1); err == nil {
				release()
				taken = append(taken, time.Since(start))
			}
			cancel()
			store = store.crash()
			if err := l.Stop(t.Context()); err != nil && !errors.Is(err, errDisk) {
				t.Fatal(err)
			}
		}
		if len(taken) != 5 {
			t.Errorf("%d requests in 100 hours: %v", len(taken), taken)
		}
		for i := 1; i < len(taken); i++ {
			if gap := taken[i] - taken[i-1]; gap < 24*time.Hour {
				t.Errorf("two requests within %v", gap)
			}
		}
	})
}

func TestNothingIsAdmittedFromAFailedSave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		var log bytes.Buffer
		l := NewLimiter(LimiterOptions{Store: store, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err := l.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.Apply([]Limit{{Name: "api", Requests: 64, Per: time.Hour, Burst: 64}})
		takeAll(t, l, "api", 1)
		store.setFail(errDisk)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		admitted := 1
		for {
			if _, err := l.Take(ctx, "api", 1); err != nil {
				break
			}
			admitted++
		}
		if b := store.get("api"); admitted != b.Reserved {
			t.Errorf("%d admitted, %d reserved", admitted, b.Reserved)
		}
		store.setFail(nil)
		takeAll(t, l, "api", 10)
		if err := l.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"save budgets, limits wait", "budgets are saved again"} {
			if n := strings.Count(log.String(), line); n != 1 {
				t.Errorf("%q is logged %d times:\n%s", line, n, log.String())
			}
		}
	})
}

// A limit that is idle writes nothing, and many that are used at once share saves.
func TestSavesAreBatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		store.delay = 5 * time.Millisecond
		var limits []Limit
		for i := range 1000 {
			limits = append(limits, Limit{Name: fmt.Sprint("limit-", i), Requests: 1, Per: 30 * time.Second, Burst: 1})
		}
		l := mustStartLimiter(t, store, limits...)
		done := make(chan struct{})
		for _, limit := range limits {
			go func() {
				takeAll(t, l, limit.Name, 3)
				done <- struct{}{}
			}()
		}
		for range limits {
			<-done
		}
		wait(time.Second)
		saves := store.saves
		if saves > 20 {
			t.Errorf("%d saves for 3 rounds of 1,000 limits", saves)
		}
		wait(time.Hour)
		if store.saves != saves {
			t.Errorf("%d saves while idle", store.saves-saves)
		}
	})
}

// Saved times are those of a wall clock that may have been set since.
func TestRestoreAfterTheClockWasSet(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		set  time.Duration // how far the clock is set, forward
		want []time.Duration
	}{
		{"not set", 0, seconds(0, 50)},
		{"forward", 100 * 24 * time.Hour, seconds(0, 0)},
		{"back", -100 * 24 * time.Hour, seconds(60, 60)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newMemoryBudgets()
				saved := time.Now().Add(-tt.set)
				store.saved["api"] = Budget{Limit: "api", Spent: []Spend{
					{At: saved.Add(-70 * time.Second), Count: 1},
					{At: saved.Add(-10 * time.Second), Count: 1},
				}}
				l := mustStartLimiter(t, store, Limit{Name: "api", Requests: 2, Per: time.Minute, Burst: 2})
				if d := cmp.Diff(tt.want, takeAll(t, l, "api", 2)); d != "" {
					t.Error("admitted at (-want +got):\n" + d)
				}
			})
		})
	}
}

func TestPauseAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		saved := time.Now().AddDate(1, 0, 0)
		store.saved["api"] = Budget{Limit: "api", Spent: []Spend{{At: saved, Count: 1}}, PausedUntil: saved.Add(time.Minute)}
		l := mustStartLimiter(t, store, Limit{Name: "api", Requests: 10, Per: time.Second, Burst: 10})
		if d := cmp.Diff(seconds(60), takeAll(t, l, "api", 1)); d != "" {
			t.Error("admitted at (-want +got):\n" + d)
		}
	})
}

// Times that make no sense neither hang a limit nor open it.
func TestAbsurdTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		store.saved["old"] = Budget{Limit: "old", Spent: []Spend{{Count: 5}, {At: time.Unix(1, 0), Count: -3}}}
		far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		store.saved["new"] = Budget{Limit: "new", Spent: []Spend{{At: far, Count: 1}}, Reserved: -4, PausedUntil: far}
		l := mustStartLimiter(t, store,
			Limit{Name: "old", Requests: 1, Per: time.Hour}, Limit{Name: "new", Requests: 1, Per: time.Hour})
		if d := cmp.Diff(seconds(0), takeAll(t, l, "old", 1)); d != "" {
			t.Error("admitted at (-want +got):\n" + d)
		}
		if d := cmp.Diff(seconds(3600), takeAll(t, l, "new", 1)); d != "" {
			t.Error("admitted at (-want +got):\n" + d)
		}
		l.Pause("old", far)
		ctx, cancel := context.WithTimeout(t.Context(), 365*24*time.Hour)
		defer cancel()
		if _, err := l.Take(ctx, "old", 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("take from a limit that is paused for centuries: %v", err)
		}
	})
}
