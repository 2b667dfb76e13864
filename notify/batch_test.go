package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var numberInBody = regexp.MustCompile(`"data":\{"n":(\d+)\}`)

// members are the positions that a batch tells, in its order.
func (p post) members() []int64 {
	var positions []int64
	for _, m := range numberInBody.FindAllStringSubmatch(p.body, -1) {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		positions = append(positions, n)
	}
	return positions
}

func batchEndpoint(t *testing.T, order Order, events int, wait time.Duration) Endpoint {
	e := testEndpoint(t, "ops")
	e.Order, e.Batch = order, Batch{MaxEvents: events, MaxWait: wait}
	return e
}

func TestBatchIsFilledOrHasWaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		r := newRig(q, rec, batchEndpoint(t, OrderNone, 10, 5*time.Second))
		r.mustStart(t)
		defer r.mustStop(t)
		start := time.Now()
		for n := range 23 {
			q.commit("ops", "")
			if n == 3 {
				r.Wake()
				<-time.After(time.Second)
			}
		}
		r.Wake()
		<-time.After(time.Minute)
		posts := rec.seen()
		var sizes []int
		for _, p := range posts {
			sizes = append(sizes, len(p.members()))
			if !strings.HasPrefix(p.id, "bat_") || p.body[0] != '[' || p.number != 1 {
				t.Errorf("posted %s, number %d: %s", p.id, p.number, p.body)
			}
		}
		if !slices.Equal(sizes, []int{10, 10, 3}) {
			t.Fatalf("batches of %v", sizes)
		}
		if full, rest := posts[1].at.Sub(start), posts[2].at.Sub(start); full != time.Second || rest != 6*time.Second {
			t.Errorf("full batches after %s, the rest after %s", full, rest)
		}
		if got := q.count(Delivered); got != 23 {
			t.Errorf("%d delivered", got)
		}
	})
}

func TestBatchIsRetriedAndEndsAsOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		for range 4 {
			q.commit("ops", "shop")
		}
		q.events[2] = Event{Position: 2, ID: "evt_2", Data: []byte(`"text"`)} // of which no body can be made
		rec := &receiver{answer: status(http.StatusInternalServerError)}
		r := newRig(q, rec, batchEndpoint(t, OrderSource, 3, 0))
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Hour)
		posts := rec.seen()
		if len(posts) != 6 {
			t.Fatalf("%d posts, want three of each batch", len(posts))
		}
		for i, p := range posts[:3] {
			if p.id != posts[0].id || p.body != posts[0].body || p.number != i+1 || !slices.Equal(p.members(), []int64{1, 3}) {
				t.Errorf("attempt %d posted %s, number %d: %v", i+1, p.id, p.number, p.members())
			}
		}
		if posts[3].id == posts[0].id || !slices.Equal(posts[3].members(), []int64{4}) {
			t.Errorf("the next batch is %s: %v", posts[3].id, posts[3].members())
		}
		if got := q.count(Dead); got != 4 {
			t.Errorf("%d dead, want all", got)
		}
		if o := q.outcomesOf(2); len(o) != 1 || !strings.Contains(o[0].Attempt.Error, "evt_2") {
			t.Errorf("of the broken one: %+v", o)
		}
		for _, id := range []int64{1, 3} {
			if o := q.outcomesOf(id); len(o) != 3 || o[2].Attempts != 3 || o[2].State != Dead {
				t.Errorf("of delivery %d: %+v", id, o)
			}
		}
	})
}

func TestUnsavedBatchIsNotPosted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.commit("ops", "shop")
		q.stateErr = errors.New("disk full")
		r := newRig(q, rec, batchEndpoint(t, OrderSource, 3, 0))
		r.mustStart(t)
		synctest.Wait()
		if err := <-r.fatal; !errors.Is(err, q.stateErr) {
			t.Errorf("OnFatal got %v", err)
		}
		if err := r.Stop(t.Context()); !errors.Is(err, q.stateErr) || len(rec.seen()) != 0 {
			t.Errorf("Stop gave %v after %d posts", err, len(rec.seen()))
		}
	})
}

// TestMemberThatEndedIsLeftOut has deliveries that retention ends while they are
// held.
func TestMemberThatEndedIsLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		r := newRig(q, rec, batchEndpoint(t, OrderSource, 3, time.Minute))
		for range 2 {
			q.commit("ops", "shop")
		}
		q.commit("ops", "crm")
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		q.fail(func() { q.state[1] = Dead })
		q.commit("ops", "shop")
		r.Wake()
		<-time.After(2 * time.Minute)
		if q.count(Delivered) != 3 || q.count(Dead) != 1 {
			t.Errorf("%d delivered, %d dead", q.count(Delivered), q.count(Dead))
		}
	})
}

// TestBatchesKeepTheirPromisesInAnyWeather drives batches through failures,
// restarts that cut attempts short, crashes that lose outcomes, small bounds, and
// changes of order and size.
func TestBatchesKeepTheirPromisesInAnyWeather(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWeather(rt)
		order := rapid.SampledFrom([]Order{OrderNone, OrderSource}).Draw(rt, "order")
		batch := Batch{
			MaxEvents: rapid.IntRange(2, 12).Draw(rt, "max_events"),
			MaxWait:   time.Duration(rapid.IntRange(0, 1500).Draw(rt, "max_wait")) * time.Millisecond,
		}
		w.bounds.batchBytes = rapid.IntRange(0, 1500).Draw(rt, "batch bytes")
		var err error
		synctest.Test(t, func(t *testing.T) { err = w.runBatches(t, order, batch) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func (w *weather) runBatches(t *testing.T, order Order, batch Batch) error {
	dice := rand.New(rand.NewPCG(w.seed, 2))
	var mu sync.Mutex
	q := newMemQueue()
	rec := &receiver{
		delay: func(p post) time.Duration { return time.Duration(len(p.body)%5) * 100 * time.Millisecond },
		answer: func(post) (int, map[string]string, error) {
			mu.Lock()
			defer mu.Unlock()
			if dice.Float64() < w.failures {
				return http.StatusInternalServerError, nil, nil
			}
			return http.StatusNoContent, nil, nil
		},
	}
	e := testEndpoint(t, "ops")
	e.Order, e.MaxInFlight, e.Batch = order, w.inFlight, batch
	r := newRig(q, rec, e)
	r.options.bounds = w.bounds
	r.mustStart(t)
	roll := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return dice.IntN(n)
	}
	for range 1 + w.restarts {
		for range w.deliveries / (1 + w.restarts) {
			lane := fmt.Sprint("lane-", roll(w.lanes))
			if order == OrderNone {
				lane = ""
			}
			q.commit("ops", lane)
			if roll(10) == 0 {
				r.Wake()
				<-time.After(time.Duration(roll(600)) * time.Millisecond)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(roll(1500))*time.Millisecond)
		err := r.Stop(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("stop: %w", err)
		}
		if w.reappears > 1 {
			e.Batch.MaxEvents = 1 + roll(5)
			r.Apply([]Endpoint{e})
		}
		r.mustStart(t)
	}
	<-time.After(30 * 24 * time.Hour)
	r.mustStop(t)
	return checkBatches(q, rec)
}

// checkBatches holds what was posted against what was saved.
func checkBatches(q *memQueue, rec *receiver) error {
	if n := q.count(Waiting); n > 0 {
		return fmt.Errorf("%d deliveries wait for ever", n)
	}
	bodies := make(map[string]string)
	last := make(map[string]post)
	told := make(map[int64]string)
	for _, p := range rec.seen() {
		if body, ok := bodies[p.id]; ok && body != p.body {
			return fmt.Errorf("%s was posted with other members", p.id)
		}
		bodies[p.id] = p.body
		members := p.members()
		if !slices.IsSorted(members) {
			return fmt.Errorf("%s tells %v", p.id, members)
		}
		for _, position := range members {
			// What was told alone can join a batch when there are to be any.
			if prior := told[position]; strings.HasPrefix(prior, "bat_") && prior != p.id {
				return fmt.Errorf("delivery %d was told in %s, then in %s", position, prior, p.id)
			}
			told[position] = p.id
			d, _ := q.row(position)
			if batched := strings.HasPrefix(p.id, "bat_"); batched && d.Batch != p.id {
				return fmt.Errorf("delivery %d was told in %s and saved in %q", position, p.id, d.Batch)
			}
		}
		for _, position := range members {
			d, _ := q.row(position)
			if d.Lane == "" {
				continue
			}
			prior, ok := last[d.Lane]
			if before := prior.members(); ok && prior.id != p.id && before[len(before)-1] > position && slices.ContainsFunc(before, func(b int64) bool {
				other, _ := q.row(b)
				return other.Lane == d.Lane && b > position
			}) {
				return fmt.Errorf("%s: delivery %d was told after %v", d.Lane, position, before)
			}
		}
		for _, position := range members {
			d, _ := q.row(position)
			last[d.Lane] = p
		}
	}
	if len(told) != len(q.deliveries) {
		return fmt.Errorf("%d of %d deliveries were posted", len(told), len(q.deliveries))
	}
	return nil
}
