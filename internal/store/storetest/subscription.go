package storetest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var subscriptionTests = map[string]func(*testing.T, Fresh){
	"subscriptions are kept":                              subscriptionsAreKept,
	"a subscription is added once":                        subscriptionOnce,
	"the end of a subscription ends what waits for it":    subscriptionEnds,
	"the end of a subscription may come twice":            subscriptionEndsTwice,
	"the end of a subscription works through batches":     subscriptionEndsInBatches,
	"the end of a subscription ends its replays":          subscriptionEndsReplays,
	"endpoints are found by a prefix":                     endpointNames,
	"a subscription follows a source to its new name":     subscriptionFollows,
	"a dead delivery of an ended subscription can arrive": subscriptionArrives,
}

func subscription(id string) store.Subscription {
	return store.Subscription{
		ID: id, Sealed: []byte{1, 0, 255}, Sources: []string{"orders", "a \"b\""}, Events: []string{"shop.*"},
		Filter: `item.total > 7 && key != "é"`, CreatedAt: epoch,
	}
}

func subscriptionsAreKept(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	equal(t, "before the first", len(must(s.Subscriptions(t.Context()))(t)), 0)
	two, one := subscription("sub_2"), store.Subscription{ID: "sub_1", Sealed: []byte("x"), CreatedAt: epoch.Add(time.Hour)}
	lent := subscription("sub_2")
	noError(t, s.AddSubscription(t.Context(), lent))
	clear(lent.Sealed)
	clear(lent.Sources)
	noError(t, s.AddSubscription(t.Context(), one))
	equal(t, "subscriptions", must(s.Subscriptions(t.Context()))(t), []store.Subscription{one, two})
	noError(t, s.Close())
	equal(t, "after a restart", must(open(t).Subscriptions(t.Context()))(t), []store.Subscription{one, two})
}

func subscriptionOnce(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	first := subscription("sub_1")
	noError(t, s.AddSubscription(t.Context(), first))
	if err := s.AddSubscription(t.Context(), store.Subscription{ID: "sub_1", Sealed: []byte("other")}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	equal(t, "subscriptions", must(s.Subscriptions(t.Context()))(t), []store.Subscription{first})
}

func subscriptionEnds(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	for _, id := range []string{"sub_1", "sub_2"} {
		noError(t, s.AddSubscription(t.Context(), subscription(id)))
		noError(t, s.SaveEndpointState(t.Context(), notify.EndpointState{Name: id, Disabled: true, Reason: "410", Since: epoch}))
	}
	var told []store.Event
	src := &store.Source{Name: "orders"}
	for range 3 {
		c := &store.Commit{Source: src, Events: []store.Event{change("orders", "sub_1", "sub_2", "ops")}}
		mustCommit(t, s, c)
		told = append(told, c.Events...)
	}
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(told[0].Tell[0], 1)}))

	equal(t, "dead", must(s.EndSubscription(t.Context(), "sub_1"))(t), int64(2))
	noError(t, s.Close())
	s = open(t)
	equal(t, "subscriptions", must(s.Subscriptions(t.Context()))(t), []store.Subscription{subscription("sub_2")})
	states := must(s.EndpointStates(t.Context()))(t)
	equal(t, "states", len(states), 1)
	equal(t, "state", states[0].Name, "sub_2")
	equal(t, "waiting", len(waitingIDs(t, s, "sub_1")), 0)
	equal(t, "waiting for another", len(waitingIDs(t, s, "sub_2")), 3)
	equal(t, "waiting for an endpoint", len(waitingIDs(t, s, "ops")), 3)
	equal(t, "log", len(must(s.Events(t.Context(), 0, 10))(t)), 3)
}

func subscriptionEndsTwice(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	equal(t, "one that never was", must(s.EndSubscription(t.Context(), "sub_1"))(t), int64(0))
	noError(t, s.AddSubscription(t.Context(), subscription("sub_1")))
	_, _ = seed(t, s, "orders", "sub_1")
	equal(t, "first", must(s.EndSubscription(t.Context(), "sub_1"))(t), int64(1))
	equal(t, "second", must(s.EndSubscription(t.Context(), "sub_1"))(t), int64(0))
	// What was observed before the end may be committed after it.
	_, _ = seed(t, s, "late", "sub_1")
	equal(t, "late", must(s.EndSubscription(t.Context(), "sub_1"))(t), int64(1))
	equal(t, "waiting", len(waitingIDs(t, s, "sub_1")), 0)
}

func subscriptionEndsInBatches(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}}
	for range 2345 {
		c.Events = append(c.Events, change("orders", "sub_1"))
	}
	mustCommit(t, s, c)
	equal(t, "dead", must(s.EndSubscription(t.Context(), "sub_1"))(t), int64(len(c.Events)))
	equal(t, "waiting", len(waitingIDs(t, s, "sub_1")), 0)
}

func subscriptionEndsReplays(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, _ = seed(t, s, "orders", "ops")
	begin(t, s, newcomer("sub_1"))
	r, other := replayTo("sub_1"), replayTo("sub_2")
	other.ID = r.ID
	noError(t, s.AddReplays(t.Context(), []store.Replay{r, other}))
	open := must(s.OpenReplays(t.Context()))(t)
	equal(t, "dead", must(s.EndSubscription(t.Context(), "sub_1"))(t), int64(0))
	left := must(s.OpenReplays(t.Context()))(t)
	equal(t, "left", len(left), 1)
	equal(t, "endpoint", left[0].Endpoint, "sub_2")
	for i := range open {
		if open[i].Endpoint == "sub_1" && !errors.Is(s.AdvanceReplay(t.Context(), &open[i], store.ReplayStep{End: true}), store.ErrConflict) {
			t.Errorf("a replay went on: %+v", open[i])
		}
	}
}

func endpointNames(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	equal(t, "none", len(must(s.EndpointNames(t.Context(), "sub_"))(t)), 0)
	_, told := seed(t, s, "orders", "ops", "sub", "sub_", "sub_3", "sub_1", "sub_é", "sub`", "Sub_1", "sua")
	noError(t, s.SaveEndpointState(t.Context(), notify.EndpointState{Name: "sub_2"}))
	noError(t, s.SaveEndpointState(t.Context(), notify.EndpointState{Name: "sub_3"}))
	noError(t, s.SaveEndpointState(t.Context(), notify.EndpointState{Name: "t"}))
	equal(t, "names", must(s.EndpointNames(t.Context(), "sub_"))(t), []string{"sub_", "sub_1", "sub_2", "sub_3", "sub_é"})
	for _, d := range told.Tell {
		noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(d, 1)}))
	}
	equal(t, "names of which nothing waits", must(s.EndpointNames(t.Context(), "sub_"))(t), []string{"sub_2", "sub_3"})
}

func subscriptionFollows(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	fill(t, s, "orders")
	all := store.Subscription{ID: "sub_1", Sealed: []byte("x"), CreatedAt: epoch}
	two := subscription("sub_2")
	other := subscription("sub_3")
	other.Sources = []string{"orders2"}
	for _, sub := range []store.Subscription{all, two, other} {
		noError(t, s.AddSubscription(t.Context(), sub))
	}
	noError(t, s.Rename(t.Context(), "orders", "sales"))
	two.Sources = []string{"sales", "a \"b\""}
	equal(t, "subscriptions", must(s.Subscriptions(t.Context()))(t), []store.Subscription{all, two, other})
}

func subscriptionArrives(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	noError(t, s.AddSubscription(t.Context(), subscription("sub_1")))
	_, e := seed(t, s, "orders", "sub_1")
	equal(t, "dead", must(s.EndSubscription(t.Context(), "sub_1"))(t), int64(1))
	// Its attempt was under way.
	failed := outcomeOf(e.Tell[0], 1)
	failed.State, failed.Attempt.Response = notify.Waiting, bytes.Repeat([]byte("x"), 10)
	noError(t, s.Record(t.Context(), []notify.Outcome{failed, outcomeOf(e.Tell[0], 2)}))
	equal(t, "waiting", len(waitingIDs(t, s, "sub_1")), 0)
}
