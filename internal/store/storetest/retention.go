package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var retentionTests = map[string]func(*testing.T, Fresh){
	"retention removes old events":                removesOldEvents,
	"retention keeps what a waiting one needs":    keepsWhatWaits,
	"retention takes finished deliveries along":   takesFinishedAlong,
	"retention ends what has waited too long":     endsOldWaiting,
	"retention keeps what has just died":          keepsFreshlyDead,
	"retention of nothing removes nothing":        removesNothing,
	"what is overdue is known by endpoint":        overdue,
	"of what is overdue was told":                 overdueTold,
	"retention works through more than one batch": manyBatches,
}

var future = epoch.AddDate(100, 0, 0)

func removesOldEvents(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}}
	// The clock jumped: an old time stands behind a young one.
	for _, hours := range []int{0, 5, 1, 6, 5, 4} {
		e := change("orders")
		e.Time = epoch.Add(time.Duration(hours) * time.Hour)
		c.Events = append(c.Events, e)
	}
	mustCommit(t, s, c)
	done := must(s.Prune(t.Context(), store.Retention{Events: epoch.Add(5 * time.Hour)}))(t)
	equal(t, "done", done, store.Pruned{Events: 3})
	equal(t, "left", must(s.Events(t.Context(), 0, 10))(t),
		[]notify.Event{c.Events[1].Event, c.Events[3].Event, c.Events[4].Event})
}

func keepsWhatWaits(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, e := seed(t, s, "orders", "ops", "crm")
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(e.Tell[1], 1)}))
	for range 2 {
		equal(t, "done", must(s.Prune(t.Context(), store.Retention{Events: future}))(t), store.Pruned{})
		equal(t, "event", must(s.Event(t.Context(), e.Position))(t), e.Event)
		equal(t, "waiting", waitingIDs(t, s, "ops"), []int64{e.Tell[0].ID})
	}
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(e.Tell[0], 1)}))
	equal(t, "done at last", must(s.Prune(t.Context(), store.Retention{Events: future}))(t), store.Pruned{Events: 1, Deliveries: 2})
}

func takesFinishedAlong(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, e := seed(t, s, "orders", "ops")
	failed := outcomeOf(e.Tell[0], 1)
	failed.State = notify.Waiting
	noError(t, s.Record(t.Context(), []notify.Outcome{failed}))
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(e.Tell[0], 2)}))
	equal(t, "done", must(s.Prune(t.Context(), store.Retention{Events: future}))(t), store.Pruned{Events: 1, Deliveries: 1})
	if _, err := s.Event(t.Context(), e.Position); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("event: got %v, want ErrNotFound", err)
	}
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(e.Tell[0], 3)})) // it was under way
	equal(t, "waiting", len(waitingIDs(t, s, "ops")), 0)
}

func endsOldWaiting(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, e := seed(t, s, "orders", "ops", "crm")
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(e.Tell[1], 1)}))
	equal(t, "too young", must(s.Prune(t.Context(), store.Retention{Waiting: time.Now().Add(-time.Hour)}))(t), store.Pruned{})
	done := must(s.Prune(t.Context(), store.Retention{Waiting: future}))(t)
	equal(t, "done", done, store.Pruned{Expired: 1})
	equal(t, "waiting", len(waitingIDs(t, s, "ops")), 0)
	equal(t, "event", must(s.Event(t.Context(), e.Position))(t), e.Event)
	equal(t, "again", must(s.Prune(t.Context(), store.Retention{Waiting: future}))(t), store.Pruned{})
}

// keepsFreshlyDead: a delivery that waited for months is there to be seen, and to
// be told again, for as long as an event is, though its event is older.
func keepsFreshlyDead(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	_, e := seed(t, s, "orders", "ops", "crm", "log")
	died := outcomeOf(e.Tell[1], 9)
	died.State, died.NotBefore = notify.Dead, epoch.Add(time.Hour)
	noError(t, s.Record(t.Context(), []notify.Outcome{died, outcomeOf(e.Tell[2], 1)}))
	before := store.Retention{Events: time.Now().Add(-time.Minute), Waiting: future}
	// Of the log what was delivered goes, of crm what was dead for long.
	equal(t, "expired", must(s.Prune(t.Context(), before))(t), store.Pruned{Expired: 1, Deliveries: 2})
	equal(t, "event", must(s.Event(t.Context(), e.Position))(t), e.Event)
	equal(t, "again", must(s.Prune(t.Context(), before))(t), store.Pruned{})
	later := store.Retention{Events: time.Now().Add(time.Minute)}
	equal(t, "later", must(s.Prune(t.Context(), later))(t), store.Pruned{Events: 1, Deliveries: 1})
}

func overdue(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	start := time.Now().Truncate(time.Microsecond)
	_, e := seed(t, s, "orders", "ops", "crm", "log")
	seed(t, s, "feed", "ops")
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(e.Tell[2], 1)}))
	equal(t, "none yet", len(must(s.Overdue(t.Context(), start))(t)), 0)
	found := must(s.Overdue(t.Context(), future))(t)
	for i := range found {
		if at := found[i].Since; at.Before(start) || at.After(time.Now()) {
			t.Errorf("%s since %s, and it is committed since %s", found[i].Endpoint, at, start)
		}
		found[i].Since = time.Time{}
	}
	equal(t, "overdue", found, []store.Overdue{{Endpoint: "crm", Count: 1}, {Endpoint: "ops", Count: 2}})
}

func overdueTold(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	seed(t, s, "orders", "ops", "crm", "log")
	told := func() (names []string) {
		t.Helper()
		for _, o := range must(s.Overdue(t.Context(), future))(t) {
			if o.Told {
				names = append(names, o.Endpoint)
			}
		}
		return names
	}
	equal(t, "before", len(told()), 0)
	noError(t, s.SaveOverdueTold(t.Context(), []string{"crm", "ops", "gone"}))
	equal(t, "told", told(), []string{"crm", "ops"})
	noError(t, s.SaveOverdueTold(t.Context(), []string{"log", "ops"}))
	noError(t, s.Close())
	s = open(t)
	equal(t, "after a restart", told(), []string{"log", "ops"})
	noError(t, s.SaveOverdueTold(t.Context(), nil))
	equal(t, "at last", len(told()), 0)
}

func removesNothing(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	seed(t, s, "orders", "ops")
	equal(t, "done", must(s.Prune(t.Context(), store.Retention{}))(t), store.Pruned{})
	equal(t, "waiting", len(waitingIDs(t, s, "ops")), 1)
}

func manyBatches(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	const events = 700
	src := &store.Source{Name: "orders"}
	c := &store.Commit{Source: src}
	for range events {
		c.Events = append(c.Events, change("orders", "ops", "crm"))
	}
	mustCommit(t, s, c)
	var outcomes []notify.Outcome
	for n, e := range c.Events {
		outcomes = append(outcomes, outcomeOf(e.Tell[1], 1))
		if n%2 == 0 {
			outcomes = append(outcomes, outcomeOf(e.Tell[0], 1))
		}
	}
	noError(t, s.Record(t.Context(), outcomes))
	equal(t, "first", must(s.Prune(t.Context(), store.Retention{Events: future}))(t),
		store.Pruned{Events: events / 2, Deliveries: events})
	equal(t, "log", len(must(s.Events(t.Context(), 0, events))(t)), events/2)
	equal(t, "waiting", len(waitingIDs(t, s, "ops")), events/2)

	done := must(s.Prune(t.Context(), store.Retention{Events: future, Waiting: future}))(t)
	equal(t, "expired", done, store.Pruned{Expired: events / 2, Events: events / 2, Deliveries: events})
	equal(t, "log at last", len(must(s.Events(t.Context(), 0, events))(t)), 0)
}
