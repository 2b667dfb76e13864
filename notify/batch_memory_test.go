package notify

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestBatchesThatFailMakeRoom has more of them wait for a retry than fit, and
// news that must not wait for it.
func TestBatchesThatFailMakeRoom(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{OrderNone, OrderItem} {
		synctest.Test(t, func(t *testing.T) {
			var well atomic.Bool
			q, rec := newMemQueue(), &receiver{answer: func(post) (int, map[string]string, error) {
				if well.Load() {
					return http.StatusNoContent, nil, nil
				}
				return http.StatusBadRequest, nil, nil
			}}
			e := batchEndpoint(t, order, 4, 0)
			e.Retry = RetryPolicy{Schedule: []time.Duration{24 * time.Hour}}
			lane := func(n int) string {
				if order == OrderNone {
					return ""
				}
				return "shop" + laneSeparator + string(rune('A'+n))
			}
			const count = 40
			for n := range count {
				q.commit("ops", lane(n))
			}
			r := newRig(q, rec, e)
			r.options.bounds = bounds{lanes: 8, held: 32, perLane: 2, page: 4, rescan: time.Minute}
			r.mustStart(t)
			defer r.mustStop(t)
			<-time.After(time.Hour)
			if n := len(rec.seen()); n != count/4 {
				t.Fatalf("%s: %d posts, want each batch once", order, n)
			}
			well.Store(true)
			news, behind := q.commit("ops", lane(count)), q.commit("ops", lane(0))
			r.Wake()
			<-time.After(10 * time.Minute)
			if _, state := q.row(news); state != Delivered {
				t.Errorf("%s: the news is %s", order, state)
			}
			if _, state := q.row(behind); order == OrderItem && state != Waiting {
				t.Errorf("%s: one behind a batch is %s", order, state)
			}
			<-time.After(25 * time.Hour)
			if n := q.count(Delivered); n != count+2 {
				t.Errorf("%s: %d delivered, want all", order, n)
			}
			first := make(map[string]string)
			for _, p := range rec.seen() {
				if body, ok := first[p.id]; ok && body != p.body {
					t.Errorf("%s: %s has other members", order, p.id)
				}
				first[p.id] = p.body
			}
			if n := len(rec.seen()); n > 2*count/4+2 {
				t.Errorf("%s: %d posts", order, n)
			}
		})
	}
}

// TestBatchIsBoundedInBytes gives back what does not fit, which then waits for
// no further events.
func TestBatchIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{OrderNone, OrderItem, OrderSource} {
		synctest.Test(t, func(t *testing.T) {
			q, rec := newMemQueue(), &receiver{delay: func(post) time.Duration { return time.Second }}
			lane := map[Order]string{OrderItem: "shop" + laneSeparator, OrderSource: "shop"}[order]
			const count = 10
			for n := range count {
				if order == OrderItem {
					q.commit("ops", lane+string(rune('A'+n%2)))
				} else {
					q.commit("ops", lane)
				}
			}
			const most = 1000
			r := newRig(q, rec, batchEndpoint(t, order, 100, time.Hour))
			r.options.bounds = defaultBounds
			r.options.bounds.batchBytes = most
			r.mustStart(t)
			defer r.mustStop(t)
			start := time.Now()
			<-time.After(90 * time.Minute)
			var told []int64
			for n, p := range rec.seen() {
				if len(p.body) > most+count+2 || len(p.members()) < 2 {
					t.Errorf("%s: a batch of %d bytes with %d events", order, len(p.body), len(p.members()))
				}
				if late := p.at.Sub(start) - time.Hour; late > time.Duration(n)*time.Second {
					t.Errorf("%s: batch %d came %s late", order, n, late)
				}
				told = append(told, p.members()...)
			}
			if order == OrderSource && !slices.IsSorted(told) {
				t.Errorf("told in the order %v", told)
			}
			if len(told) != count || q.count(Delivered) != count {
				t.Errorf("%s: %d told, %d delivered", order, len(told), q.count(Delivered))
			}
		})
	}
}

// TestEventLargerThanABatchIsToldAlone.
func TestEventLargerThanABatchIsToldAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		for range 3 {
			q.commit("ops", "shop")
		}
		r := newRig(q, rec, batchEndpoint(t, OrderSource, 10, 0))
		r.options.bounds = defaultBounds
		r.options.bounds.batchBytes = 1
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		if n := len(rec.seen()); n != 3 || q.count(Delivered) != 3 {
			t.Errorf("%d posts, %d delivered", n, q.count(Delivered))
		}
	})
}

// TestLimitedBatchUsesUpNoAttempt is a 429 with Retry-After.
func TestLimitedBatchUsesUpNoAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		rec.answer = func(p post) (int, map[string]string, error) {
			if p.number < 4 {
				return http.StatusTooManyRequests, map[string]string{"Retry-After": "60"}, nil
			}
			return http.StatusInternalServerError, nil, nil
		}
		for range 3 {
			q.commit("ops", "shop")
		}
		e := batchEndpoint(t, OrderSource, 3, 0)
		e.Retry.Schedule = []time.Duration{time.Hour}
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(10 * time.Minute)
		for id := int64(1); id <= 3; id++ {
			if d, state := q.row(id); d.Posts != 4 || d.Attempts != 1 || state != Waiting {
				t.Errorf("%s after %d posts, %d attempts", state, d.Posts, d.Attempts)
			}
		}
	})
}
