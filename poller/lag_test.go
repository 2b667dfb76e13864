package poller

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lags keeps what a scheduler tells of polls that were due.
type lags struct {
	mu  sync.Mutex
	all map[string][]time.Duration
}

func (l *lags) begun(s *Source, lag time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[string][]time.Duration)
	}
	l.all[s.Name] = append(l.all[s.Name], lag)
}

// take returns what was told since the last call.
func (l *lags) take() map[string][]time.Duration {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

// TestSchedulerTellsItsLag: of each run once, waits for the limit included, and
// of none that was asked for or that goes on.
func TestSchedulerTellsItsLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), Limit{Name: "api", Requests: 6, Per: time.Minute, Burst: 1})
		told := &lags{}
		r.begun = told.begun
		r.polls.do = func(_ context.Context, s *Source, request int) Outcome {
			if s.Name == "first" && request < 3 {
				return Outcome{RetryAfter: time.Second}
			}
			return Outcome{}
		}
		free := source(t, "free", "*/5 * * * *")
		first, second := source(t, "first", "*/5 * * * *"), source(t, "second", "*/5 * * * *")
		first.Limit, second.Limit = "api", "api"
		r.Apply([]*Source{free, first, second})
		mustStart(t, r.Scheduler)
		wait(time.Minute)
		told.take() // first runs
		if err := r.Trigger("free"); err != nil {
			t.Fatal(err)
		}
		if got := told.take(); got != nil {
			t.Errorf("a poll that was asked for was told of: %v", got)
		}
		wait(4*time.Minute + 59*time.Second)
		byName := told.take()
		// Whichever of the two comes second waits for ten seconds.
		one, two := byName["first"], byName["second"]
		if len(one) != 1 || len(two) != 1 || one[0]+two[0] != 10*time.Second || min(one[0], two[0]) != 0 {
			t.Errorf("of the two that share a limit: %v and %v, want 0 and 10s", one, two)
		}
		if d := cmp.Diff([]time.Duration{0}, byName["free"]); d != "" {
			t.Error("of the other (-want +got):\n" + d)
		}
	})
}

// TestSchedulerTellsNoLagOfAHeldPoll: what the gate refuses has not begun, and a
// poll that is asked for afterwards was not due.
func TestSchedulerTellsNoLagOfAHeldPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		gate := &lagGate{}
		told := &lags{}
		r.gate, r.begun = gate, told.begun
		r.Apply([]*Source{source(t, "a", "*/5 * * * *")})
		mustStart(t, r.Scheduler)
		wait(6 * time.Minute)
		if err := r.Trigger("a"); err != nil {
			t.Fatal(err)
		}
		if got := told.take(); got != nil || gate.refused != 2 || len(r.polls.take()) != 1 {
			t.Errorf("told of %v, %d were refused", got, gate.refused)
		}
	})
}

// lagGate holds every poll.
type lagGate struct{ refused int }

func (g *lagGate) Held(*Source) error                     { return ErrNotRunning }
func (g *lagGate) Refuse(context.Context, *Source, error) { g.refused++ }

// TestSchedulerTellsNoLagByAnotherClock: how late a poll is cannot be known after
// the clock was set while it waited.
func TestSchedulerTellsNoLagByAnotherClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns(), Limit{Name: "api", Requests: 6, Per: time.Minute, Burst: 1})
		var ahead time.Duration
		r.clock = newClock(func() time.Time { return time.Now().Add(ahead) })
		told := &lags{}
		r.begun = told.begun
		a, b := source(t, "a", "*/5 * * * *"), source(t, "b", "*/5 * * * *")
		a.Limit, b.Limit = "api", "api"
		r.Apply([]*Source{a, b})
		mustStart(t, r.Scheduler)
		wait(5*time.Minute + 5*time.Second) // one of them waits for its limit
		told.take()
		r.mu.Lock()
		ahead = time.Hour
		r.mu.Unlock()
		wait(8 * time.Second)
		if made := r.polls.take(); len(made) != 4 {
			t.Fatalf("polls: %v", made)
		}
		if got := told.take(); got != nil {
			t.Errorf("lags by two clocks: %v", got)
		}
	})
}
