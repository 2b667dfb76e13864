package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

var commitTests = map[string]func(*testing.T, Fresh){
	"commit keeps the whole source row":             commitKeepsRow,
	"commit without a snapshot keeps the version":   commitWithoutSnapshot,
	"commit numbers events without gaps":            commitNumbersEvents,
	"stale commit writes nothing":                   staleCommitWritesNothing,
	"commit of an unknown version is a conflict":    unknownVersionConflicts,
	"failed commit takes no numbers":                failedCommitTakesNoNumbers,
	"failed commit leaves its argument alone":       failedCommitLeavesArgument,
	"acceptance survives a commit":                  acceptanceSurvives,
	"acceptance is consumed once":                   acceptanceIsConsumed,
	"acceptance of an unknown source is not found":  acceptanceNotFound,
	"alerts commit without a source":                alertsWithoutSource,
	"changes without their source are refused":      changesNeedSource,
	"unknown source is not found":                   unknownSource,
	"sources are listed by name":                    sourcesByName,
	"strings of any content come back as they were": strangeStrings,
}

func commitKeepsRow(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := store.Source{
		Name: "orders", RequestKey: "request", RulesKey: "rules",
		State: poller.State{ETag: `W/"1"`, LastModified: "Fri, 02 Jan 2026 03:04:05 GMT", RawHash: [32]byte{1, 31: 2}, Cursor: `"2026-01-02"`},
		Alert: store.SourceAlert{Since: epoch, Failures: 5, Reason: "503", ToldAt: epoch.Add(time.Hour)},
	}
	want := src
	mustCommit(t, s, &store.Commit{Source: &src, Snapshot: answer(1), KeepSnapshots: 3, Events: []store.Event{change("orders")}})
	want.Version, want.Sequence, want.ChangedAt = 1, 1, answer(1).At
	equal(t, "committed", src, want)
	equal(t, "read", must(s.Source(t.Context(), "orders"))(t), want)

	src.State, src.Alert, src.RulesKey = poller.State{}, store.SourceAlert{}, "other rules"
	want.State, want.Alert, want.RulesKey = poller.State{}, store.SourceAlert{}, "other rules"
	mustCommit(t, s, &store.Commit{Source: &src})
	equal(t, "read after an update", must(s.Source(t.Context(), "orders"))(t), want)
}

func commitWithoutSnapshot(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := &store.Source{Name: "orders"}
	mustCommit(t, s, &store.Commit{Source: src, Events: []store.Event{alert("orders")}})
	equal(t, "version before the first snapshot", src.Version, int64(0))
	mustCommit(t, s, &store.Commit{Source: src, Snapshot: answer(1), KeepSnapshots: 1})
	mustCommit(t, s, &store.Commit{Source: src, Events: []store.Event{change("orders")}})
	equal(t, "version", src.Version, int64(1))
	equal(t, "sequence", src.Sequence, int64(1))
	equal(t, "body", string(must(s.Snapshot(t.Context(), "orders"))(t).Body), `{"n":1}`)
}

func commitNumbersEvents(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	a, b := &store.Source{Name: "a"}, &store.Source{Name: "b"}
	first := &store.Commit{Source: a, Snapshot: answer(1), Events: []store.Event{change("a", "ops"), alert("a", "ops"), change("a")}}
	mustCommit(t, s, first)
	mustCommit(t, s, &store.Commit{Source: b, Snapshot: answer(1), Events: []store.Event{change("b", "ops", "crm")}})
	last := &store.Commit{Source: a, Snapshot: answer(2), Events: []store.Event{change("a", "ops")}}
	mustCommit(t, s, last)

	equal(t, "sequences", []int64{first.Events[0].Sequence, first.Events[1].Sequence, first.Events[2].Sequence, last.Events[0].Sequence},
		[]int64{1, 0, 2, 3})
	log := must(s.Events(t.Context(), 0, 100))(t)
	equal(t, "events in the log", len(log), 5)
	equal(t, "as committed", log[:3], []notify.Event{first.Events[0].Event, first.Events[1].Event, first.Events[2].Event})
	equal(t, "as committed last", log[4], last.Events[0].Event)
	if !slices.IsSortedFunc(log, func(x, y notify.Event) int { return int(x.Position - y.Position) }) || log[0].Position < 1 {
		t.Errorf("positions do not rise: %v", log)
	}
	told := must(s.Waiting(t.Context(), "ops", 0, 100))(t)
	equal(t, "delivery as committed", told[0], first.Events[0].Tell[0])
	equal(t, "last delivery as committed", told[3], last.Events[0].Tell[0])
}

func staleCommitWritesNothing(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "orders", "ops")
	stale := *src
	mustCommit(t, s, &store.Commit{Source: src, Snapshot: answer(2), KeepSnapshots: 3})
	want := must(s.Source(t.Context(), "orders"))(t)

	stale.RulesKey = "must not be written"
	err := s.Commit(t.Context(), &store.Commit{
		Source: &stale, Snapshot: answer(3), KeepSnapshots: 1, ConsumeAcceptance: true,
		Events: []store.Event{change("orders", "ops")}, Depart: []store.Departed{{Key: "7", Item: []byte("{}"), At: epoch}},
	})
	if !errors.Is(err, store.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
	equal(t, "row", must(s.Source(t.Context(), "orders"))(t), want)
	equal(t, "snapshot", string(must(s.Snapshot(t.Context(), "orders"))(t).Body), `{"n":2}`)
	equal(t, "events", len(must(s.Events(t.Context(), 0, 10))(t)), 1)
	equal(t, "deliveries", len(waitingIDs(t, s, "ops")), 1)
	equal(t, "departed", len(must(s.Departed(t.Context(), "orders", []string{"7"}))(t)), 0)
}

func unknownVersionConflicts(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	for _, c := range []*store.Commit{
		{Source: &store.Source{Name: "new", Version: 1}, Snapshot: answer(1)},
		{Source: &store.Source{Name: "new", Version: 7}},
	} {
		if err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrConflict) {
			t.Errorf("version %d of a new source: got %v, want ErrConflict", c.Source.Version, err)
		}
	}
	if _, err := s.Source(t.Context(), "new"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	src, _ := seed(t, s, "old")
	src.Version = 0
	if err := s.Commit(t.Context(), &store.Commit{Source: src, Snapshot: answer(1)}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("version 0 of an old source: got %v, want ErrConflict", err)
	}
}

func failedCommitTakesNoNumbers(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, first := seed(t, s, "orders", "ops")
	repeated := change("orders", "ops")
	repeated.ID = first.ID // an ID of the log is there once, so this fails after the row was written
	if err := s.Commit(t.Context(), &store.Commit{Source: src, Snapshot: answer(2), Events: []store.Event{change("orders", "ops"), repeated}}); err == nil {
		t.Fatal("a repeated event ID was taken")
	}
	c := &store.Commit{Source: src, Snapshot: answer(2), Events: []store.Event{change("orders", "ops")}}
	mustCommit(t, s, c)
	equal(t, "sequence", c.Events[0].Sequence, int64(2))
	equal(t, "version", src.Version, int64(2))
	equal(t, "events", len(must(s.Events(t.Context(), 0, 10))(t)), 2)
	equal(t, "deliveries", waitingIDs(t, s, "ops"), []int64{first.Tell[0].ID, c.Events[0].Tell[0].ID})
}

func failedCommitLeavesArgument(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "orders")
	src.Version = 9
	e := change("orders", "ops")
	c := &store.Commit{Source: src, Snapshot: answer(2), Events: []store.Event{e}}
	if err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
	equal(t, "source", *c.Source, store.Source{Name: "orders", Version: 9, Sequence: 1, ChangedAt: answer(1).At})
	equal(t, "event", c.Events[0], e)
	equal(t, "snapshot", c.Snapshot, answer(2))
}

func acceptanceSurvives(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "orders") // what a poll has read, before the operator speaks
	noError(t, s.AcceptRemoval(t.Context(), "orders"))
	mustCommit(t, s, &store.Commit{Source: src, Snapshot: answer(2), KeepSnapshots: 3})
	equal(t, "told to the committer", src.AcceptRemoval, true)
	equal(t, "in the row", must(s.Source(t.Context(), "orders"))(t).AcceptRemoval, true)
}

func acceptanceIsConsumed(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "orders")
	src.AcceptRemoval = true // only AcceptRemoval sets it
	mustCommit(t, s, &store.Commit{Source: src})
	equal(t, "after a commit that says so of itself", src.AcceptRemoval, false)

	noError(t, s.AcceptRemoval(t.Context(), "orders"))
	noError(t, s.AcceptRemoval(t.Context(), "orders"))
	mustCommit(t, s, &store.Commit{Source: src, Snapshot: answer(2), ConsumeAcceptance: true})
	equal(t, "told to the committer", src.AcceptRemoval, false)
	equal(t, "in the row", must(s.Source(t.Context(), "orders"))(t).AcceptRemoval, false)
}

func acceptanceNotFound(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	if err := s.AcceptRemoval(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func alertsWithoutSource(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Events: []store.Event{alert("ops", "admin")}}
	mustCommit(t, s, c)
	equal(t, "log", must(s.Events(t.Context(), 0, 10))(t), []notify.Event{c.Events[0].Event})
	equal(t, "deliveries", waitingIDs(t, s, "admin"), []int64{c.Events[0].Tell[0].ID})
	equal(t, "sources", len(must(s.Sources(t.Context()))(t)), 0)
}

func changesNeedSource(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	for name, c := range map[string]*store.Commit{
		"a change":               {Events: []store.Event{change("orders")}},
		"a snapshot":             {Snapshot: answer(1)},
		"a departed item":        {Depart: []store.Departed{{Key: "7"}}},
		"a detail":               {Details: []store.Detail{{Key: "7"}}},
		"a dropped detail":       {DropDetails: []string{"7"}},
		"forgetting":             {Forget: true},
		"another source's event": {Source: &store.Source{Name: "orders"}, Events: []store.Event{change("customers")}},
	} {
		if err := s.Commit(t.Context(), c); err == nil {
			t.Errorf("%s was committed", name)
		}
	}
	equal(t, "log", len(must(s.Events(t.Context(), 0, 10))(t)), 0)
	equal(t, "sources", len(must(s.Sources(t.Context()))(t)), 0)
}

func unknownSource(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	if _, err := s.Source(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("source: got %v, want ErrNotFound", err)
	}
	if _, err := s.Snapshot(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("snapshot: got %v, want ErrNotFound", err)
	}
}

func sourcesByName(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	equal(t, "before the first", len(must(s.Sources(t.Context()))(t)), 0)
	for _, name := range []string{"b", "c", "a"} {
		mustCommit(t, s, &store.Commit{Source: &store.Source{Name: name}})
	}
	var names []string
	for _, src := range must(s.Sources(t.Context()))(t) {
		names = append(names, src.Name)
	}
	equal(t, "names", names, []string{"a", "b", "c"})
	some := must(s.Sources(t.Context(), "c", "none", "a"))(t)
	slices.SortFunc(some, func(a, b store.Source) int { return strings.Compare(a.Name, b.Name) })
	equal(t, "rows of some", some, []store.Source{must(s.Source(t.Context(), "a"))(t), must(s.Source(t.Context(), "c"))(t)})
	equal(t, "rows of none", len(must(s.Sources(t.Context(), "none"))(t)), 0)
	many := []string{"b"}
	for n := range 2000 {
		many = append(many, fmt.Sprint("none-", n))
	}
	equal(t, "rows among many names", len(must(s.Sources(t.Context(), append(many, "c")...))(t)), 2)
}

// strange are texts that are kept as they are: NUL stands in the names of lanes, and
// what is no UTF-8 may come from any server.
var strange = []string{
	"", "ü€😀", "a'b\"c;--", `back\slash\'`, "line\nline\ttab\r\n", " spaces ", "e\u0301",
	"nul\x00nul", "\x00", "\x01\x02\x01", "not UTF-8: \xff\xc3(", "cut off: \xe2\x82",
}

func strangeStrings(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	for _, text := range strange {
		src := &store.Source{Name: "s" + text, State: poller.State{ETag: text, Cursor: text}, Alert: store.SourceAlert{Reason: text}}
		e := change(src.Name, "ops")
		e.Subject, e.Tell[0].Lane = text, text
		c := &store.Commit{
			Source: src, Snapshot: answer(1), Events: []store.Event{e},
			Depart:  []store.Departed{{Key: text, Item: []byte(text + "item"), At: epoch}},
			Details: []store.Detail{detail(text, 1, text)},
		}
		mustCommit(t, s, c)
		equal(t, "row", must(s.Source(t.Context(), src.Name))(t), *src)
		equal(t, "event", must(s.Event(t.Context(), c.Events[0].Position))(t), c.Events[0].Event)
		equal(t, "lane", len(must(s.WaitingInLane(t.Context(), "ops", text, 0, 10))(t)), 1)
		equal(t, "departed", must(s.Departed(t.Context(), src.Name, []string{text}))(t), c.Depart)
		equal(t, "details", must(s.Details(t.Context(), src.Name, []string{text}))(t), c.Details)
		noError(t, s.SaveToken(t.Context(), text, []byte(text)))
		equal(t, "token", string(must(s.Token(t.Context(), text))(t)), text)
	}
}
