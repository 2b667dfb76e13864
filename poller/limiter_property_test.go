package poller

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// demand is a number of callers that want as much of a limit as they get, and
// the upstream that they ask.
type demand struct {
	limit Limit
	// costs are those of each caller's requests.
	costs []int
	// hold is how long a request takes at most, think how long a caller waits
	// after it at most. Each is as long as that, or random where random is set.
	hold, think time.Duration
	random      bool
	seed        uint64

	mu    sync.Mutex
	sends []arrival
	// arrivals are when the requests arrived at the upstream.
	arrivals []arrival
}

// arrival is a request of some cost at a time.
type arrival struct {
	at   time.Time
	cost int
}

func drawDemand(t *rapid.T) *demand {
	d := &demand{limit: Limit{Name: "api"}, seed: rapid.Uint64().Draw(t, "seed")}
	d.limit.Requests = rapid.IntRange(1, 150).Draw(t, "requests")
	d.limit.Per = time.Duration(rapid.Int64Range(int64(time.Second), int64(2*time.Hour)).Draw(t, "per"))
	d.limit.Reserve = rapid.SampledFrom([]int{0, 0, 1, d.limit.Requests / 10, d.limit.Requests - 1}).Draw(t, "reserve")
	d.limit.Reserve = min(d.limit.Reserve, d.limit.Requests-1)
	d.limit.Burst = rapid.IntRange(1, d.limit.Requests+3).Draw(t, "burst")
	d.limit.Concurrency = rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "concurrency")
	dearest := rapid.SampledFrom([]int{1, 1, 3, d.capacity()}).Draw(t, "dearest")
	d.costs = rapid.SliceOfN(rapid.IntRange(1, min(dearest, d.capacity())), 1, 20).Draw(t, "costs")
	return d
}

// drawPatience lets callers hold what they took, and think before they take again, for
// times of all lengths beside the limit's.
func (d *demand) drawPatience(t *rapid.T) {
	d.random = true
	d.hold = time.Duration(rapid.SampledFrom([]int64{0, int64(d.limit.Per / 20), int64(d.limit.Per / 4), int64(3 * d.limit.Per)}).Draw(t, "hold"))
	d.think = time.Duration(rapid.Int64Range(1, int64(d.limit.Per/2)).Draw(t, "think"))
}

// drawBudgets makes a store that is slow, and fails now and then.
func drawBudgets(t *rapid.T) *memoryBudgets {
	store := newMemoryBudgets()
	store.delay = time.Duration(rapid.IntRange(0, 50).Draw(t, "save_ms")) * time.Millisecond
	store.failEvery = rapid.SampledFrom([]int{0, 0, 2, 7}).Draw(t, "fail_every")
	store.durable = rapid.Bool().Draw(t, "durable")
	return store
}

func (d *demand) capacity() int { return d.limit.Requests - d.limit.Reserve }

// run lets the callers of one process take until ctx is done.
func (d *demand) run(ctx context.Context, l *Limiter) {
	var callers sync.WaitGroup
	for i, cost := range d.costs {
		d.mu.Lock()
		d.seed++
		random := rand.New(rand.NewPCG(d.seed, uint64(i)))
		d.mu.Unlock()
		callers.Go(func() {
			for d.ask(ctx, l, cost, random) {
			}
		})
	}
	callers.Wait()
}

// ask makes one request, which arrives at some time before its answer.
func (d *demand) ask(ctx context.Context, l *Limiter, cost int, random *rand.Rand) bool {
	release, err := l.Take(ctx, d.limit.Name, cost)
	if err != nil {
		return false
	}
	hold, think := d.hold, d.think
	if d.random {
		hold, think = within(random, hold), within(random, think)
	}
	way := within(random, hold)
	d.note(&d.sends, time.Now(), cost)
	err = pause(ctx, way)
	d.note(&d.arrivals, time.Now(), cost) // One that is called off arrives no later.
	err = errors.Join(err, pause(ctx, hold-way))
	release()
	return err == nil && pause(ctx, think) == nil
}

func within(random *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(d) + 1))
}

func (d *demand) note(list *[]arrival, at time.Time, cost int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	*list = append(*list, arrival{at, cost})
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

// checkWindow fails if more arrived at the upstream in any sliding window than
// the limit leaves to us.
func (d *demand) checkWindow(t *rapid.T) {
	slices.SortFunc(d.arrivals, func(a, b arrival) int { return a.at.Compare(b.at) })
	total, first := 0, 0
	for _, a := range d.arrivals {
		total += a.cost
		for a.at.Sub(d.arrivals[first].at) >= d.limit.Per {
			total -= d.arrivals[first].cost
			first++
		}
		if total > d.capacity() {
			t.Fatalf("%d arrived within %v, the limit is %d in %v", total, a.at.Sub(d.arrivals[first].at), d.capacity(), d.limit.Per)
		}
	}
}

// checkPace fails if the sends from index from on are not evenly paced beyond
// the burst. What costs more than the burst waits until that is whole.
func (d *demand) checkPace(t *rapid.T, from int) {
	interval := d.limit.Per / time.Duration(d.capacity())
	var whole time.Time // when the burst is whole again
	for _, a := range d.sends[from:] {
		if whole.Before(a.at) {
			whole = a.at
		}
		whole = whole.Add(time.Duration(a.cost) * interval)
		most := time.Duration(max(d.limit.Burst, a.cost)) * interval
		if used := whole.Sub(a.at); used > most {
			t.Fatalf("request at %v is ahead of the pace by %v", a.at, used-most)
		}
	}
}

// used is what all requests cost.
func (d *demand) used() (total int) {
	for _, a := range d.sends {
		total += a.cost
	}
	return total
}

// Whatever is asked, and however often saves fail and the process crashes or restarts, no
// sliding window ever sees more than the limit.
func TestLimitIsNeverExceeded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			d := drawDemand(t)
			d.drawPatience(t)
			store := drawBudgets(t)
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

// Who wants all of a budget gets at least nine tenths of it where answers take a
// twentieth of the window, clean restarts included.
func TestLimitIsUsedWhenWanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			d := drawDemand(t)
			// Enough callers, and no other bound: one cost for all, or they leave
			// over what the next one does not fit in.
			d.limit.Concurrency = 0
			cost := rapid.IntRange(1, max(1, d.capacity()/20)).Draw(t, "cost")
			d.costs = slices.Repeat([]int{cost}, max(len(d.costs), 2+d.capacity()/cost/10))
			d.hold = time.Duration(rapid.Int64Range(0, int64(d.limit.Per/20)).Draw(t, "hold"))
			store := newMemoryBudgets()
			store.delay = 2 * time.Millisecond
			const windows = 10
			processes := rapid.IntRange(1, 3).Draw(t, "processes")
			for range processes {
				store = d.process(t, store, windows*d.limit.Per/time.Duration(processes), false)
			}
			d.checkWindow(t)
			if want := windows * d.capacity() * 9 / 10; d.used() < want {
				t.Fatalf("%d requests in %d windows, want at least %d", d.used(), windows, want)
			}
		})
	})
}
