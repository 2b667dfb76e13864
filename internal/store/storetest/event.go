package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var eventTests = map[string]func(*testing.T, Fresh){
	"the log is read in pages":           logInPages,
	"unknown event is not found":         unknownEvent,
	"positions are never used again":     positionsNeverReused,
	"an event's time is kept in UTC":     eventTimeUTC,
	"the same event ID is refused again": repeatedID,
}

func logInPages(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}}
	for range 150 { // more than one statement writes at once
		c.Events = append(c.Events, change("orders", "ops"))
	}
	mustCommit(t, s, c)
	var after, count int64
	for {
		page := must(s.Events(t.Context(), after, 40))(t)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			count++
			equal(t, "event", e, c.Events[count-1].Event)
			equal(t, "sequence", e.Sequence, count)
			after = e.Position
		}
	}
	equal(t, "events", count, int64(150))
	equal(t, "none asked for", len(must(s.Events(t.Context(), 0, 0))(t)), 0)
	equal(t, "fewer than none", len(must(s.Events(t.Context(), 0, -1))(t)), 0)
}

func unknownEvent(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	if _, err := s.EventByID(t.Context(), "evt_none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown id: %v", err)
	}
	if _, err := s.Event(t.Context(), 1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// positionsNeverReused empties the log: a reader's cursor must not meet
// another event at a position it has passed.
func positionsNeverReused(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	src, before := seed(t, s, "orders", "ops")
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(before.Tell[0], 1)}))
	must(s.Prune(t.Context(), store.Retention{Events: epoch.AddDate(10, 0, 0)}))(t)
	noError(t, s.Close())

	s = open(t)
	c := &store.Commit{Source: src, Events: []store.Event{change("orders", "ops")}}
	mustCommit(t, s, c)
	if c.Events[0].Position <= before.Position || c.Events[0].Tell[0].ID <= before.Tell[0].ID {
		t.Errorf("position %d and delivery %d were given again", c.Events[0].Position, c.Events[0].Tell[0].ID)
	}
	equal(t, "sequence", c.Events[0].Sequence, int64(2))
}

func eventTimeUTC(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}, Events: []store.Event{change("orders")}}
	c.Events[0].Time = epoch.Add(999).In(time.FixedZone("CET", 3600))
	mustCommit(t, s, c)
	equal(t, "time", must(s.Event(t.Context(), c.Events[0].Position))(t).Time, epoch)
}

func repeatedID(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	e := change("a")
	mustCommit(t, s, &store.Commit{Source: &store.Source{Name: "a"}, Events: []store.Event{e}})
	e.Source = "b"
	if err := s.Commit(t.Context(), &store.Commit{Source: &store.Source{Name: "b"}, Events: []store.Event{e}}); err == nil {
		t.Error("an event ID was taken twice")
	}
}
