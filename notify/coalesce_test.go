package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// commitKeyed adds a delivery of which only the latest of its key is to be told.
func (q *memQueue) commitKeyed(endpoint, lane, key string) int64 {
	id := q.commit(endpoint, lane)
	q.set(id, func(d *Delivery) { d.Key = key })
	return id
}

func TestOnlyTheLatestOfAKeyIsPosted(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{OrderNone, OrderSource} {
		synctest.Test(t, func(t *testing.T) {
			q := newMemQueue()
			lane := map[Order]string{OrderSource: "shop"}[order]
			for n := range 600 {
				q.commitKeyed("ops", lane, []string{"a", "b", "c"}[n%3])
			}
			free := q.commit("ops", lane)
			rec := &receiver{}
			e := testEndpoint(t, "ops")
			e.Order = order
			r := newRig(q, rec, e)
			r.mustStart(t)
			synctest.Wait()
			r.mustStop(t)
			// A page may be posted from before the next one is read, but no more.
			if got := len(rec.seen()); got > 8 || q.count(Waiting) != 0 || q.count(Superseded)+got != 601 {
				t.Errorf("%s: %d posts, %d superseded, %d wait", order, got, q.count(Superseded), q.count(Waiting))
			}
			for _, id := range []int64{598, 599, 600, free} {
				if _, state := q.row(id); state != Delivered {
					t.Errorf("%s: delivery %d is %s", order, id, state)
				}
			}
			for _, o := range q.outcomesOf(1) {
				if o.State != Superseded || o.Attempt.Number != 0 {
					t.Errorf("%s: the first one: %+v", order, o)
				}
			}
		})
	}
}

// TestWhatWasPostedIsNotSuperseded has a delivery that failed, a replay, and one
// that waits behind them, each with a later one of its key.
func TestWhatWasPostedIsNotSuperseded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		failed := q.commitKeyed("ops", "shop", "a")
		again := q.commitKeyed("ops", "shop", "a")
		q.set(again, func(d *Delivery) { d.Replay = true })
		stale := q.commitKeyed("ops", "shop", "a")
		fail := true
		rec := &receiver{answer: func(post) (int, map[string]string, error) {
			if fail {
				return http.StatusInternalServerError, nil, nil
			}
			return http.StatusNoContent, nil, nil
		}}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		q.set(stale, func(d *Delivery) { d.Key = "b" })
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		fail = false
		latest := q.commitKeyed("ops", "shop", "a")
		newest := q.commitKeyed("ops", "shop", "b")
		r.Wake()
		<-time.After(time.Minute)
		if got, want := rec.positions(), []int64{failed, failed, again, latest, newest}; !slices.Equal(got, want) {
			t.Errorf("posted %v, want %v", got, want)
		}
		if _, state := q.row(stale); state != Superseded {
			t.Errorf("the one behind is %s", state)
		}
		if !strings.Contains(r.logs.String(), "superseded") {
			t.Error("nothing is logged")
		}
	})
}

// TestSupersededUseUpNoRate has many superseded deliveries under a tight limit.
func TestSupersededUseUpNoRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		for range 2000 {
			q.commitKeyed("ops", "shop", "a")
		}
		e := testEndpoint(t, "ops")
		e.RateLimit = RateLimit{Requests: 1, Per: time.Hour}
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Minute)
		if got := q.count(Superseded); got != 1999 || q.count(Delivered) != 1 {
			t.Errorf("%d superseded, %d delivered, want all but the latest", got, q.count(Delivered))
		}
	})
}

func TestUnreadableKeysAreTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		e := testEndpoint(t, "ops")
		e.RateLimit = RateLimit{Requests: 1, Per: time.Minute}
		q.commit("ops", "shop")
		first, second := q.commitKeyed("ops", "shop", "a"), q.commitKeyed("ops", "shop", "a")
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		q.fail(func() { q.readErr = errors.New("database is locked") })
		<-time.After(2 * time.Minute)
		if got := len(rec.seen()); got != 1 {
			t.Errorf("%d posts without knowing what is superseded", got)
		}
		q.fail(func() { q.readErr = nil })
		<-time.After(2 * time.Minute)
		if _, state := q.row(first); state != Superseded {
			t.Errorf("the first is %s", state)
		}
		if _, state := q.row(second); state != Delivered {
			t.Errorf("the second is %s", state)
		}
	})
}

// TestNothingIsSupersededWrongly drives deliveries with and without keys through
// failures, crashes and small bounds.
func TestNothingIsSupersededWrongly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWeather(rt)
		order := rapid.SampledFrom([]Order{OrderNone, OrderSource}).Draw(rt, "order")
		keys := rapid.IntRange(1, 8).Draw(rt, "keys")
		var err error
		synctest.Test(t, func(t *testing.T) { err = w.coalesce(t, order, keys) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func (w *weather) coalesce(t *testing.T, order Order, keys int) error {
	dice := rand.New(rand.NewPCG(w.seed, 1))
	q := newMemQueue()
	q.recordDelay = w.recordDelay
	rec := &receiver{
		delay: func(p post) time.Duration { return time.Duration(p.position()%7) * 50 * time.Millisecond },
		answer: func(p post) (int, map[string]string, error) {
			if float64((p.position()*31+int64(p.number)*17)%100)/100 < w.failures {
				return http.StatusInternalServerError, nil, nil
			}
			return http.StatusNoContent, nil, nil
		},
	}
	e := testEndpoint(t, "ops")
	e.Order, e.MaxInFlight = order, w.inFlight
	r := newRig(q, rec, e)
	r.options.bounds = w.bounds
	r.mustStart(t)
	for range 1 + w.restarts {
		for range w.deliveries / (1 + w.restarts) {
			lane := fmt.Sprint("lane-", dice.IntN(w.lanes))
			if order == OrderNone {
				lane = ""
			}
			id := q.commit("ops", lane)
			if k := dice.IntN(keys + 1); k > 0 {
				q.set(id, func(d *Delivery) { d.Key, d.Replay = fmt.Sprint("key-", k), dice.IntN(9) == 0 })
			}
			if dice.IntN(10) == 0 {
				r.Wake()
				<-time.After(time.Duration(dice.IntN(400)) * time.Millisecond)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(dice.IntN(2000))*time.Millisecond)
		err := r.Stop(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("stop: %w", err)
		}
		r.mustStart(t)
	}
	<-time.After(30 * 24 * time.Hour)
	r.mustStop(t)
	return checkCoalesced(q, rec)
}

// checkCoalesced holds what became of deliveries against what may supersede them.
func checkCoalesced(q *memQueue, rec *receiver) error {
	posted := make(map[int64]int)
	for _, p := range rec.seen() {
		posted[p.position()]++
	}
	for i := range q.deliveries {
		d := &q.deliveries[i]
		later := slices.ContainsFunc(q.deliveries[i+1:], func(l Delivery) bool { return l.Key == d.Key && !l.Replay })
		switch state := q.state[d.ID]; {
		case state == Waiting:
			return fmt.Errorf("delivery %d still waits", d.ID)
		case state != Superseded:
		case d.Key == "" || d.Replay || !later:
			return fmt.Errorf("delivery %d of key %q was superseded", d.ID, d.Key)
		case d.Posts > 0:
			return fmt.Errorf("delivery %d was superseded after %d posts", d.ID, d.Posts)
		}
		if q.state[d.ID] == Delivered && posted[d.ID] == 0 {
			return fmt.Errorf("delivery %d was never posted", d.ID)
		}
	}
	return nil
}
