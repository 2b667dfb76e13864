package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// takeAll takes n requests one after the other and returns when each was
// admitted, since the start.
func takeAll(t *testing.T, l *Limiter, name string, n int) []time.Duration {
	t.Helper()
	start := time.Now()
	var at []time.Duration
	for range n {
		release, err := l.Take(t.Context(), name, 1)
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, time.Since(start))
		release()
		release() // Does no harm.
	}
	return at
}

func seconds(s ...float64) []time.Duration {
	var all []time.Duration
	for _, x := range s {
		all = append(all, time.Duration(x*float64(time.Second)))
	}
	return all
}

func TestLimiterPacesBeyondTheBurst(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		limit Limit
		want  []time.Duration
	}{
		{"evenly", Limit{Requests: 10, Per: 10 * time.Second, Burst: 1}, seconds(0, 1, 2, 3, 4, 5)},
		{"no burst means one", Limit{Requests: 2, Per: time.Second}, seconds(0, .5, 1, 1.5)},
		{"burst, then evenly", Limit{Requests: 10, Per: 10 * time.Second, Burst: 3}, seconds(0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 10, 10, 10, 11)},
		{"the window wins over the burst", Limit{Requests: 2, Per: time.Minute, Burst: 5}, seconds(0, 0, 60, 60, 120)},
		{"one an hour", Limit{Requests: 1, Per: time.Hour, Burst: 1}, seconds(0, 3600, 7200)},
		{"odd numbers", Limit{Requests: 3, Per: time.Second, Burst: 1}, []time.Duration{0, 333333333, 666666666, 1000000000, 1333333333}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt.limit.Name = "api"
				l := mustStartLimiter(t, newMemoryBudgets(), tt.limit)
				if d := cmp.Diff(tt.want, takeAll(t, l, "api", len(tt.want))); d != "" {
					t.Error("admitted at (-want +got):\n" + d)
				}
			})
		})
	}
}

// The pace is that of the beginnings, however long requests take.
func TestLimiterPacesLongRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 640, Per: 640 * time.Second, Burst: 1})
		begun := make(chan time.Duration, 5)
		start := time.Now()
		for range 5 {
			go func() {
				release, err := l.Take(t.Context(), "api", 1)
				if err != nil {
					t.Error(err)
					return
				}
				begun <- time.Since(start)
				wait(time.Hour)
				release()
			}()
		}
		var got []time.Duration
		for range 5 {
			got = append(got, <-begun)
		}
		if d := cmp.Diff(seconds(0, 1, 2, 3, 4), got); d != "" {
			t.Error("admitted at (-want +got):\n" + d)
		}
		wait(2 * time.Hour)
	})
}

func TestLimiterBoundsConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 1000, Per: time.Second, Burst: 1000, Concurrency: 3})
		underWay, most, done := 0, 0, make(chan struct{})
		slots := make(chan int, 100)
		for range 20 {
			go func() {
				release, err := l.Take(t.Context(), "api", 1)
				if err != nil {
					t.Error(err)
				}
				slots <- 1
				wait(time.Second)
				slots <- -1
				release()
				done <- struct{}{}
			}()
		}
		start := time.Now()
		for range 20 {
			<-done
		}
		close(slots)
		for n := range slots {
			underWay += n
			most = max(most, underWay)
		}
		if took := time.Since(start); most != 3 || took != 7*time.Second {
			t.Errorf("%d under way at once for %v, want 3 for 7s", most, took)
		}
	})
}

// Who waits is served in the order of arrival.
func TestLimiterIsFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 60, Per: time.Minute, Burst: 1})
		order := make(chan int, 100)
		for i := range 50 {
			go func() {
				if _, err := l.Take(t.Context(), "api", 1); err != nil {
					t.Error(err)
				}
				order <- i
			}()
			synctest.Wait()
		}
		for want := range 50 {
			if got := <-order; got != want {
				t.Fatalf("request %d was admitted in place of %d", got, want)
			}
		}
	})
}

func TestTakeErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 1, Per: time.Hour, Burst: 1})
		if _, err := l.Take(t.Context(), "other", 1); !errors.Is(err, ErrUnknownLimit) {
			t.Errorf("unknown limit: %v", err)
		}
		if _, err := l.Take(t.Context(), "", 1); err != nil {
			t.Errorf("no limit: %v", err)
		}
		takeAll(t, l, "api", 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := l.Take(ctx, "api", 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ctx is done: %v", err)
		}
		if n := l.Limits()[0].Waiting; n != 0 {
			t.Errorf("%d wait after the only one has given up", n)
		}
		stopped := make(chan error)
		go func() {
			_, err := l.Take(t.Context(), "api", 1)
			stopped <- err
		}()
		synctest.Wait()
		if err := l.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-stopped; !errors.Is(err, ErrNotRunning) {
			t.Errorf("stopped: %v", err)
		}
	})
}

func TestLimiterPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		api := Limit{Name: "api", Requests: 100, Per: time.Second, Burst: 100}
		l := mustStartLimiter(t, store, api)
		until := time.Now().Add(time.Minute)
		l.Pause("api", until)
		l.Pause("api", time.Now().Add(time.Second)) // Does not shorten it.
		l.Pause("api", time.Now().Add(-time.Hour))
		l.Pause("", until)
		if got := l.Limits()[0].PausedUntil; !got.Equal(until) {
			t.Errorf("paused until %v, want %v", got, until)
		}
		if d := cmp.Diff(seconds(60, 60), takeAll(t, l, "api", 2)); d != "" {
			t.Error("admitted at (-want +got):\n" + d)
		}
		l.Pause("api", time.Now().Add(time.Hour))
		wait(time.Second)
		// The pause was saved by itself, and holds after a crash.
		l = mustStartLimiter(t, store.crash(), api)
		if d := cmp.Diff(seconds(3599), takeAll(t, l, "api", 1)); d != "" {
			t.Error("admitted after the crash at (-want +got):\n" + d)
		}
	})
}

func TestApplyKeepsWhatWasSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 10, Per: time.Minute, Burst: 10})
		takeAll(t, l, "api", 8)
		// Fewer than were spent already.
		l.Apply([]Limit{{Name: "api", Requests: 4, Per: time.Minute, Burst: 4}})
		if d := cmp.Diff(seconds(60, 60, 60, 60, 120), takeAll(t, l, "api", 5)); d != "" {
			t.Error("admitted at (-want +got):\n" + d)
		}
		// A limit that is left out admits nothing, and is the same when it is back.
		l.Apply(nil)
		if _, err := l.Take(t.Context(), "api", 1); !errors.Is(err, ErrUnknownLimit) {
			t.Errorf("removed limit: %v", err)
		}
		if n := len(l.Limits()); n != 0 {
			t.Errorf("%d limits after the last one was removed", n)
		}
		l.Apply([]Limit{{Name: "api", Requests: 4, Per: time.Minute, Burst: 4}})
		if s := l.Limits()[0]; s.Used != 1 {
			t.Errorf("%d used once the limit is back, want 1", s.Used)
		}
		// More is admitted at once to those that wait.
		takeAll(t, l, "api", 3)
		admitted := make(chan struct{})
		go func() {
			takeAll(t, l, "api", 1)
			close(admitted)
		}()
		synctest.Wait()
		before := time.Now()
		l.Apply([]Limit{{Name: "api", Requests: 40, Per: time.Minute, Burst: 40}})
		<-admitted
		if took := time.Since(before); took != 0 {
			t.Errorf("admitted %v after the limit was raised", took)
		}
	})
}

func TestLimiterLifeCycle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		store.loadFail = errDisk
		l := NewLimiter(LimiterOptions{Store: store})
		api := Limit{Name: "api", Requests: 1, Per: time.Second, Burst: 1}
		l.Apply([]Limit{api})
		if err := l.Start(t.Context()); !errors.Is(err, errDisk) {
			t.Errorf("start with a broken store: %v", err)
		}
		waiting := make(chan struct{})
		go func() {
			takeAll(t, l, "api", 1) // Waits for the start.
			close(waiting)
		}()
		synctest.Wait()
		store.loadFail = nil
		if err := l.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-waiting
		if err := l.Start(t.Context()); !errors.Is(err, ErrNotRunning) {
			t.Errorf("second start: %v", err)
		}
		done := make(chan error)
		for range 3 {
			go func() { done <- l.Stop(t.Context()) }()
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		unstarted := NewLimiter(LimiterOptions{Store: store})
		if err := unstarted.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := unstarted.Start(t.Context()); !errors.Is(err, ErrNotRunning) {
			t.Errorf("start after the stop: %v", err)
		}
	})
}
