package notify

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// account adds up what a dispatcher reports.
type account struct {
	mu                          sync.Mutex
	posted, unposted            int
	delivered, dead, superseded int
	statuses                    map[int]int
}

// newAccountedRig is a rig whose dispatcher is kept account of.
func newAccountedRig(q *memQueue, rec *receiver, e Endpoint) (*rig, *account) {
	a := &account{statuses: make(map[int]int)}
	r := newRig(q, rec, e)
	r.options.Done = func(report Report) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if report.Endpoint != e.Name {
			panic("a report of " + report.Endpoint)
		}
		if report.Posted {
			a.posted++
			a.statuses[report.Attempt.Status]++
		} else {
			a.unposted++
		}
		a.delivered += report.Delivered
		a.dead += report.Dead
		a.superseded += report.Superseded
	}
	return r, a
}

// TestReportsAddUp has an endpoint refuse some deliveries for ever, some once and
// some never, and one that no body can be made of: the reports say how many POSTs
// there were, and how each delivery ended.
func TestReportsAddUp(t *testing.T) {
	t.Parallel()
	for _, events := range []int{1, 4} {
		t.Run(fmt.Sprint("batches of ", events), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, rec := newMemQueue(), &receiver{}
				var posts atomic.Int64
				rec.answer = func(p post) (int, map[string]string, error) {
					n := posts.Add(1)
					switch {
					case n%3 == 1:
						return http.StatusBadRequest, nil, nil
					case p.number > 1 && n%5 == 0:
						return http.StatusInternalServerError, nil, nil
					}
					return http.StatusNoContent, nil, nil
				}
				for range 40 {
					q.commit("ops", "")
				}
				broken := q.commit("ops", "")
				q.mu.Lock()
				ev := q.events[broken]
				ev.Data = []byte("{")
				q.events[broken] = ev
				q.mu.Unlock()
				e := batchEndpoint(t, OrderNone, events, 0)
				e.Retry = RetryPolicy{Schedule: []time.Duration{time.Second}}
				e.MaxInFlight = 1
				r, a := newAccountedRig(q, rec, e)
				r.mustStart(t)
				<-time.After(time.Hour)
				r.mustStop(t)
				if a.posted != len(rec.posts) || a.statuses[http.StatusBadRequest] == 0 || a.statuses[http.StatusNoContent] == 0 {
					t.Errorf("%d POSTs were reported, with %v; the receiver has %d", a.posted, a.statuses, len(rec.posts))
				}
				if a.delivered != q.count(Delivered) || a.dead != q.count(Dead) || a.delivered+a.dead != 41 {
					t.Errorf("reported %d delivered and %d dead, recorded %d and %d", a.delivered, a.dead, q.count(Delivered), q.count(Dead))
				}
				if events == 1 && a.unposted != 1 {
					t.Errorf("%d reports without a POST, want that of the broken event", a.unposted)
				}
			})
		})
	}
}

// TestSupersededAreReported: they end without a POST.
func TestSupersededAreReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		for n := range 30 {
			q.commitKeyed("ops", "", []string{"a", "b", "c"}[n%3])
		}
		r, a := newAccountedRig(q, &receiver{}, testEndpoint(t, "ops"))
		r.mustStart(t)
		synctest.Wait()
		r.mustStop(t)
		if got := []int{a.posted, a.delivered, a.superseded}; !slices.Equal(got, []int{3, 3, 27}) {
			t.Errorf("posted, delivered and superseded: %v, want 3, 3 and 27", got)
		}
	})
}
