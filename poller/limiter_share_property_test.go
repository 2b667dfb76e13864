package poller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// caller is one of several that share a limit in turn.
type caller struct {
	cost, pages, hops int
	fails             bool
	// admitted are when its requests were.
	admitted []time.Time
}

func drawCaller(t *rapid.T, capacity int) *caller {
	return &caller{
		cost:  rapid.IntRange(1, min(capacity, rapid.SampledFrom([]int{1, 1, 10, capacity}).Draw(t, "dearest"))).Draw(t, "cost"),
		pages: rapid.SampledFrom([]int{1, 1, 5, 50}).Draw(t, "pages"),
		hops:  rapid.SampledFrom([]int{0, 0, 2}).Draw(t, "hops"),
		fails: rapid.Bool().Draw(t, "fails"),
	}
}

// Nobody who waits for a shared limit starves, whatever the others cost, however
// many pages or retries they queue for, and whatever redirects go before: while
// one waits, each other one is admitted twice at most.
func TestLimitIsShared(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			limit := drawDemand(t).limit
			limit.Per = min(limit.Per, time.Minute)
			l := NewLimiter(LimiterOptions{Store: newMemoryBudgets()})
			l.Apply([]Limit{limit})
			if err := l.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			callers := make([]*caller, rapid.IntRange(2, 8).Draw(t, "callers"))
			for i := range callers {
				callers[i] = drawCaller(t, limit.Requests-limit.Reserve)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*limit.Per)
			defer cancel()
			s := &sharing{limiter: l, callers: callers, hold: limit.Per / 100}
			var running sync.WaitGroup
			for _, c := range callers {
				running.Go(func() {
					for s.poll(ctx, c) {
					}
				})
			}
			running.Wait()
			if err := l.Stop(context.WithoutCancel(ctx)); err != nil {
				t.Fatal(err)
			}
			if s.passed > 2 {
				t.Fatalf("one that waited was passed %d times by the same other one", s.passed)
			}
		})
	})
}

// sharing watches who is admitted while others wait.
type sharing struct {
	limiter *Limiter
	callers []*caller
	hold    time.Duration

	mu sync.Mutex
	// passed is how often one was admitted while another waited.
	passed int
}

// poll makes the requests of a poll: its pages, or its attempts until the last.
func (s *sharing) poll(ctx context.Context, c *caller) bool {
	for range c.pages {
		if !s.request(ctx, c) {
			return false
		}
		if c.fails && pause(ctx, s.hold/2) != nil {
			return false
		}
	}
	return true
}

func (s *sharing) request(ctx context.Context, c *caller) bool {
	w := &taker{ready: make(chan struct{}, 1)}
	w.ticket.owner = w
	queued := time.Now()
	if s.limiter.await(ctx, "api", c.cost, w) != nil {
		return false
	}
	defer s.limiter.release(&w.ticket)
	s.count(c, queued)
	err := pause(ctx, s.hold)
	for range c.hops {
		err = errors.Join(err, s.limiter.Extend(&ticketContext{ctx, &w.ticket}, "api", c.cost), pause(ctx, s.hold))
	}
	return err == nil
}

// count notes that a caller who came into the queue at a time is admitted. Which
// of two things of the same instant came first nobody can tell, so that others
// count only where they were admitted later than the one and earlier than the other.
func (s *sharing) count(c *caller, queued time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, other := range s.callers {
		passed := 0
		for _, at := range slices.Backward(other.admitted) {
			if !at.After(queued) {
				break
			}
			if other != c && at.Before(now) {
				passed++
			}
		}
		s.passed = max(s.passed, passed)
	}
	c.admitted = append(c.admitted, now)
}
