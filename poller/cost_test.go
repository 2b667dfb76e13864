package poller

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// takeCosts takes requests of these costs one after the other and returns when
// each was admitted, since the start.
func takeCosts(t *testing.T, l *Limiter, name string, costs ...int) []time.Duration {
	t.Helper()
	start := time.Now()
	var at []time.Duration
	for _, cost := range costs {
		release, err := l.Take(t.Context(), name, cost)
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, time.Since(start))
		release()
	}
	return at
}

func TestCostsAreTakenFromTheBudget(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		limit Limit
		costs []int
		want  []time.Duration
	}{
		{"evenly", Limit{Requests: 10, Per: 10 * time.Second, Burst: 1}, []int{1, 3, 1, 1}, seconds(0, 1, 4, 5)},
		{"within the burst", Limit{Requests: 10, Per: 10 * time.Second, Burst: 4}, []int{3, 1, 3}, seconds(0, 0, 3)},
		{"above the burst, once that is whole", Limit{Requests: 10, Per: 10 * time.Second, Burst: 3}, []int{1, 5, 1, 3}, seconds(0, 1, 4, 7)},
		{"all of the window", Limit{Requests: 4, Per: time.Minute, Burst: 4}, []int{4, 4, 1}, seconds(0, 60, 120)},
		{"more than there is takes it all", Limit{Requests: 4, Per: time.Minute, Burst: 4}, []int{9, 1}, seconds(0, 60)},
		{"nothing costs one", Limit{Requests: 2, Per: time.Minute, Burst: 2}, []int{0, -1, 1}, seconds(0, 0, 60)},
		{"a reserve is not used", Limit{Requests: 10, Per: time.Minute, Burst: 10, Reserve: 8}, []int{1, 1, 1}, seconds(0, 0, 60)},
		{"the pace is that of the rest", Limit{Requests: 10, Per: time.Minute, Burst: 1, Reserve: 4}, []int{1, 1, 1}, seconds(0, 10, 20)},
		{"a reserve of all leaves one", Limit{Requests: 10, Per: time.Minute, Burst: 10, Reserve: 10}, []int{1, 1}, seconds(0, 60)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt.limit.Name = "api"
				l := mustStartLimiter(t, newMemoryBudgets(), tt.limit)
				if d := cmp.Diff(tt.want, takeCosts(t, l, "api", tt.costs...)); d != "" {
					t.Error("admitted at (-want +got):\n" + d)
				}
			})
		})
	}
}

// Cheap requests that keep coming do not pass a costly one that waits.
func TestACostlyRequestIsNotPassed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 60, Per: time.Minute, Burst: 5})
		takeAll(t, l, "api", 5)
		start := time.Now()
		costly := make(chan time.Duration, 1)
		go func() {
			takeCosts(t, l, "api", 30)
			costly <- time.Since(start)
		}()
		synctest.Wait()
		cheap := make(chan time.Duration, 100)
		for range 100 {
			go func() {
				takeAll(t, l, "api", 1)
				cheap <- time.Since(start)
			}()
		}
		if at := <-costly; at != 5*time.Second {
			t.Errorf("the costly request waited %v, want the 5s until the burst is whole", at)
		}
		// Room for one is there once the burst is whole but for four.
		if at := <-cheap; at != 31*time.Second {
			t.Errorf("the first cheap request was sent after %v, want 31s", at)
		}
		for range 99 {
			<-cheap
		}
	})
}

// What costs more than a chunk is reserved before it is sent.
func TestCostsAreReservedBeforeTheyAreSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		store.delay = time.Millisecond
		api := Limit{Name: "api", Requests: 100, Per: time.Hour, Burst: 100}
		l := mustStartLimiter(t, store, api)
		release, err := l.Take(t.Context(), "api", 40)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if got := store.get("api").Reserved; got != 40 {
			t.Errorf("%d reserved on disk for a request that costs 40", got)
		}
		wait(time.Minute)
		// It is still under way, and counts as spent at the restart.
		l = mustStartLimiter(t, store.crash(), api)
		if s := l.Limits()[0]; s.Used < 40 {
			t.Errorf("%d used after the crash, want at least the 40 that were under way", s.Used)
		}
	})
}

// A request keeps its place in the window from when it is sent until per after
// it has ended.
func TestTheWindowBeginsWithTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 2, Per: time.Minute, Burst: 2})
		first, err := l.Take(t.Context(), "api", 1)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		go func() {
			wait(5 * time.Second)
			first()
		}()
		second, err := l.Take(t.Context(), "api", 1)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			wait(90 * time.Second)
			second()
		}()
		if s := l.Limits()[0]; s.Used != 2 || s.Left != 0 || s.UnderWay != 2 {
			t.Errorf("%d used, %d left and %d under way, want 2, 0 and 2", s.Used, s.Left, s.UnderWay)
		}
		var got []time.Duration
		for range 2 {
			takeAll(t, l, "api", 1)
			got = append(got, time.Since(start))
		}
		if d := cmp.Diff(seconds(65, 125), got); d != "" {
			t.Error("admitted at (-want +got):\n" + d)
		}
		wait(time.Minute)
	})
}
