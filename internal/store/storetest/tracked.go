package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var trackedTests = map[string]func(*testing.T, Fresh){
	"deliveries are listed, the newest first": deliveriesListed,
	"a delivery is shown with its attempts":   deliveryShown,
	"depths count what waits and is dead":     depthsCounted,
	"a rare delivery is found far back":       rareDelivery,
}

// track commits events for the endpoints and ends the deliveries of the second
// one: every third of them by turns delivered, dead and waiting.
func track(tb testing.TB, s store.Store, n int) []store.Event {
	tb.Helper()
	c := &store.Commit{}
	for range n {
		c.Events = append(c.Events, alert("orders", "ops", "crm"))
	}
	mustCommit(tb, s, c)
	var outcomes []notify.Outcome
	for i := range c.Events {
		if state := stateAt(i); state != notify.Waiting {
			o := outcomeOf(c.Events[i].Tell[1], 1)
			o.State = state
			outcomes = append(outcomes, o)
		}
	}
	noError(tb, s.Record(tb.Context(), outcomes))
	return c.Events
}

func stateAt(i int) notify.State {
	return []notify.State{notify.Delivered, notify.Dead, notify.Waiting}[i%3]
}

func deliveriesListed(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	equal(t, "none", must(s.Deliveries(t.Context(), store.DeliveryQuery{Limit: 5}))(t), store.DeliveryPage{})
	events := track(t, s, 30)
	for _, q := range []store.DeliveryQuery{
		{},
		{Endpoint: "ops"},
		{Endpoint: "nobody"},
		{State: notify.Waiting},
		{State: notify.Dead},
		{State: notify.Delivered},
		{State: notify.Superseded},
		{State: notify.Waiting, Endpoint: "crm"},
		{State: notify.Dead, Endpoint: "crm"},
		{State: notify.Dead, Endpoint: "ops"},
		{State: notify.Delivered, Endpoint: "crm"},
		{Event: events[3].ID},
		{Event: events[4].ID, State: notify.Dead},
		{Event: events[4].ID, Endpoint: "ops"},
		{Event: events[3].ID, Endpoint: "crm", State: notify.Waiting},
		{Event: "evt_unknown"},
	} {
		var want []int64
		for i := range events {
			for n, d := range events[i].Tell {
				state := notify.Waiting
				if n == 1 {
					state = stateAt(i)
				}
				if (q.State == "" || q.State == state) && (q.Endpoint == "" || q.Endpoint == d.Endpoint) && (q.Event == "" || q.Event == events[i].ID) {
					want = append(want, d.ID)
				}
			}
		}
		slices.Reverse(want)
		for _, q.Limit = range []int{1, 7, 30, 100} {
			var got []int64
			for q.Before = 0; ; {
				page := must(s.Deliveries(t.Context(), q))(t)
				if len(page.Deliveries) > q.Limit {
					t.Fatalf("%d of %d", len(page.Deliveries), q.Limit)
				}
				for i := range page.Deliveries {
					got = append(got, page.Deliveries[i].ID)
				}
				if q.Before = page.Next; q.Before == 0 {
					break
				}
			}
			equal(t, "deliveries", got, want)
		}
	}
	equal(t, "none asked for", must(s.Deliveries(t.Context(), store.DeliveryQuery{}))(t), store.DeliveryPage{})
}

func deliveryShown(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, event := seed(t, s, "orders", "ops")
	told := event.Tell[0]
	fresher, attempts, err := s.Delivery(t.Context(), told.ID)
	noError(t, err)
	if fresher.CreatedAt.IsZero() {
		t.Error("no time of creation")
	}
	want := store.TrackedDelivery{
		Delivery: told, State: notify.Waiting, EventID: event.ID, EventType: event.Type, Source: "orders", Subject: "7",
		CreatedAt: fresher.CreatedAt,
	}
	equal(t, "delivery", fresher, want)
	equal(t, "attempts", len(attempts), 0)

	first := notify.Attempt{Number: 1, At: epoch, Duration: 1500 * time.Microsecond, Status: 500, Error: "500", Response: []byte("oops")}
	second := notify.Attempt{Number: 2, At: epoch.Add(time.Second), Error: "timeout"}
	due := epoch.Add(time.Minute)
	for i, a := range []notify.Attempt{first, second} {
		noError(t, s.Record(t.Context(), []notify.Outcome{
			{Delivery: told.ID, Attempt: a, State: notify.Waiting, Attempts: i + 1, NotBefore: due},
		}))
	}
	want.Posts, want.Attempts, want.NotBefore, want.Last = 2, 2, due, second
	tried, attempts, err := s.Delivery(t.Context(), told.ID)
	noError(t, err)
	equal(t, "delivery", tried, want)
	equal(t, "attempts", attempts, []notify.Attempt{first, second})
	equal(t, "list", must(s.Deliveries(t.Context(), store.DeliveryQuery{Limit: 5}))(t).Deliveries, []store.TrackedDelivery{want})

	if _, _, err := s.Delivery(t.Context(), told.ID+1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown delivery: %v", err)
	}
}

func depthsCounted(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	equal(t, "no depths", len(must(s.Depths(t.Context()))(t)), 0)
	track(t, s, 7)
	got := must(s.Depths(t.Context()))(t)
	for i := range got {
		if got[i].Oldest.IsZero() != (got[i].Waiting == 0) {
			t.Errorf("oldest of %s is of %s", got[i].Endpoint, got[i].Oldest)
		}
		got[i].Oldest = time.Time{}
	}
	equal(t, "depths", got, []store.Depth{{Endpoint: "crm", Waiting: 2, Dead: 2}, {Endpoint: "ops", Waiting: 7}})
	// One of which everything is dead.
	c := &store.Commit{Events: []store.Event{alert("orders", "abc")}}
	mustCommit(t, s, c)
	o := outcomeOf(c.Events[0].Tell[0], 1)
	o.State = notify.Dead
	noError(t, s.Record(t.Context(), []notify.Outcome{o}))
	equal(t, "dead only", must(s.Depths(t.Context()))(t)[0], store.Depth{Endpoint: "abc", Dead: 1})
}

// rareDelivery lies behind more deliveries than one read looks at.
func rareDelivery(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Events: []store.Event{alert("orders", "rare")}}
	for range 2500 {
		c.Events = append(c.Events, alert("orders", "ops"))
	}
	mustCommit(t, s, c)
	q := store.DeliveryQuery{Endpoint: "rare", Limit: 5}
	page := must(s.Deliveries(t.Context(), q))(t)
	if len(page.Deliveries) > 0 || page.Next == 0 {
		t.Errorf("%d found, next %d", len(page.Deliveries), page.Next)
	}
	q.Before = page.Next
	page = must(s.Deliveries(t.Context(), q))(t)
	if len(page.Deliveries) != 1 || page.Next != 0 {
		t.Errorf("%d found, next %d", len(page.Deliveries), page.Next)
	}
}
