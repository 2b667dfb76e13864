package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// weather is what a run of the dispatcher meets.
type weather struct {
	seed                uint64
	lanes, deliveries   int
	failures, refusals  float64
	inFlight            int
	bounds              bounds
	recordDelay         time.Duration
	restarts, reappears int
}

func drawWeather(rt *rapid.T) weather {
	return weather{
		seed:       rapid.Uint64().Draw(rt, "seed"),
		lanes:      rapid.IntRange(1, 40).Draw(rt, "lanes"),
		deliveries: rapid.IntRange(1, 300).Draw(rt, "deliveries"),
		failures:   rapid.Float64Range(0, 0.9).Draw(rt, "failures"),
		refusals:   rapid.Float64Range(0, 0.2).Draw(rt, "refusals"),
		inFlight:   rapid.IntRange(1, 8).Draw(rt, "max_in_flight"),
		bounds: bounds{
			lanes:   rapid.IntRange(1, 50).Draw(rt, "held lanes"),
			held:    rapid.IntRange(1, 50).Draw(rt, "held"),
			perLane: rapid.IntRange(1, 5).Draw(rt, "held of a lane"),
			page:    rapid.IntRange(1, 20).Draw(rt, "page"),
			rescan:  time.Duration(rapid.IntRange(1, 60).Draw(rt, "rescan")) * time.Second,
		},
		recordDelay: time.Duration(rapid.IntRange(0, 2000).Draw(rt, "record delay")) * time.Millisecond,
		restarts:    rapid.IntRange(0, 3).Draw(rt, "restarts"),
		reappears:   rapid.IntRange(0, 3).Draw(rt, "reappears"),
	}
}

// TestLanesKeepTheirOrderInAnyWeather drives deliveries over lanes through
// failures, pauses, slow disks, small bounds, restarts and reloads.
func TestLanesKeepTheirOrderInAnyWeather(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWeather(rt)
		var err error
		synctest.Test(t, func(t *testing.T) { err = w.run(t) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

// receiver returns one that is as the weather is.
func (w *weather) receiver(roll func() float64) *receiver {
	return &receiver{
		delay: func(post) time.Duration { return time.Duration(roll()*500) * time.Millisecond },
		answer: func(post) (int, map[string]string, error) {
			switch x := roll(); {
			case x < w.failures/2:
				return 500, nil, nil
			case x < w.failures:
				return 0, nil, errRefused
			case x < w.failures+w.refusals/2:
				return 429, map[string]string{"Retry-After": "5"}, nil
			}
			return 200, nil, nil
		},
	}
}

func (w *weather) run(t *testing.T) error {
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(w.seed, 0))
	roll := func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return dice.Float64()
	}
	q := newMemQueue()
	q.recordDelay = w.recordDelay
	rec := w.receiver(roll)
	e := testEndpoint(t, "ops")
	e.MaxInFlight = w.inFlight
	e.Retry.Schedule = []time.Duration{time.Second, time.Minute, 10 * time.Minute}
	e.Retry.Jitter = 0.5
	r := newRig(q, rec, e)
	r.options.bounds = w.bounds
	r.mustStart(t)
	commit := func(n int) {
		for range n {
			q.commit("ops", fmt.Sprintf("lane-%d", int(roll()*float64(w.lanes))))
		}
		r.Wake("ops")
	}
	commit(w.deliveries / 2)
	for range w.restarts {
		<-time.After(time.Duration(roll() * float64(time.Minute)))
		// Some are drained, some are cut short; what was recorded is exact in both.
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(roll()*float64(4*time.Second)))
		if err := r.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			cancel()
			return fmt.Errorf("stop: %w", err)
		}
		cancel()
		r.mustStart(t)
	}
	for range w.reappears {
		<-time.After(time.Duration(roll() * float64(time.Second)))
		r.Apply(nil)
		<-time.After(time.Duration(roll() * float64(time.Second)))
		r.Apply([]Endpoint{e})
	}
	commit(w.deliveries - w.deliveries/2)
	for hours := 0; q.count(Waiting) > 0; hours++ {
		if hours > 24*30 {
			r.mustStop(t)
			return fmt.Errorf("%d deliveries still wait after a month", q.count(Waiting))
		}
		<-time.After(time.Hour)
	}
	r.mustStop(t)
	return w.check(q, rec)
}

// check holds what was posted and recorded against the promises.
func (w *weather) check(q *memQueue, rec *receiver) error {
	if len(rec.overlap) > 0 {
		return fmt.Errorf("two posts at once in %s", rec.overlap[0])
	}
	lastOf := make(map[string]int64)
	for _, p := range rec.seen() {
		d, _ := q.row(p.position())
		if d.ID < lastOf[d.Lane] {
			return fmt.Errorf("%s: delivery %d was posted after %d", d.Lane, d.ID, lastOf[d.Lane])
		}
		lastOf[d.Lane] = d.ID
	}
	return checkOutcomes(q)
}

// checkOutcomes holds what was recorded against the promises.
func checkOutcomes(q *memQueue) error {
	for i := range q.deliveries {
		outcomes := q.outcomesOf(q.deliveries[i].ID)
		ended := slices.IndexFunc(outcomes, func(o Outcome) bool { return o.State != Waiting })
		if ended != len(outcomes)-1 {
			return fmt.Errorf("delivery %d: outcome %d of %d ended it", i+1, ended, len(outcomes))
		}
		counted := 0
		for n, o := range outcomes {
			if o.Attempt.Number != n+1 {
				return fmt.Errorf("delivery %d: attempt %d calls itself %d", i+1, n+1, o.Attempt.Number)
			}
			if o.Attempts > counted+1 || o.Attempts < counted {
				return fmt.Errorf("delivery %d: %d attempts counted after %d", i+1, o.Attempts, counted)
			}
			counted = o.Attempts
		}
		if last := outcomes[ended]; last.State == Dead && last.Attempts != 4 {
			return fmt.Errorf("delivery %d is dead after %d attempts", i+1, last.Attempts)
		}
	}
	return nil
}
