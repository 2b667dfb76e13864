package poller

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
