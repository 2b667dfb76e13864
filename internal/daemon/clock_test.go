package daemon_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// TestClockThatWasAhead starts a daemon on what one has left whose clock was ten
// years ahead, before it was set right: all its times lie in the future. Nothing
// waits for them.
func TestClockThatWasAhead(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"n":1}`)
	h := newHooks(t)
	yaml := fmt.Sprintf(`
rate_limits:
  - {name: shared, requests: 5, per: 2s}
sources:
  - {name: thing, schedule: "@every 1s", rate_limit: shared, request: {url: "%s"}, event_type: thing}
endpoints:
  - {name: you, url: "%s", secrets: ["%s"], retry: {schedule: [1s], jitter: 0, max_retry_after: 1s}, breaker: {cooldown: 1s, max_cooldown: 1s}}
`, a.url, h.url, h.secret)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, yaml)
	d.baseline(t, "thing")
	a.says(`{"n":2}`)
	first := h.await(t, "", kind("updated"))
	stopDaemon(t, d.Daemon)
	leaveTheFuture(t, filepath.Join(dir, "pollwire.db"), time.Now().AddDate(10, 0, 0))

	a.says(`{"n":3}`)
	restartDaemon(t, dir, yaml)
	h.await(t, "", func(e receiver.Envelope) bool { return e.ID == "evt_FUTURE" })
	second := h.await(t, "", func(e receiver.Envelope) bool {
		return e.Type == "thing.updated" && e.ID != first.ID && e.ID != "evt_FUTURE"
	})
	if second.Data.PreviousHash != first.Data.Hash || string(second.Data.After) != `{"n":3}` {
		t.Errorf("told %+v after %+v", second, first)
	}
}

// leaveTheFuture writes to a database what a daemon leaves whose clock says now.
func leaveTheFuture(t *testing.T, path string, now time.Time) {
	t.Helper()
	ctx := t.Context()
	s, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	src, err := s.Source(ctx, "thing")
	must(err)
	alert := store.Event{
		Event: notify.Event{ID: "evt_FUTURE", Type: "thing.updated", Source: "thing", Time: now, Alert: true, Data: []byte(`{"change":"updated"}`)},
		Tell:  []notify.Delivery{{Endpoint: "you", Lane: "source/thing"}},
	}
	c := store.Commit{Source: &src, Events: []store.Event{alert}}
	must(s.Commit(ctx, &c))
	must(s.Record(ctx, []notify.Outcome{{
		Delivery: c.Events[0].Tell[0].ID, State: notify.Waiting, Attempts: 1, NotBefore: now.Add(time.Second),
		Attempt: notify.Attempt{Number: 1, At: now, Status: 503, Error: "busy"},
	}}))
	must(s.SaveEndpointState(ctx, notify.EndpointState{
		Name: "you", PausedUntil: now.Add(time.Second), Failures: 5, FailingSince: now.Add(-time.Minute), FailedAt: now,
		OpenUntil: now.Add(time.Second), Cooldown: time.Second,
	}))
	must(s.SaveBudgets(ctx, []poller.Budget{{
		Limit: "shared", Spent: []poller.Spend{{At: now.Add(-time.Second), Count: 5}}, PausedUntil: now.Add(time.Second),
	}}))
	must(s.SaveNextRuns(ctx, map[string]time.Time{"thing": now.Add(time.Second)}))
	must(s.Close())
}
