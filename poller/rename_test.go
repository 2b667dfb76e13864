package poller

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRenamedLimitKeepsWhatWasSpent: also what is under way, a pause, and what is
// on disk.
func TestRenamedLimitKeepsWhatWasSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budgets := newMemoryBudgets()
		before := Limit{Name: "source/old", Requests: 4, Per: time.Minute, Burst: 4}
		after := before
		after.Name = "source/new"
		l := mustStartLimiter(t, budgets, before)
		takeAll(t, l, "source/old", 2)
		release, err := l.Take(t.Context(), "source/old", 1)
		if err != nil {
			t.Fatal(err)
		}
		l.Rename("source/old", "source/new")
		l.Rename("source/none", "source/new")
		l.Apply([]Limit{after})
		if s := l.Limits(); len(s) != 1 || s[0].Name != "source/new" || s[0].Used != 3 || s[0].UnderWay != 1 {
			t.Errorf("limits %+v", s)
		}
		release()
		if d := cmp.Diff(seconds(0, 60), takeAll(t, l, "source/new", 2)); d != "" {
			t.Error("admitted at (-want +got):\n" + d)
		}
		wait(gatherTime)
		if b := budgets.get("source/new"); len(b.Spent) == 0 {
			t.Errorf("saved %+v", b)
		}
		l.Pause("source/new", time.Now().Add(time.Hour))
		l.Rename("source/new", "source/newest")
		if until := l.PausedUntil(&Source{Name: "newest"}); time.Until(until) != time.Hour {
			t.Errorf("paused until %v", until)
		}
	})
}

// TestRenamedLimitAddsToWhatTheNameHad: never more is sent than the limit allows,
// whichever of the two spent it.
func TestRenamedLimitAddsToWhatTheNameHad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := Limit{Name: "source/one", Requests: 4, Per: time.Minute, Burst: 4}
		two := Limit{Name: "source/two", Requests: 4, Per: time.Minute, Burst: 4}
		l := mustStartLimiter(t, newMemoryBudgets(), one, two)
		takeAll(t, l, "source/one", 2)
		takeAll(t, l, "source/two", 1)
		wait(10 * time.Second)
		l.Pause("source/one", time.Now().Add(time.Second))
		l.Rename("source/one", "source/two")
		l.Apply([]Limit{two})
		if d := cmp.Diff(seconds(1, 50, 60, 60), takeAll(t, l, "source/two", 4)); d != "" {
			t.Error("admitted at (-want +got):\n" + d)
		}
	})
}

// TestRenamedSourceKeepsItsNextRun: it is not asked out of turn for its new name.
func TestRenamedSourceKeepsItsNextRun(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"while it is there", "after it is gone"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, newMemoryRuns())
			r.Apply([]*Source{source(t, "old", "0 * * * *")})
			mustStart(t, r.Scheduler)
			wait(10 * time.Minute)
			if when == "after it is gone" {
				r.Apply(nil)
			}
			r.polls.take()
			r.Rename("old", "new")
			r.Rename("none", "other")
			r.Apply([]*Source{source(t, "new", "0 * * * *")})
			wait(55 * time.Minute)
			if d := cmp.Diff([]made{{"new", 1, time.Hour}}, r.polls.take()); d != "" {
				t.Errorf("%s: polls (-want +got):\n%s", when, d)
			}
			if _, ok := r.NextRun("old"); ok {
				t.Error(fmt.Sprint(when, ": the old name has a next run"))
			}
		})
	}
}

// TestRenamedSourceStaysPaused.
func TestRenamedSourceStaysPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		r.Apply([]*Source{source(t, "old", "* * * * *")})
		mustStart(t, r.Scheduler)
		r.Pause("old")
		r.Rename("old", "new")
		r.Apply([]*Source{source(t, "new", "* * * * *")})
		wait(5 * time.Minute)
		if got := r.polls.take(); len(got) > 0 {
			t.Errorf("polls %v", got)
		}
		r.Resume("new")
		wait(5 * time.Minute)
		if got := r.polls.take(); len(got) == 0 {
			t.Error("it is not polled when it is resumed")
		}
	})
}
