package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

var renameTests = map[string]func(*testing.T, Fresh){
	"a renamed source keeps all that it has":        renameKeepsAll,
	"a renamed source goes on":                      renamedGoesOn,
	"an unknown source is not renamed":              renameNotFound,
	"no source takes the name of another":           renameConflicts,
	"names that were given up may be used again":    namesAreUsedAgain,
	"budgets of both names count after a renaming":  renameAddsBudgets,
	"a poll of the old name is stale once renamed":  renameMakesStale,
	"what is waiting for endpoints keeps its order": renameKeepsQueue,
}

// fill commits something of every kind for a source.
func fill(tb testing.TB, s store.Store, name string) *store.Source {
	tb.Helper()
	src := &store.Source{
		Name: name, RequestKey: "request", RulesKey: "rules",
		State: poller.State{ETag: `"1"`, LastModified: "Fri, 02 Jan 2026 03:04:05 GMT", RawHash: [32]byte{1, 31: 2}, Cursor: `"2026"`},
		Alert: store.SourceAlert{Since: epoch, Failures: 5, Reason: "503", ToldAt: epoch.Add(time.Hour)},
	}
	for n := range 3 {
		mustCommit(tb, s, &store.Commit{
			Source: src, Snapshot: answer(n), KeepSnapshots: 2, Events: []store.Event{change(name, "ops")},
			Depart: []store.Departed{{Key: "1", Item: []byte("{}"), At: epoch}}, Details: []store.Detail{detail("2", 1, "a")},
		})
	}
	noError(tb, s.AcceptRemoval(tb.Context(), name))
	src.AcceptRemoval = true
	noError(tb, s.SaveNextRuns(tb.Context(), map[string]time.Time{name: epoch.Add(time.Hour)}))
	return src
}

func renameKeepsAll(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	want := fill(t, s, "old")
	other := fill(t, s, "other")
	history := readHistory(t, s, "old")
	log := must(s.Events(t.Context(), 0, 10))(t)
	noError(t, s.SaveNextRuns(t.Context(), map[string]time.Time{"new": epoch}))
	noError(t, s.Rename(t.Context(), "old", "new"))
	noError(t, s.Close())

	s = open(t)
	want.Name = "new"
	equal(t, "rows", must(s.Sources(t.Context()))(t), []store.Source{*want, *other})
	equal(t, "history", readHistory(t, s, "new"), history)
	equal(t, "departed", len(must(s.AllDeparted(t.Context(), "new"))(t)), 1)
	equal(t, "details", len(readDetails(t, s, "new", "2")), 1)
	equal(t, "next runs", must(s.NextRuns(t.Context()))(t),
		map[string]time.Time{"new": epoch.Add(time.Hour), "other": epoch.Add(time.Hour)})
	equal(t, "log", must(s.Events(t.Context(), 0, 10))(t), log)

	if _, err := s.Source(t.Context(), "old"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("old row: got %v, want ErrNotFound", err)
	}
	if _, err := s.Snapshot(t.Context(), "old"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("old snapshot: got %v, want ErrNotFound", err)
	}
	equal(t, "old departed", len(must(s.AllDeparted(t.Context(), "old"))(t)), 0)
	equal(t, "old details", len(readDetails(t, s, "old", "2")), 0)
	equal(t, "history of another", len(readHistory(t, s, "other")), 2)
}

func renamedGoesOn(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := fill(t, s, "old")
	noError(t, s.Rename(t.Context(), "old", "new"))
	src.Name = "new"
	c := &store.Commit{Source: src, Snapshot: answer(4), KeepSnapshots: 20, Events: []store.Event{change("new", "ops")}}
	mustCommit(t, s, c)
	equal(t, "version and sequence", []int64{src.Version, src.Sequence, c.Events[0].Sequence}, []int64{4, 4, 4})
	equal(t, "history", len(readHistory(t, s, "new")), 3)
}

func renameNotFound(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	for _, name := range []string{"new", "nobody"} {
		if err := s.Rename(t.Context(), "nobody", name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("to %s: got %v, want ErrNotFound", name, err)
		}
	}
	src := fill(t, s, "orders")
	if err := s.Rename(t.Context(), "nobody", "orders"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	equal(t, "rows", must(s.Sources(t.Context()))(t), []store.Source{*src})
}

func renameConflicts(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	a, b := fill(t, s, "a"), fill(t, s, "b")
	for _, name := range []string{"a", "b"} {
		if err := s.Rename(t.Context(), "a", name); !errors.Is(err, store.ErrConflict) {
			t.Errorf("to %s: got %v, want ErrConflict", name, err)
		}
	}
	equal(t, "rows", must(s.Sources(t.Context()))(t), []store.Source{*a, *b})
	equal(t, "history", len(readHistory(t, s, "a")), 2)
}

// namesAreUsedAgain lets one name belong to several sources in turn. The log
// tells no number of a name twice.
func namesAreUsedAgain(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	commit := func(src *store.Source) {
		t.Helper()
		mustCommit(t, s, &store.Commit{Source: src, Snapshot: answer(1), Events: []store.Event{change(src.Name), change(src.Name)}})
	}
	first := &store.Source{Name: "a"}
	commit(first)
	noError(t, s.Rename(t.Context(), "a", "b"))
	second := &store.Source{Name: "a"}
	commit(second)
	equal(t, "of a name that was given up", second.Sequence, int64(4))
	first.Name = "b"
	commit(first)
	commit(first)
	noError(t, s.Rename(t.Context(), "b", "c"))
	noError(t, s.Rename(t.Context(), "a", "b"))
	second = new(must(s.Source(t.Context(), "b"))(t))
	commit(second)
	equal(t, "of a name in which more was told", second.Sequence, int64(8))

	third := &store.Source{Name: "a"}
	mustCommit(t, s, &store.Commit{Source: third}) // silent
	equal(t, "of a source before its first change", third.Sequence, int64(4))
	told := map[string]int64{}
	for _, e := range must(s.Events(t.Context(), 0, 100))(t) {
		if e.Sequence <= told[e.Source] {
			t.Errorf("%s: %d after %d", e.Source, e.Sequence, told[e.Source])
		}
		told[e.Source] = e.Sequence
	}
}

func renameAddsBudgets(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	fill(t, s, "old")
	fill(t, s, "alone")
	fill(t, s, "none")
	spend := func(seconds, count int) poller.Spend {
		return poller.Spend{At: epoch.Add(time.Duration(seconds) * time.Second), Count: count}
	}
	noError(t, s.SaveBudgets(t.Context(), []poller.Budget{
		{Limit: store.OwnLimit("old"), Spent: []poller.Spend{spend(1, 5), spend(3, 1)}, Reserved: 2, PausedUntil: epoch},
		{Limit: store.OwnLimit("new"), Spent: []poller.Spend{spend(2, 7)}, Reserved: 3, PausedUntil: epoch.Add(time.Hour)},
		{Limit: store.OwnLimit("alone"), Spent: []poller.Spend{spend(4, 1)}},
		{Limit: "old", Reserved: 1},
	}))
	noError(t, s.Rename(t.Context(), "old", "new"))
	noError(t, s.Rename(t.Context(), "alone", "moved"))
	noError(t, s.Rename(t.Context(), "none", "nobody"))
	equal(t, "budgets", must(s.Budgets(t.Context()))(t), []poller.Budget{
		{Limit: "old", Reserved: 1},
		{Limit: store.OwnLimit("moved"), Spent: []poller.Spend{spend(4, 1)}},
		{
			Limit: store.OwnLimit("new"), Spent: []poller.Spend{spend(1, 5), spend(2, 7), spend(3, 1)},
			Reserved: 5, PausedUntil: epoch.Add(time.Hour),
		},
	})
}

func renameMakesStale(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := fill(t, s, "old")
	noError(t, s.Rename(t.Context(), "old", "new"))
	err := s.Commit(t.Context(), &store.Commit{Source: src, Snapshot: answer(4), Events: []store.Event{change("old")}})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func renameKeepsQueue(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := fill(t, s, "old")
	fill(t, s, "other")
	want := must(s.Waiting(t.Context(), "ops", 0, 10))(t)
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(want[0], 1)}))
	noError(t, s.Rename(t.Context(), "old", "new"))
	// What is told next comes after what waits.
	src.Name = "new"
	mustCommit(t, s, &store.Commit{Source: src, Snapshot: answer(4), KeepSnapshots: 2, Events: []store.Event{change("new", "ops")}})
	lane := must(s.WaitingInLane(t.Context(), "ops", "new", 0, 10))(t)
	equal(t, "lane", len(lane), 3)
	for i := range want[1:3] {
		want[i+1].Lane = "new"
		equal(t, "waiting", lane[i], want[i+1])
	}
	equal(t, "old lane", len(must(s.WaitingInLane(t.Context(), "ops", "old", 0, 10))(t)), 0)
	equal(t, "other lane", must(s.WaitingInLane(t.Context(), "ops", "other", 0, 10))(t), want[3:])
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(lane[0], 1)}))
	equal(t, "left", len(waitingIDs(t, s, "ops")), 5)
}
