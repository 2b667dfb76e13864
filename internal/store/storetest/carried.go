package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// oddKeys are keys and words that upstreams and receivers may send.
var oddKeys = []string{"", "é", "a\x00b", "\x00", "\x01", "\x01\x01", "\xff\xfe", "\x01ff", "a\tb\\N\n", "🎉"}

// carriedSources and carriedEndpoints are those of [Fill].
var (
	carriedSources   = []string{"orders", "pages", "quiet", "renamed", "odd \x00\xff"}
	carriedEndpoints = []string{"ops", "crm", "sub_1", "new", "gone"}
	carriedTokens    = []string{"oauth/shop", "odd \x00\xff"}
)

// Fill writes something of everything that a store keeps.
func Fill(tb testing.TB, s store.Store) {
	tb.Helper()
	fillHistory(tb, s)
	fillOdd(tb, s)
	fillTelling(tb, s)
	noError(tb, s.Rename(tb.Context(), fill(tb, s, "old").Name, "renamed"))
	mustCommit(tb, s, &store.Commit{Source: &store.Source{Name: "quiet", Alert: store.SourceAlert{Since: epoch, Failures: 7, Reason: "\xff", ToldAt: epoch}}})
	noError(tb, s.SaveBudgets(tb.Context(), []poller.Budget{
		{Limit: "github", Reserved: 8, PausedUntil: epoch, Spent: []poller.Spend{{At: epoch, Count: 1}, {At: epoch.Add(time.Second), Count: 20}}},
		{Limit: store.OwnLimit("orders"), Reserved: 1},
	}))
	noError(tb, s.SaveNextRuns(tb.Context(), map[string]time.Time{"orders": future, "pages": {}, "gone": epoch}))
	noError(tb, s.PauseSource(tb.Context(), "quiet", epoch))
	for i, name := range carriedTokens {
		noError(tb, s.SaveToken(tb.Context(), name, noiseOf(byte(i), 200*i)))
	}
	noError(tb, s.Ping(tb.Context()))
	forgetLast(tb, s)
}

// fillHistory makes versions that are differences from others, of bodies and of
// pages.
func fillHistory(tb testing.TB, s store.Store) {
	tb.Helper()
	for name, commit := range map[string]func(*history, *list){
		"orders": func(h *history, l *list) { h.commit(tb, 9, diff.JSON, l.body()) },
		"pages":  func(h *history, l *list) { h.commitPages(tb, 5, append(l.split(7), noiseOf(3, 9000))...) },
	} {
		h, l := &history{s: s, source: &store.Source{Name: name, RequestKey: "request", RulesKey: "rules"}}, newList(5, 60)
		for range 12 {
			l.change()
			commit(h, l)
		}
	}
}

// fillOdd writes text that is no text to some databases.
func fillOdd(tb testing.TB, s store.Store) {
	tb.Helper()
	c := &store.Commit{
		Source:   &store.Source{Name: carriedSources[4], State: poller.State{ETag: "\xff", LastModified: "\x00", Cursor: "\x01"}},
		Snapshot: &store.Snapshot{At: epoch, Format: diff.Text, Body: []byte("\x00\xff")}, KeepSnapshots: 2,
	}
	for i, key := range oddKeys {
		c.Depart = append(c.Depart, store.Departed{Key: key, Item: []byte(key), At: epoch})
		c.Details = append(c.Details, detail(key, byte(i), key))
		e := change(c.Source.Name)
		e.Subject, e.Data = key, []byte(key)
		e.Tell = []notify.Delivery{{Endpoint: "ops", Lane: c.Source.Name + "\x00" + key, Key: c.Source.Name + "\x00" + key}}
		c.Events = append(c.Events, e)
	}
	mustCommit(tb, s, c)
	var outcomes []notify.Outcome
	for i, e := range c.Events {
		o := outcomeOf(e.Tell[0], 1)
		o.State, o.Endpoint, o.NotBefore = stateAt(i), "ops", epoch.Add(time.Minute)
		o.Attempt.Status, o.Attempt.Error, o.Attempt.Response = 500, "answered "+e.Subject, e.Data
		outcomes = append(outcomes, o)
	}
	noError(tb, s.Record(tb.Context(), outcomes))
}

// fillTelling writes what is to be told, was told, and who is told.
func fillTelling(tb testing.TB, s store.Store) {
	tb.Helper()
	ctx := tb.Context()
	src := must(s.Source(ctx, "orders"))(tb)
	events := logOf(tb, s, &src, 600, "ops", "crm", "sub_1")
	c := &store.Commit{Events: []store.Event{alert("orders", "ops")}}
	mustCommit(tb, s, c)
	var outcomes []notify.Outcome
	var batched []int64
	for i, e := range events {
		o := outcomeOf(e.Tell[1], 1+i%3)
		o.State, o.Endpoint = stateAt(i), "crm"
		outcomes = append(outcomes, o)
		if i%3 == 2 {
			batched = append(batched, e.Tell[0].ID)
		}
	}
	noError(tb, s.Record(ctx, outcomes))
	equal(tb, "in a batch", len(must(s.SaveBatch(ctx, "ops", "bat_1", batched))(tb)), len(batched))
	noError(tb, s.AddSubscription(ctx, subscription("sub_1")))
	for _, state := range []notify.EndpointState{
		{Name: "ops", Disabled: true, Reason: "410 Gone", Since: epoch},
		{Name: "crm", Paused: true, PausedUntil: future, Failures: 7, FailingSince: epoch, FailedAt: epoch, OpenUntil: future, Cooldown: 90 * time.Second, Told: true, Untold: notify.EndpointFailing},
	} {
		noError(tb, s.SaveEndpointState(ctx, state))
	}
	noError(tb, s.SaveOverdueTold(ctx, []string{"ops", "gone"}))
	r := begin(tb, s, replayTo("crm"))
	advance(tb, s, &r, 40)
	begin(tb, s, newcomer("new"))
	dead := replayTo("crm")
	dead.ID, dead.Dead, dead.Source, dead.Since = "rpl_dead", true, "orders", epoch
	begin(tb, s, dead)
}

// forgetLast writes an event and a delivery that retention removes, so that the
// last numbers are of nothing that is left.
func forgetLast(tb testing.TB, s store.Store) {
	tb.Helper()
	e := change("quiet", "gone")
	e.Time = epoch.Add(-1000 * time.Hour)
	src := must(s.Source(tb.Context(), "quiet"))(tb)
	c := &store.Commit{Source: &src, Events: []store.Event{e}}
	mustCommit(tb, s, c)
	o := outcomeOf(c.Events[0].Tell[0], 1)
	o.Endpoint = "gone"
	noError(tb, s.Record(tb.Context(), []notify.Outcome{o}))
	if done := must(s.Prune(tb.Context(), store.Retention{Events: e.Time.Add(time.Hour)}))(tb); done.Events != 1 || done.Deliveries != 1 {
		tb.Fatal("retention removed ", fmt.Sprint(done))
	}
}

// Same holds all that one store gives to what another gives, of what [Fill] wrote.
func Same(tb testing.TB, got, want store.Store) {
	tb.Helper()
	equal(tb, "stores", reads(tb, got), reads(tb, want))
}

// GoesOn does the same to two stores that [Fill] filled, one of which may be a copy,
// and holds what comes of it to be the same: numbers go on where they were.
func GoesOn(tb testing.TB, got, want store.Store) {
	tb.Helper()
	began := time.Now()
	goOn(tb, got)
	goOn(tb, want)
	// One of them came later.
	sameSince := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) || a.After(began) && b.After(began) })
	if d := differences(reads(tb, want), reads(tb, got), sameSince); d != "" {
		tb.Fatalf("after the copy (-want +got):\n%s", d)
	}
}

// goOn changes what everything belongs to.
func goOn(tb testing.TB, s store.Store) {
	tb.Helper()
	ctx := tb.Context()
	l := newList(9, 60)
	for _, name := range carriedSources {
		src := must(s.Source(ctx, name))(tb)
		before := src
		c := &store.Commit{
			Source: &src, Snapshot: &store.Snapshot{At: epoch, Format: diff.JSON, Pages: bodies(l.split(9))}, KeepSnapshots: 4,
			Events: []store.Event{change(name, "ops", "crm"), change(name, "gone")}, Return: oddKeys[:2], DropDetails: oddKeys[2:4],
		}
		for i := range c.Events {
			c.Events[i].ID, c.Events[i].Data = fmt.Sprint("evt_later_", name, i), []byte(`{"later":true}`)
		}
		mustCommit(tb, s, c)
		equal(tb, "sequence of "+name, []int64{c.Events[0].Sequence, c.Events[1].Sequence}, []int64{before.Sequence + 1, before.Sequence + 2})
		o := outcomeOf(c.Events[0].Tell[0], 1)
		o.Endpoint = "ops"
		noError(tb, s.Record(ctx, []notify.Outcome{o}))
	}
	for _, r := range must(s.OpenReplays(ctx))(tb) {
		advance(tb, s, &r, 30)
	}
	noError(tb, s.Rename(ctx, "pages", "pages2"))
	noError(tb, s.Rename(ctx, "pages2", "pages"))
	noError(tb, s.SaveNextRuns(ctx, map[string]time.Time{"orders": epoch}))
	_ = must(s.EndSubscription(ctx, "sub_1"))(tb)
	must(s.Prune(ctx, store.Retention{Events: epoch.Add(time.Hour)}))(tb)
}

// reads returns what a store gives, by what it was asked for.
func reads(tb testing.TB, s store.Store) map[string]any {
	tb.Helper()
	ctx, all := tb.Context(), map[string]any{}
	all["sources"] = must(s.Sources(ctx))(tb)
	for _, name := range carriedSources {
		all["source "+name] = must(s.Source(ctx, name))(tb)
		all["history of "+name] = readHistory(tb, s, name)
		departed := must(s.AllDeparted(ctx, name))(tb)
		// Where keys are no text, an engine may order them otherwise.
		slices.SortFunc(departed, func(a, b store.Departed) int { return strings.Compare(a.Key, b.Key) })
		all["departed of "+name] = departed
		all["details of "+name] = readDetails(tb, s, name, append([]string{"2"}, oddKeys...)...)
	}
	for _, name := range carriedEndpoints {
		waiting := must(s.Waiting(ctx, name, 0, 10_000))(tb)
		all["waiting for "+name] = waiting
		for _, d := range waiting[:min(3, len(waiting))] {
			all["lane "+d.Lane+" of "+name] = must(s.WaitingInLane(ctx, name, d.Lane, 0, 10_000))(tb)
		}
	}
	all["batch"] = must(s.Batch(ctx, "ops", "bat_1"))(tb)
	all["log"] = must(s.Events(ctx, 0, 10_000))(tb)
	all["last position"] = must(s.LastPosition(ctx))(tb)
	all["activity"] = sorted(must(s.Activity(ctx, store.ActivityQuery{Until: 1 << 40, Step: time.Hour}))(tb))
	page := must(s.Deliveries(ctx, store.DeliveryQuery{Limit: 10_000}))(tb)
	all["deliveries"] = page
	for i := 0; i < len(page.Deliveries); i += 50 {
		d, attempts, err := s.Delivery(ctx, page.Deliveries[i].ID)
		noError(tb, err)
		all[fmt.Sprint("delivery ", d.ID)] = []any{d, attempts}
	}
	all["depths"] = must(s.Depths(ctx))(tb)
	all["attempts"] = must(s.AttemptStats(ctx, time.Time{}, 1000))(tb)
	all["overdue"] = must(s.Overdue(ctx, future))(tb)
	all["endpoint states"] = must(s.EndpointStates(ctx))(tb)
	all["endpoint names"] = must(s.EndpointNames(ctx, ""))(tb)
	all["open replays"] = must(s.OpenReplays(ctx))(tb)
	all["subscriptions"] = must(s.Subscriptions(ctx))(tb)
	all["budgets"] = must(s.Budgets(ctx))(tb)
	all["next runs"] = must(s.NextRuns(ctx))(tb)
	all["pauses"] = must(s.PausedSources(ctx))(tb)
	for _, name := range carriedTokens {
		all["token "+name] = must(s.Token(ctx, name))(tb)
	}
	return all
}

// sorted orders what has no order.
func sorted(spans []store.Activity) []store.Activity {
	slices.SortFunc(spans, func(a, b store.Activity) int {
		if a.Source != b.Source {
			return strings.Compare(a.Source, b.Source)
		}
		return a.Begin.Compare(b.Begin)
	})
	return spans
}
