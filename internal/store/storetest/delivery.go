package storetest

import (
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var deliveryTests = map[string]func(*testing.T, Fresh){
	"waiting deliveries are read in pages": waitingInPages,
	"lanes are read apart":                 lanesApart,
	"replays are marked":                   replaysAreMarked,
	"none waits for an unknown endpoint":   noneWaits,
}

func waitingInPages(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}}
	for range 100 {
		c.Events = append(c.Events, change("orders", "ops", "crm"))
	}
	mustCommit(t, s, c)
	for endpoint, place := range map[string]int{"ops": 0, "crm": 1} {
		var got, want []notify.Delivery
		for _, e := range c.Events {
			want = append(want, e.Tell[place])
		}
		var after int64
		for {
			page := must(s.Waiting(t.Context(), endpoint, after, 7))(t)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = page[len(page)-1].ID
		}
		equal(t, "deliveries of "+endpoint, got, want)
	}
	equal(t, "none asked for", len(must(s.Waiting(t.Context(), "ops", 0, 0))(t)), 0)
}

func lanesApart(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}}
	lanes := map[string][]notify.Delivery{}
	for n := range 90 {
		e := change("orders", "ops")
		e.Tell[0].Lane = string(rune('a' + n%3))
		c.Events = append(c.Events, e)
	}
	mustCommit(t, s, c)
	for _, e := range c.Events {
		lanes[e.Tell[0].Lane] = append(lanes[e.Tell[0].Lane], e.Tell[0])
	}
	for lane, want := range lanes {
		equal(t, "lane "+lane, must(s.WaitingInLane(t.Context(), "ops", lane, 0, 100))(t), want)
		equal(t, "rest of lane "+lane, must(s.WaitingInLane(t.Context(), "ops", lane, want[9].ID, 5))(t), want[10:15])
	}
	equal(t, "unknown lane", len(must(s.WaitingInLane(t.Context(), "ops", "d", 0, 100))(t)), 0)
	equal(t, "lane of another endpoint", len(must(s.WaitingInLane(t.Context(), "crm", "a", 0, 100))(t)), 0)
}

func replaysAreMarked(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	e := change("orders", "ops")
	e.Tell[0].Replay = true
	mustCommit(t, s, &store.Commit{Source: &store.Source{Name: "orders"}, Events: []store.Event{e, change("orders", "ops")}})
	found := must(s.Waiting(t.Context(), "ops", 0, 10))(t)
	equal(t, "replays", []bool{found[0].Replay, found[1].Replay}, []bool{true, false})
}

func noneWaits(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	seed(t, s, "orders", "ops")
	equal(t, "deliveries", len(waitingIDs(t, s, "crm")), 0)
}
