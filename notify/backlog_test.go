package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// longQueue has any number of waiting deliveries without holding them: number n
// is in lane n modulo lanes. It forgets them when they are recorded.
type longQueue struct {
	deliveries, lanes int64
	endpoint          string
	// recorded counts outcomes; ended is set where the first n have ended.
	recorded atomic.Int64
	// after gives, by lane, the last delivery that was recorded.
	after []atomic.Int64
	// reads counts the pages.
	reads atomic.Int64
}

var _ Queue = (*longQueue)(nil)

func newLongQueue(deliveries, lanes int64) *longQueue {
	return &longQueue{deliveries: deliveries, lanes: lanes, endpoint: "ops", after: make([]atomic.Int64, lanes)}
}

func (q *longQueue) lane(id int64) int64 { return id % q.lanes }

func (q *longQueue) page(after, step int64, limit int) []Delivery {
	var page []Delivery
	for id := after; id <= q.deliveries && len(page) < limit; id += step {
		if l := q.lane(id); id > q.after[l].Load() {
			page = append(page, Delivery{ID: id, Endpoint: q.endpoint, Lane: fmt.Sprint("lane-", l), Position: id})
		}
	}
	return page
}

func (q *longQueue) Waiting(_ context.Context, _ string, after int64, limit int) ([]Delivery, error) {
	q.reads.Add(1)
	return q.page(after+1, 1, limit), nil
}

func (q *longQueue) WaitingInLane(_ context.Context, _, lane string, after int64, limit int) ([]Delivery, error) {
	var n int64
	if _, err := fmt.Sscanf(lane, "lane-%d", &n); err != nil {
		return nil, err
	}
	first := after + 1
	first += (n - first%q.lanes + q.lanes) % q.lanes
	return q.page(first, q.lanes, limit), nil
}

func (q *longQueue) Relabel(context.Context, string, Order) error {
	return errors.New("all are in order")
}

func (q *longQueue) Superseded(context.Context, string, []int64) ([]int64, error) { return nil, nil }

func (q *longQueue) SaveBatch(_ context.Context, _, _ string, ids []int64) ([]int64, error) {
	return ids, nil
}

func (q *longQueue) Pace(context.Context, string) (Pace, error) { return Pace{}, nil }

func (q *longQueue) SavePaces(context.Context, []Pace) error { return nil }

func (q *longQueue) Batch(context.Context, string, string) ([]Delivery, error) { return nil, nil }

func (q *longQueue) Hasten(context.Context, string, int64) (Delivery, error) {
	return Delivery{}, ErrNotWaiting
}

func (q *longQueue) Event(_ context.Context, position int64) (Event, error) {
	return Event{ID: fmt.Sprintf("evt_%d", position), Type: "t", Source: fmt.Sprint("lane-", q.lane(position)), Data: []byte(`{}`)}, nil
}

func (q *longQueue) Record(_ context.Context, outcomes []Outcome) error {
	for i := range outcomes {
		if o := &outcomes[i]; o.State != Waiting {
			last := &q.after[q.lane(o.Delivery)]
			if o.Delivery != last.Load()+q.lanes && last.Load() != 0 {
				return fmt.Errorf("delivery %d ended after %d", o.Delivery, last.Load())
			}
			last.Store(o.Delivery)
			q.recorded.Add(1)
		}
	}
	return nil
}

func (q *longQueue) EndpointStates(context.Context, ...string) ([]EndpointState, error) {
	return nil, nil
}

func (q *longQueue) SaveEndpointState(context.Context, EndpointState) error { return nil }

// answers is a transport that does as little as it can.
type answers func(*http.Request) (*http.Response, error)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var noContent = answers(func(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
})

func mustStartOver(tb testing.TB, q Queue, transport http.RoundTripper, e Endpoint) *Dispatcher {
	tb.Helper()
	d := NewDispatcher(DispatcherOptions{
		Queue: q, Sender: NewSender(SenderOptions{Transport: transport}), Logger: slog.New(slog.DiscardHandler),
		OnFatal: func(err error) { tb.Errorf("fatal: %v", err) },
	})
	d.Apply([]Endpoint{e})
	if err := d.Start(tb.Context()); err != nil {
		tb.Fatalf("Start: %v", err)
	}
	return d
}

func heapBytes() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMillionsThatWaitTakeBoundedMemory has a million deliveries behind an
// endpoint that answers nothing, in few lanes and in a lane each. It measures
// the heap, so it runs alone.
func TestMillionsThatWaitTakeBoundedMemory(t *testing.T) {
	for _, lanes := range []int64{1, 100, 1_000_000} {
		q := newLongQueue(1_000_000, lanes)
		e := testEndpoint(t, "ops")
		e.Timeout = 2 * time.Hour
		before := heapBytes()
		synctest.Test(t, func(t *testing.T) {
			d := mustStartOver(t, q, answers(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}), e)
			<-time.After(time.Minute)
			synctest.Wait()
			s := d.Status()[0]
			most := defaultBounds.held + defaultBounds.lanes + defaultBounds.page
			if s.Held > most || s.Lanes > defaultBounds.lanes+defaultBounds.page || s.Held == 0 {
				t.Errorf("%d lanes: holds %d deliveries in %d lanes", lanes, s.Held, s.Lanes)
			}
			if after := heapBytes(); after > before+32<<20 {
				t.Errorf("%d lanes: the heap grew by %d KiB", lanes, (after-before)>>10)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := d.Stop(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Stop: %v", err)
			}
		})
	}
}

// TestBlockedLaneStarvesNoOther has a lane that is blocked with thousands
// waiting before the first delivery of another one.
func TestBlockedLaneStarvesNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		for range 5000 {
			q.commit("ops", "blocked")
		}
		other := q.commit("ops", "other")
		var repaired atomic.Bool
		rec := &receiver{answer: func(p post) (int, map[string]string, error) {
			if p.position() == 1 && !repaired.Load() {
				return 500, nil, nil
			}
			return 200, nil, nil
		}}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(500 * time.Millisecond)
		synctest.Wait()
		if _, state := q.row(other); state != Delivered {
			t.Errorf("the other lane's delivery is %s", state)
		}
		if s := r.Status()[0]; s.Held != defaultBounds.perLane || s.Lanes != 1 {
			t.Errorf("holds %d deliveries in %d lanes, want %d in one", s.Held, s.Lanes, defaultBounds.perLane)
		}
		repaired.Store(true)
		<-time.After(time.Minute)
		synctest.Wait()
		if got := q.count(Delivered); got != 5001 {
			t.Errorf("%d delivered, want all", got)
		}
		for i, position := range rec.positions()[3:] {
			if position != int64(i+2) {
				t.Fatalf("post %d was of delivery %d", i, position)
			}
		}
	})
}

// TestEvictedLanesAreFoundAgain fills an endpoint with lanes that are blocked
// for long, behind which others would be delivered.
func TestEvictedLanesAreFoundAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		bad := make(map[int64]bool)
		for _, l := range lanes(300) {
			bad[q.commit("ops", l)] = true
		}
		good := q.commit("ops", "good")
		rec := &receiver{answer: func(p post) (int, map[string]string, error) {
			if bad[p.position()] && p.number < 3 {
				return 500, nil, nil
			}
			return 200, nil, nil
		}}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.options.bounds = bounds{lanes: 20, held: 20, perLane: 4, page: 5, rescan: time.Minute}
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		if _, state := q.row(good); state != Delivered {
			t.Errorf("the delivery behind the blocked lanes is %s", state)
		}
		if s := r.Status()[0]; s.Lanes > 25 || s.Held > 45 {
			t.Errorf("holds %d deliveries in %d lanes", s.Held, s.Lanes)
		}
		<-time.After(10 * time.Minute)
		synctest.Wait()
		if got := q.count(Delivered); got != 301 {
			t.Errorf("%d delivered after the retries, want 301", got)
		}
		reads := q.readsOfLanes()
		<-time.After(24 * time.Hour)
		synctest.Wait()
		if q.readsOfLanes() != reads {
			t.Error("an idle backlog goes on reading")
		}
	})
}

func TestBacklogKeepsALaneThatCannotBeRead(t *testing.T) {
	t.Parallel()
	q := newMemQueue()
	for range 10 {
		q.commit("ops", "a")
	}
	b := newBacklog(q, "ops", OrderSource, bounds{lanes: 5, held: 2, perLane: 2, page: 3}, func(context.Context) error { return nil })
	now := time.Now()
	for b.readable(now) {
		if err := b.read(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	var order []int64
	for range 2 {
		l, err := b.next(t.Context(), now)
		if err != nil || l == nil {
			t.Fatalf("next gave %v, %v", l, err)
		}
		order = append(order, l.items[0].id)
		b.finish(l, now)
	}
	q.readErr = errors.New("database is locked")
	if l, err := b.next(t.Context(), now); l != nil || !errors.Is(err, q.readErr) {
		t.Fatalf("next gave %v, %v", l, err)
	}
	q.readErr = nil
	if l, err := b.next(t.Context(), now); l != nil || err != nil {
		t.Fatalf("next gave %v, %v before the wait is over", l, err)
	}
	now = b.due(now)
	for {
		l, err := b.next(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if l == nil {
			break
		}
		order = append(order, l.items[0].id)
		b.finish(l, now)
	}
	for i, id := range order {
		if id != int64(i+1) {
			t.Fatalf("the order was %v", order)
		}
	}
	if len(order) != 10 || len(b.lanes) != 0 || b.held != 0 {
		t.Errorf("%d taken, %d lanes and %d deliveries left", len(order), len(b.lanes), b.held)
	}
}

func BenchmarkDispatcher(b *testing.B) {
	for _, lanes := range []int64{1, 16, 1000} {
		b.Run(fmt.Sprint("lanes=", lanes), func(b *testing.B) {
			b.ReportAllocs()
			q := newLongQueue(int64(b.N), lanes)
			d := mustStartOver(b, q, noContent, testEndpoint(b, "ops"))
			for q.recorded.Load() < q.deliveries {
				runtime.Gosched()
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			if err := d.Stop(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkDispatcherOverLoopback has a real receiver that verifies, in the
// same process.
func BenchmarkDispatcherOverLoopback(b *testing.B) {
	e := testEndpoint(b, "ops")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = Verify(r.Header, body, e.Secrets, time.Now(), time.Minute)
		}
		if err != nil {
			b.Errorf("receive: %v", err)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	e.URL = server.URL
	q := newLongQueue(int64(b.N), 100)
	b.ReportAllocs()
	d := mustStartOver(b, q, nil, e)
	for q.recorded.Load() < q.deliveries {
		<-time.After(time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	if err := d.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
}
