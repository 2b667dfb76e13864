package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newLeasedRig returns a rig whose sources have to be adopted.
func newLeasedRig(t *testing.T, runs *memoryRuns, limits ...Limit) *rig {
	t.Helper()
	r := newRig(t, runs, limits...)
	r.leased = true
	return r
}

// adopt lets a rig fire sources as the database knows them.
func (r *rig) adopt(t *testing.T, names ...string) {
	t.Helper()
	next, err := r.runs.NextRuns(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	r.Adopt(names, next)
}

func (r *rig) release(t *testing.T, names ...string) {
	t.Helper()
	if err := r.Release(t.Context(), names); err != nil {
		t.Error(err)
	}
}

// Only what was adopted is fired, whatever is applied, paused and resumed.
func TestSchedulerFiresWhatItAdopted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newLeasedRig(t, newMemoryRuns())
		a, b, c := source(t, "a", "* * * * *"), source(t, "b", "* * * * *"), source(t, "c", "* * * * *")
		r.Adopt([]string{"a", "soon"}, nil) // before anything is known of them
		r.Apply([]*Source{a, b, c})
		mustStart(t, r.Scheduler)
		wait(30 * time.Second)
		if d := cmp.Diff([]string{"a"}, names(r.polls.take())); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
		if err := r.Trigger("b"); !errors.Is(err, ErrElsewhere) {
			t.Errorf("trigger of a source of another node: %v", err)
		}
		if status, ok := r.Status("b"); !ok || status != (SourceStatus{}) {
			t.Errorf("its status: %+v, %v", status, ok)
		}
		r.Pause("b")
		if status, ok := r.Status("b"); !ok || !status.Paused {
			t.Errorf("its status when it is paused: %+v, %v", status, ok)
		}
		r.Adopt([]string{"b"}, nil)
		r.Pause("c")
		r.Apply([]*Source{a, b, c, source(t, "soon", "* * * * *")})
		wait(time.Minute)
		if d := cmp.Diff([]string{"a", "soon", "soon"}, slices.Sorted(slices.Values(names(r.polls.take())))); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
		r.Resume("b")
		r.Resume("c")
		r.release(t, "a", "soon", "unknown")
		wait(time.Minute)
		if d := cmp.Diff([]string{"b", "b"}, names(r.polls.take())); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
		r.release(t, "b")
		r.Apply([]*Source{a, b, c})
		wait(time.Hour)
		if made := r.polls.take(); len(made) != 0 {
			t.Errorf("polls of what was released: %v", made)
		}
	})
}

// Two schedulers share the sources of one database, which go from one to the other
// all the time. No run of any source is missed, and none is made twice.
func TestSchedulersHandOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		one, two := newLeasedRig(t, runs), newLeasedRig(t, runs)
		var sources []*Source
		var all []string
		for i := range 50 {
			s := source(t, fmt.Sprint("source-", i), "* * * * *")
			if i%2 == 1 {
				s.OnMissed = Skip
			}
			sources, all = append(sources, s), append(all, s.Name)
		}
		for _, r := range []*rig{one, two} {
			r.polls.start = one.polls.start
			r.polls.do = func(ctx context.Context, _ *Source, _ int) Outcome {
				_ = pause(ctx, 3*time.Second)
				return Outcome{}
			}
			r.Apply(sources)
			mustStart(t, r.Scheduler)
		}
		one.adopt(t, all...)
		const minutes = 60
		for i := range 8 * minutes { // seven seconds and a half apart
			wait(7 * time.Second)
			from, to := one, two
			if i%2 == 1 {
				from, to = two, one
			}
			before := time.Now()
			from.release(t, all...)
			wait(500*time.Millisecond - time.Since(before)%(500*time.Millisecond))
			to.adopt(t, all...)
		}
		polled := map[string]map[int]int{}
		for _, m := range append(one.polls.take(), two.polls.take()...) {
			if polled[m.Source] == nil {
				polled[m.Source] = map[int]int{}
			}
			// A run may be late by a release that waited for others, and the gap.
			polled[m.Source][int(m.At/time.Minute)]++
		}
		for _, s := range sources {
			for minute := 1; minute < minutes; minute++ {
				if n := polled[s.Name][minute]; n != 1 {
					t.Errorf("%s was polled %d times in minute %d", s.Name, n, minute)
				}
			}
		}
	})
}

// What came due between two owners is made at once, whatever is missed, spread over
// no more than so many take; what is older is missed.
func TestAdoptMakesWhatIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		r := newLeasedRig(t, runs)
		const hourly = "0 * * * *"
		wait(30 * time.Minute)
		r.polls.start = time.Now()
		now := time.Now()
		sources := []*Source{
			source(t, "late", hourly), source(t, "late and skipped", hourly),
			source(t, "missed", hourly), source(t, "missed and skipped", hourly), source(t, "not yet", hourly),
		}
		sources[1].OnMissed, sources[3].OnMissed = Skip, Skip
		next := map[string]time.Time{
			"late": now.Add(-12 * time.Second), "late and skipped": now.Add(-12 * time.Second),
			"missed": now.Add(-time.Minute), "missed and skipped": now.Add(-time.Minute), "not yet": now.Add(20 * time.Minute),
		}
		r.Apply(sources)
		mustStart(t, r.Scheduler)
		r.Adopt([]string{"late", "late and skipped", "missed", "missed and skipped", "not yet"}, next)
		wait(29 * time.Minute)
		at := map[string]time.Duration{}
		for _, m := range r.polls.take() {
			at[m.Source] = m.At
		}
		want := map[string]time.Duration{
			"late": stableOffset("late", firstSpread(len(sources))), "late and skipped": stableOffset("late and skipped", firstSpread(len(sources))),
			"missed": stableOffset("missed", maxSpread), "not yet": 20 * time.Minute,
		}
		if d := cmp.Diff(want, at); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
	})
}

// A run that its owner has put off by its jitter is not missed where that one goes
// meanwhile, though it was due long ago.
func TestAdoptMakesWhatWasPutOff(t *testing.T) {
	t.Parallel()
	for _, put := range []time.Duration{2 * time.Minute, 30*time.Minute - time.Second, 31 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			runs := newMemoryRuns()
			s := source(t, "a", "0 * * * *")
			s.Jitter, s.OnMissed = 30*time.Minute, Skip
			runs.saved["a"] = time.Now().Add(time.Hour)
			wait(time.Hour - time.Second)
			one, two := newLeasedRig(t, runs), newLeasedRig(t, runs)
			for _, r := range []*rig{one, two} {
				r.Apply([]*Source{s})
				mustStart(t, r.Scheduler)
			}
			one.adopt(t, "a")
			wait(time.Second + put)
			made := len(one.polls.take())
			if err := one.Release(t.Context(), []string{"a"}); err != nil {
				t.Fatal(err)
			}
			two.adopt(t, "a")
			wait(29*time.Minute - 2*time.Second)
			if made += len(two.polls.take()); made != 1 {
				t.Errorf("released %v after the run was due: %d polls of it", put, made)
			}
		})
	}
}
