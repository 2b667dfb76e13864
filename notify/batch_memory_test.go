package notify

import (
	"net/http"
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
