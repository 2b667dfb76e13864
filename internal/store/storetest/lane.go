package storetest

import (
	"fmt"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var laneTests = map[string]func(*testing.T, Fresh){
	"waiting deliveries change their order":         relabelWaiting,
	"lanes keep the name that a source has now":     relabelRenamed,
	"a renamed source takes lanes of items along":   renameItemLanes,
	"many waiting deliveries change their order":    relabelMany,
	"an order that does not exist relabels nothing": relabelUnknown,
}

var orders = []notify.Order{notify.OrderNone, notify.OrderItem, notify.OrderSource, notify.OrderEndpoint}

// laned is a change of an item, told to endpoints in their lanes.
func laned(source, item string, order notify.Order, endpoints ...string) store.Event {
	e := change(source, endpoints...)
	e.Subject = item
	for i := range e.Tell {
		e.Tell[i].Lane = order.Lane(&e.Event)
	}
	return e
}

// lanesOf gives the lanes of what waits, by position.
func lanesOf(tb testing.TB, s store.Store, endpoint string) map[int64]string {
	tb.Helper()
	found := map[int64]string{}
	for _, d := range must(s.Waiting(tb.Context(), endpoint, 0, 5000))(tb) {
		found[d.Position] = d.Lane
	}
	return found
}

func relabelWaiting(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	var events []store.Event
	for _, source := range []string{"orders", "näme"} {
		c := &store.Commit{Source: &store.Source{Name: source}}
		for _, order := range orders { // all mixed, as after a crash in between
			for _, item := range []string{"", "7", "ä\x00b"} {
				e, again := laned(source, item, order, "ops", "crm", "done"), laned(source, item, order, "ops", "crm", "done")
				for i, d := range again.Tell {
					again.Tell[i].Lane, again.Tell[i].Replay = notify.ReplayLane(d.Lane), true
				}
				c.Events = append(c.Events, e, again)
			}
		}
		mustCommit(t, s, c)
		events = append(events, c.Events...)
	}
	for _, e := range events {
		noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(e.Tell[2], 1)}))
	}
	other := lanesOf(t, s, "crm")
	for _, order := range append(orders, notify.OrderSource, notify.OrderNone, notify.OrderItem) {
		noError(t, s.Relabel(t.Context(), "ops", order))
		want := map[int64]string{}
		for _, e := range events {
			want[e.Position] = order.Lane(&e.Event)
			if e.Tell[0].Replay {
				want[e.Position] = notify.ReplayLane(want[e.Position])
			}
		}
		equal(t, "lanes of order "+string(order), lanesOf(t, s, "ops"), want)
		noError(t, s.Relabel(t.Context(), "done", order))
	}
	equal(t, "lanes of another endpoint", lanesOf(t, s, "crm"), other)
	equal(t, "of one lane", len(must(s.WaitingInLane(t.Context(), "ops", "orders\x007", 0, 100))(t)), 4)
	equal(t, "ended", len(waitingIDs(t, s, "done")), 0)
}

func relabelRenamed(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "old"}}
	c.Events = append(c.Events, laned("old", "7", notify.OrderSource, "ops"), laned("old", "8", notify.OrderItem, "ops"))
	mustCommit(t, s, c)
	noError(t, s.Rename(t.Context(), "old", "new"))
	noError(t, s.Relabel(t.Context(), "ops", notify.OrderItem))
	equal(t, "items", lanesOf(t, s, "ops"), map[int64]string{1: "new\x007", 2: "new\x008"})
	noError(t, s.Relabel(t.Context(), "ops", notify.OrderSource))
	equal(t, "sources", lanesOf(t, s, "ops"), map[int64]string{1: "new", 2: "new"})
}

func renameItemLanes(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	want := map[int64]string{}
	for _, name := range []string{"old", "older", "ol", "öld"} {
		c := &store.Commit{Source: &store.Source{Name: name}}
		for _, item := range []string{"", "7", "old", "ä\x00old"} {
			c.Events = append(c.Events, laned(name, item, notify.OrderItem, "ops"))
		}
		c.Events = append(c.Events, laned(name, "", notify.OrderSource, "ops"), laned(name, "", notify.OrderEndpoint, "ops"), laned(name, "", notify.OrderNone, "ops"))
		again := laned(name, "7", notify.OrderItem, "ops")
		again.Tell[0].Lane, again.Tell[0].Replay = notify.ReplayLane(again.Tell[0].Lane), true
		c.Events = append(c.Events, again)
		mustCommit(t, s, c)
		for _, e := range c.Events {
			want[e.Position] = e.Tell[0].Lane
		}
	}
	rename := func(from, to string) {
		t.Helper()
		noError(t, s.Rename(t.Context(), from, to))
		for position, lane := range want {
			for _, end := range []string{"", "\x00", "\x007", "\x00old", "\x00ä\x00old"} {
				switch lane {
				case from + end:
					want[position] = to + end
				case notify.ReplayLane(from + end):
					want[position] = notify.ReplayLane(to + end)
				}
			}
		}
		equal(t, fmt.Sprintf("lanes after %s became %s", from, to), lanesOf(t, s, "ops"), want)
	}
	rename("old", "new")
	rename("new", "nëwest") // the log still says old
	rename("öld", "o")
}

func relabelMany(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}}
	for n := range 2500 {
		c.Events = append(c.Events, laned("orders", fmt.Sprint(n), notify.OrderNone, "ops"))
	}
	mustCommit(t, s, c)
	noError(t, s.Relabel(t.Context(), "ops", notify.OrderSource))
	equal(t, "in the lane", len(must(s.WaitingInLane(t.Context(), "ops", "orders", 0, 5000))(t)), 2500)
}

func relabelUnknown(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	seed(t, s, "orders", "ops")
	if err := s.Relabel(t.Context(), "ops", "random"); err == nil {
		t.Error("an order that does not exist was accepted")
	}
	equal(t, "lanes", lanesOf(t, s, "ops"), map[int64]string{1: "orders"})
}
