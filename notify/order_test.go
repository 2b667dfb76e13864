package notify

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestReplayLane(t *testing.T) {
	t.Parallel()
	e := &Event{Source: "shop", Subject: "7"}
	lanes := make(map[string]bool)
	for _, order := range []Order{OrderItem, OrderSource, OrderEndpoint} {
		lane := order.Lane(e)
		again := ReplayLane(lane)
		if again == lane || ReplayLane(again) != again {
			t.Errorf("%q is told again in %q, then %q", lane, again, ReplayLane(again))
		}
		lanes[lane], lanes[again] = true, true
	}
	if len(lanes) != 6 {
		t.Errorf("lanes are shared: %v", lanes)
	}
	if got := ReplayLane(OrderNone.Lane(e)); got != "" {
		t.Errorf("without an order the lane is %q", got)
	}
}

// TestEachOrderKnowsItsLanes holds the names of lanes to one order each, since
// that is how deliveries of another order are told.
func TestEachOrderKnowsItsLanes(t *testing.T) {
	t.Parallel()
	orders := []Order{OrderNone, OrderItem, OrderSource, OrderEndpoint}
	for _, e := range []Event{{Source: "shop"}, {Source: "shop", Subject: "7"}, {Source: "s", Subject: "a\x00b"}} {
		for _, made := range orders {
			for _, o := range orders {
				for _, lane := range []string{made.Lane(&e), ReplayLane(made.Lane(&e))} {
					if got := o.fits(lane); got != (o == made) {
						t.Errorf("%s takes lane %q of order %s: %v", o, lane, made, got)
					}
				}
			}
		}
	}
}

// TestRelabel goes from each order to each other one, replays in lanes of their own.
func TestRelabel(t *testing.T) {
	t.Parallel()
	orders := []Order{OrderNone, OrderItem, OrderSource, OrderEndpoint}
	then, today := Event{Source: "shop", Subject: "a\x00b"}, Event{Source: "store", Subject: "a\x00b"}
	for _, made := range orders {
		for _, o := range orders {
			for _, e := range []Event{then, today} {
				want := e
				if made == OrderNone || made == OrderEndpoint {
					want = then // these lanes do not say what the source is called today
				}
				if got := o.Relabel(made.Lane(&e), false, &then); got != o.Lane(&want) {
					t.Errorf("from %s to %s: lane %q of %q", made, o, got, e.Source)
				}
				if got := o.Relabel(ReplayLane(made.Lane(&e)), true, &then); got != ReplayLane(o.Lane(&want)) {
					t.Errorf("from %s to %s: lane %q of a replay of %q", made, o, got, e.Source)
				}
			}
		}
	}
}

// TestNoOrderLetsNoDeliveryWaitForAnother has deliveries without a lane, some of
// which fail.
func TestNoOrderLetsNoDeliveryWaitForAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		var bad []int64
		for n := range 40 {
			id := q.commit("ops", "")
			if n%4 == 0 {
				bad = append(bad, id)
			}
		}
		rec := &receiver{answer: func(p post) (int, map[string]string, error) {
			if slices.Contains(bad, p.position()) {
				return http.StatusBadRequest, nil, nil
			}
			return http.StatusNoContent, nil, nil
		}, delay: func(post) time.Duration { return 100 * time.Millisecond }}
		e := testEndpoint(t, "ops")
		e.Order, e.MaxInFlight = "", 10
		r := newRig(q, rec, e)
		r.options.bounds = bounds{lanes: 12, held: 12, perLane: 3, page: 5, rescan: time.Minute}
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(450 * time.Millisecond)
		if got := len(rec.seen()); got != 40 {
			t.Errorf("%d posts by 10 at a time, want 40 after four rounds", got)
		}
		<-time.After(time.Hour)
		if q.count(Delivered) != 30 || q.count(Dead) != 10 || len(rec.seen()) != 60 {
			t.Errorf("%d delivered, %d dead by %d posts, want 30, 10 by 60", q.count(Delivered), q.count(Dead), len(rec.seen()))
		}
	})
}

// TestChangedOrderHoldsForWhatWaits changes the order while attempts are under
// way and others wait, and commits some in the old order afterwards.
func TestChangedOrderHoldsForWhatWaits(t *testing.T) {
	t.Parallel()
	for _, from := range []Order{OrderNone, OrderItem, OrderSource, OrderEndpoint} {
		for _, to := range []Order{OrderNone, OrderItem, OrderSource, OrderEndpoint} {
			synctest.Test(t, func(t *testing.T) { changeOrder(t, from, to) })
		}
	}
}

func changeOrder(t *testing.T, from, to Order) {
	q := newMemQueue()
	events := make([]Event, 0, 24)
	commit := func(o Order) {
		for n := range 12 {
			e := Event{
				Position: int64(len(q.events) + 1), ID: "evt_" + string(rune('a'+len(events))), Type: "t", Data: []byte(`{"n":1}`),
				Source: []string{"shop", "crm"}[n%2], Subject: []string{"1", "2", "3"}[n/2%3],
			}
			q.events[e.Position] = e
			events = append(events, e)
			q.tell(e.Position, "ops", o.Lane(&e))
		}
	}
	commit(from)
	rec := &receiver{delay: func(post) time.Duration { return time.Second }}
	e := testEndpoint(t, "ops")
	e.Order = from
	r := newRig(q, rec, e)
	r.mustStart(t)
	defer r.mustStop(t)
	<-time.After(1500 * time.Millisecond)
	e.Order = to
	r.Apply([]Endpoint{e})
	synctest.Wait()
	commit(from)
	r.Wake()
	before := time.Now()
	<-time.After(time.Minute)
	if got := q.count(Delivered); got != 24 || len(rec.seen()) != 24 {
		t.Fatalf("%s to %s: %d delivered by %d posts, want 24", from, to, got, len(rec.seen()))
	}
	last := make(map[string]post)
	for _, p := range rec.seen() {
		ev := events[slices.IndexFunc(events, func(e Event) bool { return e.ID == p.id })]
		lane := to.Lane(&ev)
		prior, ok := last[lane]
		last[lane] = p
		if lane == "" || !ok || !p.at.After(before) {
			continue
		}
		if p.id < prior.id || p.at.Sub(prior.at) < time.Second {
			t.Errorf("%s to %s: %s was posted %s after %s of its lane", from, to, p.id, p.at.Sub(prior.at), prior.id)
		}
	}
}
