package poller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// paged is a poll of so many requests.
func paged(pages int) func(context.Context, *Source, int) Outcome {
	return func(_ context.Context, _ *Source, request int) Outcome { return Outcome{More: request < pages} }
}

// oneASecond is a limit that has no burst.
func oneASecond() Limit { return Limit{Name: "api", Requests: 3600, Per: time.Hour, Burst: 1} }

// Sources of many pages share their limit page by page: the second one does not
// wait until the first one is through.
func TestSchedulerAlternatesPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), oneASecond())
		r.polls.do = paged(4)
		long, other := source(t, "a", "@yearly"), source(t, "b", "@yearly")
		long.Limit, other.Limit = "api", "api"
		r.Apply([]*Source{long, other})
		mustStart(t, r.Scheduler)
		wait(time.Minute)
		made := r.polls.take()
		if len(made) != 8 {
			t.Fatalf("%d requests: %v", len(made), made)
		}
		for i, m := range made {
			if i > 0 && m.At-made[i-1].At < time.Second {
				t.Errorf("request %d came %v after the one before it", i, m.At-made[i-1].At)
			}
			if i > 2 && i < 7 && m.Source != made[i-2].Source {
				t.Errorf("the sources do not alternate: %v", made)
			}
		}
		if used := r.limiter.Limits()[0].Used; used != 8 {
			t.Errorf("%d requests were counted, want one for each page", used)
		}
	})
}

// Pages without a limit follow each other at once, and hold no worker between
// them: a source with one page is not kept waiting.
func TestSchedulerPagesGiveWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		r.pool = newPool(1, r.ask)
		r.polls.do = func(ctx context.Context, s *Source, request int) Outcome {
			_ = pause(ctx, time.Second)
			return Outcome{More: s.Name == "long" && request < 100}
		}
		r.Apply([]*Source{source(t, "long", "@yearly"), source(t, "short", "30 * * * * *")})
		mustStart(t, r.Scheduler)
		wait(90*time.Second + 1500*time.Millisecond)
		short := 0
		for _, m := range r.polls.take() {
			if m.Source == "short" {
				short++
			}
		}
		if short < 2 {
			t.Errorf("the other source was polled %d times while one went through its pages", short)
		}
	})
}

// Between two of its requests a poll has begun: a trigger is for another one.
func TestTriggerBetweenPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), oneASecond())
		r.polls.do = paged(3)
		a := source(t, "a", "@yearly")
		a.Limit = "api"
		r.Apply([]*Source{a})
		mustStart(t, r.Scheduler)
		for len(r.polls.take()) == 0 {
			wait(100 * time.Millisecond)
		}
		for range 3 { // however often, it is one more poll
			if err := r.Trigger("a"); err != nil {
				t.Fatal(err)
			}
		}
		wait(time.Minute)
		var got []int
		for _, m := range r.polls.take() {
			got = append(got, m.Request)
		}
		if d := cmp.Diff([]int{2, 3, 1, 2, 3}, got); d != "" {
			t.Error("requests (-want +got):\n" + d)
		}
	})
}

// A source that is removed between its pages asks for no further one, and
// begins with the first one when it comes back.
func TestApplyEndsAPollBetweenPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), oneASecond())
		r.polls.do = paged(10)
		a := source(t, "a", "@yearly")
		a.Limit = "api"
		r.Apply([]*Source{a})
		mustStart(t, r.Scheduler)
		wait(3 * time.Second)
		r.Apply(nil)
		if n := len(r.polls.take()); n == 0 || n > 4 {
			t.Fatalf("%d requests", n)
		}
		wait(time.Minute)
		if made := r.polls.take(); len(made) != 0 {
			t.Errorf("requests of a source that is gone: %v", made)
		}
		r.Apply([]*Source{a})
		if err := r.Trigger("a"); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		if made := r.polls.take(); len(made) != 10 || made[0].Request != 1 {
			t.Errorf("requests after it came back: %v", made)
		}
	})
}

// A poll that is stopped between its pages was not made: its run counts as
// missed, and is made at the next start.
func TestStopBetweenPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newMemoryRuns()
		due := time.Now().Add(time.Second)
		runs.saved["a"] = due
		r := newRig(t, runs, oneASecond())
		r.polls.do = paged(1000)
		a := source(t, "a", "@hourly")
		a.Limit = "api"
		r.Apply([]*Source{a})
		mustStart(t, r.Scheduler)
		wait(5 * time.Minute)
		if err := r.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(r.polls.take()); n < 200 {
			t.Fatalf("%d requests before the stop", n)
		}
		wait(time.Minute)
		if made := r.polls.take(); len(made) != 0 {
			t.Errorf("requests after the stop: %v", made)
		}
		if saved := runs.get("a"); saved.After(due) {
			t.Errorf("the next run was saved as %v, as if the one at %v had been made", saved, due)
		}
	})
}
