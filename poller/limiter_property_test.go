package poller

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// demand is a number of callers that want as much of a limit as they get.
type demand struct {
	limit   Limit
	callers int
	// hold is how long a request takes, think how long a caller waits after it.
	hold, think time.Duration

	mu    sync.Mutex
	sends []time.Time
}

func drawDemand(t *rapid.T) *demand {
	d := &demand{limit: Limit{Name: "api"}}
	d.limit.Requests = rapid.IntRange(1, 150).Draw(t, "requests")
	d.limit.Per = time.Duration(rapid.Int64Range(int64(time.Second), int64(2*time.Hour)).Draw(t, "per"))
	d.limit.Burst = rapid.IntRange(1, d.limit.Requests+3).Draw(t, "burst")
	d.limit.Concurrency = rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "concurrency")
	d.callers = rapid.IntRange(1, 20).Draw(t, "callers")
	return d
}

// run lets the callers of one process take until ctx is done.
func (d *demand) run(ctx context.Context, l *Limiter) {
	var callers sync.WaitGroup
	for range d.callers {
		callers.Go(func() {
			for {
				release, err := l.Take(ctx, d.limit.Name)
				if err != nil {
					return
				}
				d.mu.Lock()
				d.sends = append(d.sends, time.Now())
				d.mu.Unlock()
				err = pause(ctx, d.hold)
				release()
				if err != nil || pause(ctx, d.think) != nil {
					return
				}
			}
		})
	}
	callers.Wait()
}

// process runs a limiter for a while, and then stops or crashes it.
func (d *demand) process(t *rapid.T, store *memoryBudgets, lives time.Duration, crash bool) *memoryBudgets {
	l := NewLimiter(LimiterOptions{Store: store})
	l.Apply([]Limit{d.limit})
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), lives)
	defer cancel()
	d.run(ctx, l)
	next := store
	if crash {
		next = store.crash()
	}
	if err := l.Stop(t.Context()); err != nil && !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	return next
}

// checkWindow fails if any sliding window has more than the limit's requests.
func (d *demand) checkWindow(t *rapid.T) {
	n := d.limit.Requests
	for i := n; i < len(d.sends); i++ {
		if span := d.sends[i].Sub(d.sends[i-n]); span < d.limit.Per {
			t.Fatalf("%d requests within %v, the limit is %d in %v", n+1, span, n, d.limit.Per)
		}
	}
}

// checkPace fails if the sends from index from on are not evenly paced beyond
// the burst.
func (d *demand) checkPace(t *rapid.T, from int) {
	interval := d.limit.Per / time.Duration(d.limit.Requests)
	var whole time.Time // when the burst is whole again
	for _, at := range d.sends[from:] {
		if whole.Before(at) {
			whole = at
		}
		whole = whole.Add(interval)
		if used := whole.Sub(at); used > time.Duration(d.limit.Burst)*interval {
			t.Fatalf("request at %v is ahead of the pace by %v", at, used-time.Duration(d.limit.Burst)*interval)
		}
	}
}

// Whatever is asked, and however often saves fail and the process crashes or restarts, no
// sliding window ever sees more than the limit.
func TestLimitIsNeverExceeded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			d := drawDemand(t)
			d.hold = time.Duration(rapid.Int64Range(0, int64(d.limit.Per/4)).Draw(t, "hold"))
			d.think = time.Duration(rapid.Int64Range(1, int64(d.limit.Per/2)).Draw(t, "think"))
			store := newMemoryBudgets()
			store.delay = time.Duration(rapid.IntRange(0, 50).Draw(t, "save_ms")) * time.Millisecond
			store.failEvery = rapid.SampledFrom([]int{0, 0, 2, 7}).Draw(t, "fail_every")
			store.durable = rapid.Bool().Draw(t, "durable")
			for range rapid.IntRange(1, 8).Draw(t, "processes") {
				from := len(d.sends)
				lives := time.Duration(rapid.Int64Range(0, int64(2*d.limit.Per)).Draw(t, "lives"))
				store = d.process(t, store, lives, rapid.Bool().Draw(t, "crash"))
				d.checkPace(t, from)
				if err := pause(t.Context(), time.Duration(rapid.Int64Range(0, int64(d.limit.Per/2)).Draw(t, "away"))); err != nil {
					t.Fatal(err)
				}
			}
			d.checkWindow(t)
		})
	})
}

// Who wants all of a budget gets at least nine tenths of it, clean restarts
// included.
func TestLimitIsUsedWhenWanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			d := drawDemand(t)
			store := newMemoryBudgets()
			store.delay = 2 * time.Millisecond
			const windows = 10
			processes := rapid.IntRange(1, 3).Draw(t, "processes")
			for range processes {
				store = d.process(t, store, windows*d.limit.Per/time.Duration(processes), false)
			}
			d.checkWindow(t)
			if want := windows * d.limit.Requests * 9 / 10; len(d.sends) < want {
				t.Fatalf("%d requests in %d windows, want at least %d", len(d.sends), windows, want)
			}
		})
	})
}
