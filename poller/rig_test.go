package poller

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// polls records what a scheduler does.
type polls struct {
	mu    sync.Mutex
	start time.Time
	made  []made
	// do, where not nil, is what a poll does.
	do func(ctx context.Context, s *Source, request int) Outcome
	// underWay finds a source that overlaps with itself.
	underWay map[string]int
	overlaps int
	most     int // polls under way at once
	current  int
}

// made is one request.
type made struct {
	Source  string
	Request int
	At      time.Duration // since the start
}

func newPolls() *polls { return &polls{start: time.Now(), underWay: map[string]int{}} }

func (p *polls) poll(ctx context.Context, s *Source, request int) Outcome {
	p.mu.Lock()
	p.made = append(p.made, made{s.Name, request, time.Since(p.start)})
	p.current++
	p.most = max(p.most, p.current)
	if p.underWay[s.Name]++; p.underWay[s.Name] > 1 {
		p.overlaps++
	}
	do := p.do
	p.mu.Unlock()
	var o Outcome
	if do != nil {
		o = do(ctx, s, request)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.underWay[s.Name]--
	p.current--
	return o
}

// take returns what was recorded since the last call.
func (p *polls) take() []made {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.made
	p.made = nil
	return all
}

// rig is a scheduler with all that it needs.
type rig struct {
	*Scheduler
	polls   *polls
	runs    *memoryRuns
	limiter *Limiter
}

// newRig returns a rig that is not started yet.
func newRig(t *testing.T, runs *memoryRuns, limits ...Limit) *rig {
	t.Helper()
	r := &rig{polls: newPolls(), runs: runs, limiter: mustStartLimiter(t, newMemoryBudgets(), limits...)}
	r.Scheduler = NewScheduler(SchedulerOptions{Poll: r.polls.poll, Limiter: r.limiter, Runs: runs, Workers: 8})
	t.Cleanup(func() {
		if err := r.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if r.polls.overlaps > 0 {
			t.Errorf("%d polls of a source overlapped", r.polls.overlaps)
		}
	})
	return r
}

// NextRun returns when a source is due next; false where there is no such time.
func (s *Scheduler) NextRun(name string) (time.Time, bool) {
	status, _ := s.Status(name)
	return status.NextRun, !status.NextRun.IsZero()
}

func mustStart(t *testing.T, s *Scheduler) {
	t.Helper()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// source returns a source of a schedule in UTC.
func source(t testing.TB, name, schedule string) *Source {
	t.Helper()
	return &Source{Name: name, Schedule: mustSchedule(t, schedule, time.UTC, name), OnMissed: RunOnce}
}

// sorted orders requests by source, and then by time.
func sorted(all []made) []made {
	var names []string
	of := map[string][]made{}
	for _, m := range all {
		if of[m.Source] == nil {
			names = append(names, m.Source)
		}
		of[m.Source] = append(of[m.Source], m)
	}
	var out []made
	for len(names) > 0 {
		first := 0
		for i := range names {
			if names[i] < names[first] {
				first = i
			}
		}
		out = append(out, of[names[first]]...)
		names = append(names[:first], names[first+1:]...)
	}
	return out
}
