package poller

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// node is all that asks, of one of several on a store. It has nothing at first.
type node struct {
	limiter   *Limiter
	scheduler *Scheduler
	budgets   *leasedBudgets
	runs      *leasedRuns
	// silent says that it knows that it may not be the owner: nothing new is sent.
	silent atomic.Bool
}

// leasedRuns are those of one of several nodes. What it has not is left out.
type leasedRuns struct {
	*memoryRuns
	held atomic.Bool
}

func (l *leasedRuns) SaveNextRuns(ctx context.Context, next map[string]time.Time) error {
	if !l.held.Load() {
		return nil
	}
	return l.memoryRuns.SaveNextRuns(ctx, next)
}

// node starts a node.
func (u *upstream) node(t *testing.T, store *memoryBudgets, runs *memoryRuns, limit Limit, sources []*Source, pages map[string]int) *node {
	t.Helper()
	n := &node{budgets: &leasedBudgets{memoryBudgets: store}, runs: &leasedRuns{memoryRuns: runs}}
	n.limiter = NewLimiter(LimiterOptions{Store: n.budgets, Leased: true, Lost: func(err error) bool { return errors.Is(err, errNotHeld) }})
	n.limiter.Apply([]Limit{limit})
	if err := n.limiter.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := newFetcher(t, FetcherOptions{RoundTripper: u, Heed: n.limiter.Heed, Extender: n.limiter, Holds: func(*Source) bool { return !n.silent.Load() }})
	p := NewPoller(PollerOptions{Fetcher: f, Observer: observeFunc(func(context.Context, *Observation) error { return nil }), Pauses: n.limiter})
	poll := pagedPoll(p, pages)
	n.scheduler = NewScheduler(SchedulerOptions{
		Poll: func(ctx context.Context, s *Source, request int) Outcome {
			if n.silent.Load() {
				return Outcome{RetryAfter: time.Second}
			}
			return poll(ctx, s, request)
		},
		Gate: p, Limiter: n.limiter, Runs: n.runs, Leased: true, SaveEvery: 2 * time.Second,
	})
	n.scheduler.Apply(sources)
	mustStart(t, n.scheduler)
	t.Cleanup(func() {
		if err := errors.Join(n.scheduler.Stop(context.WithoutCancel(t.Context())), n.limiter.Stop(context.WithoutCancel(t.Context()))); err != nil {
			t.Error(err)
		}
	})
	return n
}

func (n *node) adopt(t *testing.T, limit string, sources []*Source) {
	t.Helper()
	n.budgets.held.Store(true)
	n.runs.held.Store(true)
	n.silent.Store(false)
	names, budgets := ownOf(limit, sources)
	next, err := n.runs.NextRuns(t.Context(), names...)
	if err == nil {
		err = n.limiter.Adopt(t.Context(), budgets)
	}
	if err != nil {
		t.Fatal(err)
	}
	n.scheduler.Adopt(names, next)
}

func (n *node) release(t *testing.T, limit string, sources []*Source) {
	t.Helper()
	names, budgets := ownOf(limit, sources)
	if err := errors.Join(n.scheduler.Release(t.Context(), names), n.limiter.Release(t.Context(), budgets)); err != nil {
		t.Error(err)
	}
	n.lose()
}

// lose takes all from a node without a word.
func (n *node) lose() {
	n.budgets.held.Store(false)
	n.runs.held.Store(false)
}

// ownOf are the names of sources, and of the budgets that go with them.
func ownOf(limit string, sources []*Source) (names, budgets []string) {
	budgets = []string{limit}
	for _, s := range sources {
		names, budgets = append(names, s.Name), append(budgets, "source/"+s.Name)
	}
	return names, budgets
}

// Two days of a limit whose sources go from one node to another every other hour.
// Where they are handed over nothing is sent while the upstream asked for a pause;
// where they are lost, with what is under way, the next owner learns of a pause
// from the first answer. In either case not one request too many arrives, nobody
// starves, and most of the budget is used.
func TestALimitWithManyOwners(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost %t", lost), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { daysOfOwners(t, lost) })
		})
	}
}

func daysOfOwners(t *testing.T, lost bool) {
	limit := Limit{Name: "api", Requests: 300, Per: time.Hour, Burst: 10, Reserve: 30, Concurrency: 4}
	u := newUpstream(limit.Requests-limit.Reserve, limit.Per)
	u.slowest = 8 * time.Second
	if !lost {
		u.refuseEvery = 300
	}
	pages := map[string]int{}
	var sources []*Source
	for i := range 20 {
		path := fmt.Sprint("/", i)
		s := hostSource(t, path, "http://api.example"+path, fmt.Sprintf("@every %ds", 20+i))
		s.Cost, s.Request.Timeout = 1, 30*time.Second
		s.Retry = Retry{MaxAttempts: 3, WaitMin: time.Second, WaitMax: time.Minute, MaxRetryAfter: time.Hour}
		switch i % 4 {
		case 1:
			pages[s.Name] = 10
		case 2:
			u.redirects[path] = 2
		case 3:
			s.Cost = 5
		}
		u.costs[path] = s.Cost
		sources = append(sources, s)
	}
	store, runs := newMemoryBudgets(), newMemoryRuns()
	store.delay = 5 * time.Millisecond
	nodes := []*node{u.node(t, store, runs, limit, sources, pages), u.node(t, store, runs, limit, sources, pages)}
	start := time.Now()
	const terms, between = 12, 12 * time.Second
	nodes[0].adopt(t, limit.Name, sources)
	for i := range terms {
		wait(2*time.Hour - between + time.Duration(i)*time.Second)
		old, heir := nodes[i%2], nodes[1-i%2]
		if lost && i%3 != 0 {
			// It notices in time, but what it has sent goes on.
			old.silent.Store(true)
			wait(between / 2)
			old.lose()
			heir.adopt(t, limit.Name, sources)
			wait(between / 2)
		}
		old.release(t, limit.Name, sources)
		if !heir.budgets.held.Load() {
			heir.adopt(t, limit.Name, sources)
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.most > u.requests {
		t.Errorf("%d arrived within %v, the limit is %d", u.most, limit.Per, u.requests)
	}
	if u.defied > 0 {
		t.Errorf("%d were sent while the upstream asked for a pause", u.defied)
	}
	able := time.Since(start) - u.refusedFor
	used := float64(u.total) / (float64(u.requests) * float64(able) / float64(limit.Per))
	t.Logf("%.1f %% of the budget used, %d in all, at most %d of %d in a window", 100*used, u.total, u.most, u.requests)
	if used < 0.85 {
		t.Errorf("%.1f %% of the budget were used", 100*used)
	}
	fewest, most := 1<<30, 0
	for _, n := range u.served {
		fewest, most = min(fewest, n), max(most, n)
	}
	if len(u.served) != len(sources) || fewest*3 < most {
		t.Errorf("between %d and %d answers for one of %d sources", fewest, most, len(u.served))
	}
}
