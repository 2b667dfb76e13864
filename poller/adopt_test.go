package poller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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

// A poll that is under way, waits, or is to be made again is not lost by a release.
func TestReleaseKeepsWhatHasNotEnded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(ctx context.Context) Outcome
		// took is how long the release takes, and late says that the run is made
		// again by the next owner.
		took time.Duration
		late bool
	}{
		{"ended", func(ctx context.Context) Outcome { return Outcome{} }, 0, false},
		{"ends in time", func(ctx context.Context) Outcome { _ = pause(ctx, 15*time.Second); return Outcome{} }, 5 * time.Second, false},
		{"is cut", func(ctx context.Context) Outcome { _ = pause(ctx, time.Hour); return Outcome{} }, 20 * time.Second, true},
		{"has more pages", func(ctx context.Context) Outcome { _ = pause(ctx, 15*time.Second); return Outcome{More: true} }, 5 * time.Second, true},
		{"failed", func(ctx context.Context) Outcome {
			_ = pause(ctx, 15*time.Second)
			return Outcome{RetryAfter: time.Hour}
		}, 5 * time.Second, true},
		{"waits to be made again", func(ctx context.Context) Outcome { return Outcome{RetryAfter: time.Hour} }, 0, true},
		{"waits for its limit", nil, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				runs := newMemoryRuns()
				r := newLeasedRig(t, runs)
				r.polls.do = func(ctx context.Context, _ *Source, _ int) Outcome { return tt.do(ctx) }
				s := source(t, "a", "@daily")
				if tt.do == nil {
					s.Limit = "unknown"
				}
				runs.saved["a"] = time.Now()
				r.Apply([]*Source{s})
				mustStart(t, r.Scheduler)
				r.adopt(t, "a")
				wait(10 * time.Second)
				released := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				if err := r.Release(ctx, []string{"a"}); err != nil != (tt.took == 20*time.Second) {
					t.Errorf("release: %v", err)
				}
				if took := time.Since(released); took != tt.took {
					t.Errorf("released after %v, want %v", took, tt.took)
				}
				next, want := runs.get("a"), released.UTC()
				switch {
				case tt.took == 20*time.Second:
					// Time is up, and what the database has is older: it is late, too.
					if next.After(released) {
						t.Errorf("next run is %v", next)
					}
				case !tt.late:
					want = time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)
					fallthrough
				default:
					if !next.Equal(want) {
						t.Errorf("next run is %v, want %v", next, want)
					}
				}
				r.polls.take()
				wait(48 * time.Hour)
				if made := r.polls.take(); len(made) != 0 {
					t.Errorf("polls of what was released: %v", made)
				}
				r.polls.do = func(ctx context.Context, _ *Source, _ int) Outcome { return Outcome{} }
			})
		})
	}
}

// The cause of a request that is cut says that its source was released, so that it
// counts for nothing; requests of others go on.
func TestReleaseCutsItsOwnOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newLeasedRig(t, newMemoryRuns())
		causes := map[string]error{}
		r.polls.do = func(ctx context.Context, s *Source, _ int) Outcome {
			_ = pause(ctx, time.Minute)
			r.polls.mu.Lock()
			defer r.polls.mu.Unlock()
			causes[s.Name] = context.Cause(ctx)
			return Outcome{}
		}
		r.Apply([]*Source{source(t, "a", "@daily"), source(t, "b", "@daily")})
		mustStart(t, r.Scheduler)
		r.adopt(t, "a", "b")
		wait(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Release(ctx, []string{"a"}); !errors.Is(err, context.Canceled) {
			t.Errorf("release: %v", err)
		}
		wait(2 * time.Minute)
		r.polls.take()
		if !errors.Is(causes["a"], ErrElsewhere) || causes["b"] != nil {
			t.Errorf("ended by %v", causes)
		}
	})
}

// A release that comes while next runs are being saved waits for that, and what is
// saved later has nothing of it: older next runs never come over newer ones.
func TestReleaseSavesLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := &slowRuns{memoryRuns: newMemoryRuns(), delay: 700 * time.Millisecond}
		r := newLeasedRig(t, runs.memoryRuns)
		r.Scheduler.runs = runs
		r.Apply([]*Source{source(t, "a", "*/2 * * * * *"), source(t, "b", "*/2 * * * * *")})
		mustStart(t, r.Scheduler)
		r.Adopt([]string{"a", "b"}, nil)
		for i := range 100 {
			wait(2*time.Second + time.Duration(i)*17*time.Millisecond)
			r.release(t, "a")
			next := runs.get("a")
			wait(500 * time.Millisecond)
			if now := runs.get("a"); now != next {
				t.Fatalf("%v was saved after the release, over %v", now, next)
			}
			r.Adopt([]string{"a"}, map[string]time.Time{"a": next})
		}
		r.release(t, "a", "b")
		if err := r.Release(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}

// slowRuns take a while to save, as a database over a network does.
type slowRuns struct {
	*memoryRuns
	delay time.Duration
}

func (s *slowRuns) SaveNextRuns(ctx context.Context, next map[string]time.Time) error {
	if err := pause(ctx, s.delay); err != nil {
		return err
	}
	return s.memoryRuns.SaveNextRuns(ctx, next)
}

// Next runs that the store did not take are told of, and nothing else is harmed.
func TestReleaseErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		r := newLeasedRig(t, runs)
		r.Apply([]*Source{source(t, "a", "@daily")})
		mustStart(t, r.Scheduler)
		r.Adopt([]string{"a"}, nil)
		wait(10 * time.Second)
		runs.setFail(errDisk)
		if err := r.Trigger("a"); err != nil {
			t.Fatal(err)
		}
		wait(100 * time.Millisecond)
		if err := r.Release(t.Context(), []string{"a"}); !errors.Is(err, errDisk) {
			t.Errorf("release: %v", err)
		}
		runs.setFail(nil)
		r.adopt(t, "a")
		if next, ok := r.NextRun("a"); !ok || next != time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC) {
			t.Errorf("next run is %v", next)
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

// A release writes no next runs that are saved already: a node that stops may have a
// hundred thousand, of which a few have changed.
func TestReleaseSavesWhatIsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		r := newLeasedRig(t, runs)
		r.Apply([]*Source{source(t, "saved", "@daily"), source(t, "new", "@every 10s")})
		mustStart(t, r.Scheduler)
		r.adopt(t, "saved", "new")
		wait(15 * time.Second) // both were polled, and saved
		want := map[string]time.Time{}
		for _, name := range []string{"saved", "new"} {
			want[name], _ = r.NextRun(name)
			if runs.get(name) != want[name] {
				t.Fatalf("%s is saved as %v, not %v", name, runs.get(name), want[name])
			}
		}
		runs.mu.Lock()
		delete(runs.saved, "saved") // so that it shows where it is written again
		runs.mu.Unlock()
		wait(time.Until(want["new"]) + 100*time.Millisecond)
		r.release(t, "saved", "new")
		if at := runs.get("saved"); !at.IsZero() {
			t.Errorf("what was saved is written again: %v", at)
		}
		if at := runs.get("new"); !at.After(want["new"]) {
			t.Errorf("what has changed is saved as %v", at)
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
