package poller

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Two limiters share a store, and the limit goes from one to the other: handed over
// with requests under way, or lost without a word, while saves fail and the old
// owner learns of it late. No sliding window ever sees more than the limit.
func TestLimitIsNeverExceededByItsOwners(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			d := drawDemand(t)
			d.drawPatience(t)
			store := drawBudgets(t)
			owners := newOwners(t, store, d.limit)
			ctx, cancel := context.WithCancel(t.Context())
			owners.end = cancel
			for range rapid.IntRange(1, 10).Draw(t, "terms") {
				owners.term(ctx, t, d, time.Duration(rapid.Int64Range(0, int64(2*d.limit.Per)).Draw(t, "lasts")))
			}
			owners.stop(t)
			d.checkWindow(t)
		})
	})
}

// owners are limiters that have a limit in turn.
type owners struct {
	limiters []*Limiter
	leases   []*leasedBudgets
	// lost are those that have not learned yet that they are not the owner any more.
	lost map[int]bool
	now  int
	// underWay are callers that go on until the end, whoever is the owner.
	underWay sync.WaitGroup
	end      context.CancelFunc
}

func newOwners(t *rapid.T, store *memoryBudgets, limit Limit) *owners {
	o := &owners{lost: map[int]bool{}}
	for range 2 {
		lease := &leasedBudgets{memoryBudgets: store}
		l := NewLimiter(LimiterOptions{Store: lease, Leased: true, Lost: func(err error) bool { return errors.Is(err, errNotHeld) }})
		if err := l.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.Apply([]Limit{limit})
		o.limiters, o.leases = append(o.limiters, l), append(o.leases, lease)
	}
	return o
}

// term lets the next owner take for a while, and ends that in some way.
func (o *owners) term(all context.Context, t *rapid.T, d *demand, lasts time.Duration) {
	if rapid.Bool().Draw(t, "other") {
		o.now = 1 - o.now
	}
	if o.lost[o.now] {
		o.learn(t, o.now) // nothing is adopted before what was lost is released
	}
	l, lease := o.limiters[o.now], o.leases[o.now]
	lease.held.Store(true)
	if err := l.Adopt(t.Context(), []string{d.limit.Name}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(all)
	ended := make(chan struct{})
	o.underWay.Go(func() {
		defer close(ended)
		defer cancel()
		d.run(ctx, l)
	})
	if err := pause(t.Context(), lasts); err != nil {
		t.Fatal(err)
	}
	switch rapid.SampledFrom([]string{"handed over", "handed over in a hurry", "lost", "lost, and learned late"}).Draw(t, "ends") {
	case "handed over":
		o.release(t.Context(), t)
		lease.held.Store(false)
		return // Nothing of it is called off, since nothing is under way.
	case "handed over in a hurry":
		// Time may be up while requests are under way: they are called off.
		hurry, done := context.WithTimeout(t.Context(), time.Duration(rapid.Int64Range(0, int64(d.limit.Per)).Draw(t, "hurry")))
		defer context.AfterFunc(hurry, cancel)()
		o.release(hurry, t)
		done()
		cancel()
		<-ended
	case "lost":
		cancel() // It notices that by itself, before anybody else begins.
		<-ended
		lease.held.Store(false)
		o.learn(t, o.now)
	default:
		cancel()
		<-ended
		lease.held.Store(false)
		o.lost[o.now] = true
	}
	lease.held.Store(false)
}

func (o *owners) release(ctx context.Context, t *rapid.T) {
	err := o.limiters[o.now].Release(ctx, []string{"api"})
	if err != nil && !errors.Is(err, errDisk) && ctx.Err() == nil {
		t.Fatal(err)
	}
}

func (o *owners) learn(t *rapid.T, owner int) {
	delete(o.lost, owner)
	if err := o.limiters[owner].Release(t.Context(), []string{"api"}); err != nil && !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
}

func (o *owners) stop(t *rapid.T) {
	o.end()
	o.underWay.Wait()
	for _, l := range o.limiters {
		if err := l.Stop(t.Context()); err != nil && !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
	}
}
