package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

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
