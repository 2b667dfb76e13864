package storetest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var outcomeTests = map[string]func(*testing.T, Fresh){
	"a delivered delivery waits no more":          deliveredWaitsNoMore,
	"a dead delivery waits no more":               deadWaitsNoMore,
	"a failed attempt waits on":                   failedWaitsOn,
	"what waits can be made due at once":          hastens,
	"many outcomes at once":                       manyOutcomes,
	"outcomes that are alike keep exceptions":     alikeOutcomes,
	"an outcome of nothing is dropped":            outcomeOfNothing,
	"an outcome recorded twice counts once":       outcomeTwice,
	"an end stays, but dead can become delivered": endStays,
}

// outcomeOf is a delivery's success at its nth POST.
func outcomeOf(d notify.Delivery, n int) notify.Outcome {
	return notify.Outcome{
		Delivery: d.ID, State: notify.Delivered, Attempts: n,
		Attempt: notify.Attempt{Number: n, At: epoch, Duration: 3 * time.Millisecond, Status: 204},
	}
}

func deliveredWaitsNoMore(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, e := seed(t, s, "orders", "ops", "crm")
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(e.Tell[0], 1)}))
	equal(t, "ops", len(waitingIDs(t, s, "ops")), 0)
	equal(t, "lane", len(must(s.WaitingInLane(t.Context(), "ops", "orders", 0, 10))(t)), 0)
	equal(t, "crm", waitingIDs(t, s, "crm"), []int64{e.Tell[1].ID})
}

func deadWaitsNoMore(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, e := seed(t, s, "orders", "ops")
	o := outcomeOf(e.Tell[0], 9)
	o.State, o.Attempt.Status, o.Attempt.Error = notify.Dead, 500, "status 500"
	noError(t, s.Record(t.Context(), []notify.Outcome{o}))
	equal(t, "ops", len(waitingIDs(t, s, "ops")), 0)
}

func failedWaitsOn(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	_, e := seed(t, s, "orders", "ops")
	want := e.Tell[0]
	equal(t, "new", must(s.Waiting(t.Context(), "ops", 0, 10))(t), []notify.Delivery{want})
	for n, attempts := range []int{1, 1, 2} { // the second used up no attempt
		o := notify.Outcome{
			Delivery: want.ID, State: notify.Waiting, Attempts: attempts, NotBefore: epoch.Add(time.Duration(n) * time.Minute),
			Attempt: notify.Attempt{Number: n + 1, At: epoch, Status: 503, Error: "status 503", Response: bytes.Repeat([]byte("busy "), 3000)},
		}
		noError(t, s.Record(t.Context(), []notify.Outcome{o}))
		want.Posts, want.Attempts, want.NotBefore = n+1, attempts, o.NotBefore
		equal(t, "after a failure", must(s.Waiting(t.Context(), "ops", 0, 10))(t), []notify.Delivery{want})
	}
	noError(t, s.Close())
	equal(t, "after a restart", must(open(t).Waiting(t.Context(), "ops", 0, 10))(t), []notify.Delivery{want})
}

func hastens(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, e := seed(t, s, "orders", "ops", "crm")
	failed := outcomeOf(e.Tell[0], 1)
	failed.State, failed.NotBefore = notify.Waiting, epoch.Add(time.Hour)
	noError(t, s.Record(t.Context(), []notify.Outcome{failed, outcomeOf(e.Tell[1], 1)}))
	want := e.Tell[0]
	want.Posts, want.Attempts = 1, 1
	equal(t, "hastened", must(s.Hasten(t.Context(), "ops", want.ID))(t), want)
	equal(t, "waiting", must(s.Waiting(t.Context(), "ops", 0, 10))(t), []notify.Delivery{want})
	for endpoint, id := range map[string]int64{"ops": e.Tell[1].ID, "crm": e.Tell[1].ID, "": want.ID, "nobody": 1000} {
		if _, err := s.Hasten(t.Context(), endpoint, id); !errors.Is(err, notify.ErrNotWaiting) {
			t.Errorf("%d of %q: got %v, want ErrNotWaiting", id, endpoint, err)
		}
	}
}

func manyOutcomes(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}}
	for range 200 {
		c.Events = append(c.Events, change("orders", "ops"))
	}
	mustCommit(t, s, c)
	var outcomes []notify.Outcome
	var left []int64
	for n, e := range c.Events {
		o := outcomeOf(e.Tell[0], 1)
		if n%3 == 0 {
			o.State = notify.Waiting
			left = append(left, o.Delivery)
		}
		outcomes = append(outcomes, o)
	}
	noError(t, s.Record(t.Context(), outcomes))
	equal(t, "left", waitingIDs(t, s, "ops"), left)
	noError(t, s.Record(t.Context(), nil))
}

// alikeOutcomes has among many that were delivered one that is dead, one that is
// gone and one that is there twice.
func alikeOutcomes(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}}
	for range 600 {
		c.Events = append(c.Events, change("orders", "ops"))
	}
	mustCommit(t, s, c)
	dead := outcomeOf(c.Events[100].Tell[0], 1)
	dead.State = notify.Dead
	noError(t, s.Record(t.Context(), []notify.Outcome{dead}))
	var outcomes []notify.Outcome
	for _, e := range c.Events[:550] {
		outcomes = append(outcomes, outcomeOf(e.Tell[0], 1))
	}
	gone := outcomeOf(notify.Delivery{ID: c.Events[599].Tell[0].ID + 100}, 1)
	outcomes = append(outcomes, gone, outcomes[540])
	noError(t, s.Record(t.Context(), outcomes))
	equal(t, "left", len(waitingIDs(t, s, "ops")), 50)
	noError(t, s.Record(t.Context(), outcomes))
	noError(t, s.Record(t.Context(), []notify.Outcome{dead})) // a delivered one stays so
	equal(t, "left still", len(waitingIDs(t, s, "ops")), 50)
}

func outcomeOfNothing(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, e := seed(t, s, "orders", "ops")
	gone := outcomeOf(notify.Delivery{ID: e.Tell[0].ID + 100}, 1)
	noError(t, s.Record(t.Context(), []notify.Outcome{gone, outcomeOf(e.Tell[0], 1)}))
	equal(t, "the other one", len(waitingIDs(t, s, "ops")), 0)
}

func outcomeTwice(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, e := seed(t, s, "orders", "ops")
	o := outcomeOf(e.Tell[0], 1)
	o.State = notify.Waiting
	noError(t, s.Record(t.Context(), []notify.Outcome{o}))
	noError(t, s.Record(t.Context(), []notify.Outcome{o, o}))
	equal(t, "posts", must(s.Waiting(t.Context(), "ops", 0, 10))(t)[0].Posts, 1)
}

func endStays(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, e := seed(t, s, "orders", "ops")
	record := func(n int, state notify.State) {
		t.Helper()
		o := outcomeOf(e.Tell[0], n)
		o.State = state
		noError(t, s.Record(t.Context(), []notify.Outcome{o}))
		equal(t, "waiting after "+string(state), len(waitingIDs(t, s, "ops")), 0)
	}
	record(1, notify.Dead)
	record(2, notify.Waiting)
	record(3, notify.Delivered)
	record(4, notify.Waiting)
}
