package storetest

import (
	"slices"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var coalesceTests = map[string]func(*testing.T, Fresh){
	"the latest delivery of a key supersedes":     latestSupersedes,
	"a superseded delivery is told of no attempt": supersededHasNoAttempt,
	"keys follow a renamed source":                keysAreRenamed,
}

// keyed is a change of an item of which only the latest is to be told.
func keyed(source, item string, endpoints ...string) store.Event {
	e := change(source, endpoints...)
	e.Subject = item
	for i := range e.Tell {
		e.Tell[i].Key = notify.ItemKey(&e.Event)
	}
	return e
}

func superseded(tb testing.TB, s store.Store, endpoint string, ids ...int64) []int64 {
	tb.Helper()
	found := must(s.Superseded(tb.Context(), endpoint, ids))(tb)
	slices.Sort(found)
	return slices.Compact(found)
}

func latestSupersedes(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	again := keyed("orders", "7", "ops")
	again.Tell[0].Replay = true
	c := &store.Commit{Source: &store.Source{Name: "orders"}, Events: []store.Event{
		keyed("orders", "7", "ops", "crm"), // 1 and 2
		keyed("orders", "8", "ops"),        // 3
		keyed("orders", "7", "ops"),        // 4
		again,                              // 5
		change("orders", "ops"),            // 6, has no key
		keyed("orders", "8", "crm"),        // 7
		change("orders", "ops"),            // 8
	}}
	mustCommit(t, s, c)
	equal(t, "key", must(s.Waiting(t.Context(), "ops", 0, 1))(t)[0].Key, "orders\x007")
	all := []int64{1, 2, 3, 4, 5, 6, 7, 8, 99}
	equal(t, "ops", superseded(t, s, "ops", all...), []int64{1})
	equal(t, "crm", superseded(t, s, "crm", all...), []int64{})
	equal(t, "none asked for", superseded(t, s, "ops"), []int64{})
	equal(t, "not asked for", superseded(t, s, "ops", 3, 4), []int64{})

	mustCommit(t, s, &store.Commit{Source: c.Source, Events: []store.Event{keyed("orders", "7", "ops", "crm"), keyed("orders", "8", "ops")}})
	equal(t, "later ones", superseded(t, s, "ops", all...), []int64{1, 3, 4})
	equal(t, "later one of crm", superseded(t, s, "crm", all...), []int64{2})

	failed := outcomeOf(c.Events[2].Tell[0], 1) // 4
	failed.State, failed.Attempts = notify.Waiting, 0
	noError(t, s.Record(t.Context(), []notify.Outcome{failed, outcomeOf(c.Events[1].Tell[0], 1)}))
	equal(t, "posted or ended", superseded(t, s, "ops", all...), []int64{1})
}

func supersededHasNoAttempt(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}, Events: []store.Event{keyed("orders", "7", "ops"), keyed("orders", "7", "ops")}}
	mustCommit(t, s, c)
	gone := notify.Outcome{Delivery: c.Events[0].Tell[0].ID, State: notify.Superseded, NotBefore: epoch}
	noError(t, s.Record(t.Context(), []notify.Outcome{gone}))
	equal(t, "waiting", waitingIDs(t, s, "ops"), []int64{c.Events[1].Tell[0].ID})
	// What has ended stays as it is.
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(c.Events[1].Tell[0], 1)}))
	gone.Delivery = c.Events[1].Tell[0].ID
	noError(t, s.Record(t.Context(), []notify.Outcome{gone, outcomeOf(c.Events[0].Tell[0], 1)}))
	equal(t, "at last", len(waitingIDs(t, s, "ops")), 0)
}

func keysAreRenamed(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := &store.Source{Name: "old"}
	mustCommit(t, s, &store.Commit{Source: src, Events: []store.Event{keyed("old", "7", "ops")}})
	noError(t, s.Rename(t.Context(), "old", "new"))
	src.Name = "new"
	mustCommit(t, s, &store.Commit{Source: src, Events: []store.Event{keyed("new", "7", "ops")}})
	equal(t, "of the old name", superseded(t, s, "ops", 1, 2), []int64{1})
}
