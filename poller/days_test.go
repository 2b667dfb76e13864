package poller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// pagedPoll makes each poll of some sources one of several requests, each of
// which waits for the limit at the back of its queue.
func pagedPoll(p *Poller, pages map[string]int) PollFunc {
	return func(ctx context.Context, s *Source, request int) Outcome {
		if o := p.Poll(ctx, s, 1); o.RetryAfter > 0 && request < 20 {
			return o
		}
		if request < pages[s.Name] {
			return Outcome{More: true}
		}
		return Outcome{}
	}
}

// process runs a limiter and a scheduler for a while, and then stops or crashes.
func (u *upstream) process(t *testing.T, store *memoryBudgets, runs *memoryRuns, limit Limit, sources []*Source, pages map[string]int, lives time.Duration, crash bool) *memoryBudgets {
	t.Helper()
	l := NewLimiter(LimiterOptions{Store: store})
	l.Apply([]Limit{limit})
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := newFetcher(t, FetcherOptions{RoundTripper: u, Heed: l.Heed, Extender: l})
	p := NewPoller(PollerOptions{Fetcher: f, Observer: observeFunc(func(context.Context, *Observation) error { return nil }), Pauses: l})
	s := NewScheduler(SchedulerOptions{Poll: pagedPoll(p, pages), Gate: p, Limiter: l, Runs: runs})
	s.Apply(sources)
	mustStart(t, s)
	wait(lives)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	defer cancel()
	next := store
	if crash {
		next = store.crash()
		cancel()
	}
	if err := s.Stop(ctx); err != nil && !crash {
		t.Error(err)
	}
	if err := l.Stop(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, errDisk) {
		t.Error(err)
	}
	return next
}

// Three days of a limit that twenty sources want more of than there is: with costs,
// several pages, redirects, refusals, slow answers, restarts and crashes. Not one
// request too many arrives, nothing is sent while the upstream asked for a pause,
// nobody starves, and nine tenths of the budget are used.
func TestDaysOfALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limit := Limit{Name: "api", Requests: 300, Per: time.Hour, Burst: 10, Reserve: 30, Concurrency: 4}
		// The others use all that is left to them, all the time.
		u := newUpstream(limit.Requests-limit.Reserve, limit.Per)
		u.slowest, u.refuseEvery = 8*time.Second, 300
		pages := map[string]int{}
		var sources []*Source
		for i := range 20 {
			path := fmt.Sprint("/", i)
			s := hostSource(t, path, "http://api.example"+path, fmt.Sprintf("@every %ds", 20+i))
			s.Cost, s.Request.Timeout = 1, 30*time.Second
			s.Retry = Retry{MaxAttempts: 3, WaitMin: time.Second, WaitMax: time.Minute, MaxRetryAfter: time.Hour}
			switch i % 5 {
			case 1:
				s.Cost = 5
			case 2:
				pages[s.Name] = 10
			case 3:
				u.redirects[path] = 2
			case 4:
				s.Cost = 15 // More than the burst.
			}
			u.costs[path] = s.Cost
			sources = append(sources, s)
		}
		start := time.Now()
		store, runs := newMemoryBudgets(), newMemoryRuns()
		store.delay = 5 * time.Millisecond
		const all, processes, away = 3 * 24 * time.Hour, 12, 90 * time.Second
		for i := range processes {
			store = u.process(t, store, runs, limit, sources, pages, all/processes-away, i%2 == 1)
			wait(away)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.most > u.requests {
			t.Errorf("%d arrived within %v, the limit is %d", u.most, limit.Per, u.requests)
		}
		if u.defied > 0 {
			t.Errorf("%d were sent while the upstream asked for a pause", u.defied)
		}
		able := time.Since(start) - processes*away - u.refusedFor
		used := float64(u.total) / (float64(u.requests) * float64(able) / float64(limit.Per))
		t.Logf("%.1f %% of the budget used, %d in all, at most %d of %d in a window, %v of refusals", 100*used, u.total, u.most, u.requests, u.refusedFor)
		if used < 0.9 {
			t.Errorf("%.1f %% of the budget were used", 100*used)
		}
		fewest, most := 1<<30, 0
		for _, s := range sources {
			n := u.served[s.Request.URL[len("http://api.example"):]]
			fewest, most = min(fewest, n), max(most, n)
		}
		t.Logf("between %d and %d answers for a source", fewest, most)
		// In turn: all have nearly the same number, less some waits of retries.
		if fewest*5 < most*4 {
			t.Errorf("between %d and %d answers for a source", fewest, most)
		}
	})
}

// A day of a budget that others use as well, more of it than is reserved: that
// is learned from the answers, and nothing is sent that would be too much.
func TestADayOfASharedBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limit := Limit{Name: "api", Requests: 600, Per: time.Hour, Burst: 20, Reserve: 20, Concurrency: 4}
		u := newUpstream(limit.Requests, limit.Per)
		u.slowest, u.tells = time.Second, true
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go u.others(ctx, 4, 4*time.Minute)
		var sources []*Source
		for i := range 10 {
			path := fmt.Sprint("/", i)
			s := hostSource(t, path, "http://api.example"+path, "@every 10s")
			s.Cost = 1 + i%2
			u.costs[path] = s.Cost
			sources = append(sources, s)
		}
		store, runs := newMemoryBudgets(), newMemoryRuns()
		for range 4 {
			store = u.process(t, store, runs, limit, sources, nil, 6*time.Hour, false)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.late > 0 || u.most > limit.Requests {
			t.Errorf("%d requests were too many, at most %d in a window", u.late, u.most)
		}
		t.Logf("%d of ours in a day", u.total)
		if u.total < 24*400 { // Two thirds: it waits longer than it had to.
			t.Errorf("%d requests in a day, of a budget of %d an hour", u.total, limit.Requests)
		}
	})
}
