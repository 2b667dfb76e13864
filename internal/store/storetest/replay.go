package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var replayTests = map[string]func(*testing.T, Fresh){
	"a replay is told step by step":                  replayStepByStep,
	"a replay is of a source and a time":             replayIsBounded,
	"a replay of what is dead":                       replayOfDead,
	"a replay tells nothing that waits or is gone":   replayLeavesOut,
	"a step of a replay is made once":                replayStepOnce,
	"replays that begin together or not at all":      replaysTogether,
	"replays are counted while they wait":            replaysWaiting,
	"a delivery that has ended is told again":        retells,
	"what ends is forgotten with its replays":        endForgetsReplays,
	"retention removes replays, but none of a first": prunesReplays,
}

func replayTo(endpoint string) store.Replay {
	return store.Replay{ID: "rpl_" + endpoint, Endpoint: endpoint, CreatedAt: epoch}
}

// begin saves one replay.
func begin(tb testing.TB, s store.Store, r store.Replay) store.Replay {
	tb.Helper()
	replays := []store.Replay{r}
	noError(tb, s.AddReplays(tb.Context(), replays))
	return replays[0]
}

// advance makes one step of a replay that tells all it comes to, and returns
// the positions that it came to.
func advance(tb testing.TB, s store.Store, r *store.Replay, limit int) []int64 {
	tb.Helper()
	step := store.ReplayStep{Reached: r.Reached}
	var positions []int64
	found := must(s.ReplayEvents(tb.Context(), r, limit))(tb)
	for _, f := range found {
		step.Reached = f.At
		positions = append(positions, f.Event.Position)
		step.Tell = append(step.Tell, notify.Delivery{Position: f.Event.Position, Lane: "lane", Key: "key", Replay: !r.First})
	}
	step.End = len(found) < limit && !r.First
	noError(tb, s.AdvanceReplay(tb.Context(), r, step))
	return positions
}

// logOf commits changes of a source, an hour after each other, told to nobody or
// to endpoints.
func logOf(tb testing.TB, s store.Store, src *store.Source, count int, endpoints ...string) []store.Event {
	tb.Helper()
	c := &store.Commit{Source: src}
	for n := range count {
		e := change(src.Name, endpoints...)
		e.Time = epoch.Add(time.Duration(n) * time.Hour)
		c.Events = append(c.Events, e)
	}
	mustCommit(tb, s, c)
	return c.Events
}

func positionsOf(events []store.Event) []int64 {
	var positions []int64
	for _, e := range events {
		positions = append(positions, e.Position)
	}
	return positions
}

func waitingPositions(tb testing.TB, s store.Store, endpoint string) []int64 {
	tb.Helper()
	var positions []int64
	for _, d := range must(s.Waiting(tb.Context(), endpoint, 0, 10_000))(tb) {
		positions = append(positions, d.Position)
	}
	return positions
}

// sameReplay compares but for when it was finished.
func sameReplay(tb testing.TB, what string, got, want store.Replay) {
	tb.Helper()
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Replay{}, "FinishedAt")); d != "" || got.FinishedAt.IsZero() != want.FinishedAt.IsZero() {
		tb.Fatalf("%s: finished %s, want %s (-want +got):\n%s", what, got.FinishedAt, want.FinishedAt, d)
	}
}

func replayStepByStep(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	events := logOf(t, s, &store.Source{Name: "orders"}, 5)
	r := begin(t, s, replayTo("ops"))
	equal(t, "bounds", []int64{r.Start, r.Reached, r.Last}, []int64{events[0].Position - 1, events[0].Position - 1, events[4].Position})
	logOf(t, s, &store.Source{Name: "later"}, 3) // happens now, and is no part of it

	equal(t, "first step", advance(t, s, &r, 2), positionsOf(events[:2]))
	noError(t, s.Close())
	s = open(t)
	r.Waiting = 2
	sameReplay(t, "after a restart", must(s.OpenReplays(t.Context()))(t)[0], r)
	equal(t, "second step", advance(t, s, &r, 2), positionsOf(events[2:4]))
	equal(t, "last step", advance(t, s, &r, 2), positionsOf(events[4:]))
	if r.FinishedAt.IsZero() || r.Told != 5 || r.Progress() != 1 {
		t.Errorf("at its end: %+v", r)
	}
	r.Waiting = 5
	sameReplay(t, "read", must(s.ReplaysByID(t.Context(), "rpl_ops"))(t)[0], r)
	equal(t, "open", len(must(s.OpenReplays(t.Context()))(t)), 0)
	found := must(s.Waiting(t.Context(), "ops", 0, 10))(t)
	equal(t, "told", waitingPositions(t, s, "ops"), positionsOf(events))
	for _, d := range found {
		if !d.Replay || d.Lane != "lane" {
			t.Errorf("delivery %+v", d)
		}
	}
	if _, err := s.ReplaysByID(t.Context(), "rpl_none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func replayIsBounded(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	orders := logOf(t, s, &store.Source{Name: "orders"}, 10)
	others := logOf(t, s, &store.Source{Name: "others"}, 10)
	hour := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
	for n, test := range []struct {
		source       string
		since, until time.Time
		want         []int64
	}{
		{"orders", time.Time{}, time.Time{}, positionsOf(orders)},
		{"others", hour(7), time.Time{}, positionsOf(others[7:])},
		{"others", time.Time{}, hour(2), positionsOf(others[:2])},
		{"", hour(4), hour(6), append(positionsOf(orders[4:6]), positionsOf(others[4:6])...)},
		{"", hour(20), time.Time{}, nil},
		{"nobody", time.Time{}, time.Time{}, nil},
	} {
		r := replayTo(fmt.Sprint("ops-", n))
		r.Source, r.Since, r.Until = test.source, test.since, test.until
		r = begin(t, s, r)
		equal(t, fmt.Sprintf("%+v", test), advance(t, s, &r, 100), test.want)
		equal(t, "progress", r.Progress(), 1.0)
	}
	equal(t, "none asked for", len(must(s.ReplayEvents(t.Context(), &store.Replay{Last: 100}, -1))(t)), 0)
}

// end records that deliveries have ended.
func end(tb testing.TB, s store.Store, state notify.State, deliveries ...notify.Delivery) {
	tb.Helper()
	var outcomes []notify.Outcome
	for _, d := range deliveries {
		o := outcomeOf(d, 1)
		o.State = state
		outcomes = append(outcomes, o)
	}
	noError(tb, s.Record(tb.Context(), outcomes))
}

func replayOfDead(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	orders := logOf(t, s, &store.Source{Name: "orders"}, 6, "ops", "crm")
	others := logOf(t, s, &store.Source{Name: "others"}, 2, "ops")
	end(t, s, notify.Dead, orders[1].Tell[0], orders[3].Tell[0], orders[4].Tell[1], others[0].Tell[0])
	end(t, s, notify.Delivered, orders[0].Tell[0], orders[2].Tell[0], orders[4].Tell[0], orders[5].Tell[0], others[1].Tell[0])

	r := replayTo("ops")
	r.Dead, r.Source = true, "orders"
	r = begin(t, s, r)
	equal(t, "of a source", advance(t, s, &r, 10), []int64{orders[1].Position, orders[3].Position})
	equal(t, "waiting", waitingPositions(t, s, "ops"), []int64{orders[1].Position, orders[3].Position})

	// Those that were told again are dead no more, and those that die again are.
	end(t, s, notify.Dead, must(s.Waiting(t.Context(), "ops", 0, 1))(t)...)
	r = replayTo("ops")
	r.ID, r.Dead = "rpl_again", true
	r = begin(t, s, r)
	equal(t, "first of all", advance(t, s, &r, 1), []int64{others[0].Position})
	equal(t, "rest of all", advance(t, s, &r, 10), []int64{orders[1].Position})
	equal(t, "crm", len(waitingPositions(t, s, "crm")), 5)
	// What comes late of the one that was dead does not bring it back.
	end(t, s, notify.Delivered, orders[3].Tell[0])
	equal(t, "waiting at last", waitingPositions(t, s, "ops"), []int64{orders[3].Position, others[0].Position, orders[1].Position})
}

func replayLeavesOut(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	events := logOf(t, s, &store.Source{Name: "orders"}, 4, "ops")
	end(t, s, notify.Delivered, events[0].Tell[0], events[2].Tell[0])
	end(t, s, notify.Dead, events[3].Tell[0])
	r := begin(t, s, replayTo("ops"))
	step := store.ReplayStep{Reached: events[3].Position, End: true}
	for _, e := range events {
		step.Tell = append(step.Tell, notify.Delivery{Endpoint: "somebody else", Position: e.Position, Replay: true})
	}
	step.Tell = append(step.Tell, notify.Delivery{Position: events[0].Position, Replay: true}, notify.Delivery{Position: 1000, Replay: true})
	// What is removed between reading and telling is left out too.
	equal(t, "pruned", must(s.Prune(t.Context(), store.Retention{Events: epoch.Add(time.Minute)}))(t).Events, int64(1))
	noError(t, s.AdvanceReplay(t.Context(), &r, step))
	equal(t, "told", r.Told, int64(2))
	equal(t, "waiting", waitingPositions(t, s, "ops"), []int64{events[1].Position, events[2].Position, events[3].Position})

	dead := replayTo("ops")
	dead.ID, dead.Dead = "rpl_dead", true
	dead = begin(t, s, dead)
	equal(t, "nothing is dead any more", len(advance(t, s, &dead, 10)), 0)
}

func replayStepOnce(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	logOf(t, s, &store.Source{Name: "orders"}, 4)
	r := begin(t, s, replayTo("ops"))
	again := r
	advance(t, s, &r, 2)
	before := waitingPositions(t, s, "ops")
	for _, stale := range []store.Replay{again, {ID: "rpl_none", Endpoint: "ops"}, {ID: r.ID, Endpoint: "crm"}} {
		err := s.AdvanceReplay(t.Context(), &stale, store.ReplayStep{Reached: 4, Tell: []notify.Delivery{{Position: 3}}})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	}
	equal(t, "waiting", waitingPositions(t, s, "ops"), before)
	finished := r
	advance(t, s, &finished, 10)
	r.Reached = finished.Reached
	if err := s.AdvanceReplay(t.Context(), &r, store.ReplayStep{Reached: 9}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("of a finished one: got %v, want ErrConflict", err)
	}
}

func replaysTogether(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	logOf(t, s, &store.Source{Name: "orders"}, 4)
	begin(t, s, replayTo("b"))
	replays := []store.Replay{{ID: "rpl_1", Endpoint: "a", CreatedAt: epoch}, {ID: "rpl_b", Endpoint: "b", CreatedAt: epoch}}
	if err := s.AddReplays(t.Context(), replays); err == nil {
		t.Error("a replay was taken twice")
	}
	equal(t, "open", len(must(s.OpenReplays(t.Context()))(t)), 1)
	replays[1].ID = "rpl_1"
	noError(t, s.AddReplays(t.Context(), replays))
	both := must(s.ReplaysByID(t.Context(), "rpl_1"))(t)
	equal(t, "endpoints", []string{both[0].Endpoint, both[1].Endpoint}, []string{"a", "b"})
	equal(t, "told beside each other", []int{len(advance(t, s, &both[0], 3)), len(advance(t, s, &both[1], 4)), len(advance(t, s, &both[0], 3))}, []int{3, 4, 1})
	noError(t, s.AddReplays(t.Context(), nil))
}

func replaysWaiting(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	logOf(t, s, &store.Source{Name: "orders"}, 3)
	r := begin(t, s, replayTo("ops"))
	advance(t, s, &r, 2)
	logOf(t, s, &store.Source{Name: "live"}, 2, "ops")
	end(t, s, notify.Delivered, must(s.Waiting(t.Context(), "ops", 0, 1))(t)...)
	equal(t, "waiting", must(s.OpenReplays(t.Context()))(t)[0].Waiting, int64(1))
}

func retells(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	events := logOf(t, s, &store.Source{Name: "orders"}, 3, "ops")
	delivered, dead, waiting := events[0].Tell[0], events[1].Tell[0], events[2].Tell[0]
	end(t, s, notify.Delivered, delivered)
	end(t, s, notify.Dead, dead)
	for _, d := range []notify.Delivery{delivered, dead} {
		again := must(s.Retell(t.Context(), d.ID))(t)
		if again.ID <= waiting.ID || !again.Replay || again.Lane != notify.ReplayLane("orders") || again.Endpoint != "ops" || again.Position != d.Position {
			t.Errorf("again %+v", again)
		}
		if _, err := s.Retell(t.Context(), d.ID); !errors.Is(err, store.ErrConflict) {
			t.Errorf("while it waits: got %v, want ErrConflict", err)
		}
		end(t, s, notify.Delivered, again)
		end(t, s, notify.Delivered, must(s.Retell(t.Context(), again.ID))(t))
	}
	if _, err := s.Retell(t.Context(), waiting.ID); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if _, err := s.Retell(t.Context(), 1000); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	r := replayTo("ops")
	r.Dead = true
	r = begin(t, s, r)
	equal(t, "dead", len(advance(t, s, &r, 10)), 0)
}

func prunesReplays(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	logOf(t, s, &store.Source{Name: "orders"}, 1)
	old, young := begin(t, s, replayTo("old")), begin(t, s, replayTo("young"))
	first := begin(t, s, newcomer("new"))
	advance(t, s, &old, 10)
	advance(t, s, &first, 10)
	must(s.Prune(t.Context(), store.Retention{Events: old.FinishedAt}))(t)
	must(s.ReplaysByID(t.Context(), "rpl_old"))(t)
	must(s.Prune(t.Context(), store.Retention{Events: future}))(t)
	if _, err := s.ReplaysByID(t.Context(), "rpl_old"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	equal(t, "open", must(s.OpenReplays(t.Context()))(t), []store.Replay{young})
	equal(t, "firsts", len(must(s.ReplaysByID(t.Context(), store.FirstReplay))(t)), 1)
}

// endForgetsReplays: the names of subscriptions are never used again.
func endForgetsReplays(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	begin(t, s, newcomer("sub_1"))
	begin(t, s, newcomer("new"))
	begin(t, s, replayTo("sub_1"))
	must(s.EndSubscription(t.Context(), "sub_1"))(t)
	left := must(s.OpenReplays(t.Context()))(t)
	if len(left) != 1 || left[0].Endpoint != "new" {
		t.Errorf("left %+v", left)
	}
}
