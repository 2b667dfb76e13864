// Package storetest holds every engine to the contract of package store: one
// suite, which an engine's own tests run.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// Open opens one database, again each time, after the store before was closed.
// It fails the test where it cannot, and closes the store at the test's end.
type Open func(tb testing.TB) store.Store

// Fresh makes an empty database.
type Fresh func(tb testing.TB) Open

// Run runs the whole suite, each test on a database of its own.
func Run(t *testing.T, fresh Fresh) {
	for _, group := range []map[string]func(*testing.T, Fresh){
		commitTests, snapshotTests, pageTests, pageHistoryTests, historyTests, departedTests, detailTests, renameTests,
		eventTests, logTests, deliveryTests, laneTests, coalesceTests, batchTests, outcomeTests, trackedTests, attemptTests,
		replayTests, newcomerTests, retentionTests, stateTests, paceTests, pauseTests, activityTests, subscriptionTests, concurrencyTests, lifeTests, modelTests,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, fresh)
			})
		}
	}
}

// epoch is the time that the suite's observations begin at.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)

// reporter is a testing.TB or a *rapid.T.
type reporter interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func mustCommit(tb testing.TB, s store.Store, c *store.Commit) {
	tb.Helper()
	if err := s.Commit(tb.Context(), c); err != nil {
		tb.Fatalf("commit: %v", err)
	}
}

// must returns what a read gave, or fails the test.
func must[T any](v T, err error) func(tb reporter) T {
	return func(tb reporter) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func noError(tb reporter, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// equal compares; a nil slice or map equals an empty one.
func equal(tb reporter, what string, got, want any) {
	tb.Helper()
	if reflect.DeepEqual(got, want) { // the usual case, and much cheaper
		return
	}
	if d := differences(want, got); d != "" {
		tb.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// differences tells how two values differ; a nil slice or map equals an empty one.
// Only where they do, it goes from byte to byte, which takes long.
func differences(want, got any, options ...cmp.Option) string {
	options = append(options, cmpopts.EquateEmpty())
	some := func(a, b []byte) bool { return len(a)+len(b) > 0 }
	if cmp.Equal(want, got, append(options, cmp.FilterValues(some, cmp.Comparer(bytes.Equal)))...) {
		return ""
	}
	return cmp.Diff(want, got, options...)
}

// lastEventID makes the IDs of a test binary's events differ.
var lastEventID atomic.Int64

// change is an event of a source, told to endpoints in the source's lane.
func change(source string, endpoints ...string) store.Event {
	n := lastEventID.Add(1)
	e := store.Event{Event: notify.Event{
		ID: fmt.Sprintf("evt_%026d", n), Type: "shop.order.updated", Source: source, Subject: "7",
		Time: epoch, Data: fmt.Appendf(nil, `{"change":"updated","n":%d}`, n),
	}}
	for _, name := range endpoints {
		e.Tell = append(e.Tell, notify.Delivery{Endpoint: name, Lane: source})
	}
	return e
}

func alert(source string, endpoints ...string) store.Event {
	e := change(source, endpoints...)
	e.Type, e.Alert = "pollwire.source.failing", true
	return e
}

// answer is a snapshot whose body says n.
func answer(n int) *store.Snapshot {
	return &store.Snapshot{At: epoch.Add(time.Duration(n) * time.Second), Format: diff.JSON, Body: fmt.Appendf(nil, `{"n":%d}`, n)}
}

// seed commits a first snapshot and one change for the endpoints.
func seed(tb testing.TB, s store.Store, name string, endpoints ...string) (*store.Source, store.Event) {
	tb.Helper()
	src := &store.Source{Name: name}
	c := &store.Commit{Source: src, Snapshot: answer(1), KeepSnapshots: 3, Events: []store.Event{change(name, endpoints...)}}
	mustCommit(tb, s, c)
	return src, c.Events[0]
}

func waitingIDs(tb testing.TB, s store.Store, endpoint string) []int64 {
	tb.Helper()
	var ids []int64
	for _, d := range must(s.Waiting(tb.Context(), endpoint, 0, 1000))(tb) {
		ids = append(ids, d.ID)
	}
	return ids
}
