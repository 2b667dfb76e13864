package daemon_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
)

// awaitSource asks how a source stands until it is as wanted.
func (r *running) awaitSource(t *testing.T, name string, wanted func(*server.Source) bool) *server.Source {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		s, err := r.client.Source(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if wanted(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("source %s stands at %+v", name, s)
		}
	}
}

func inState(state server.SourceState) func(*server.Source) bool {
	return func(s *server.Source) bool { return s.State == state }
}

// others are sources beside orders: one is disabled, one has a limit of its own.
const others = `  - {name: off, schedule: "@hourly", enabled: false, request: {url: "http://127.0.0.1:1/TOPSECRET?key=TOPSECRET"}, auth: {type: bearer, token: TOPSECRET}}
  - {name: lost, schedule: "@every 9h", request: {url: "http://127.0.0.1:1/", timeout: 1s}, retry: {max_attempts: 1}, rate_limit: {requests: 5, per: 1h, reserve: 1}}
`

// TestSourcesAreLookedAt: what has become of each is told, and nothing secret.
func TestSourcesAreLookedAt(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	d := startDaemon(t, orders(a, h, others))
	before := time.Now().Add(-time.Minute)
	s := d.awaitSource(t, "orders", inState(server.SourceOK))
	if s.Version != 1 || s.Sequence != 0 || s.ChangedAt == nil || s.ChangedAt.Before(before) || s.Schedule != "@yearly" || s.NextRun == nil ||
		s.LastPoll == nil || s.LastPoll.Outcome != server.PollBaseline || s.Request != "GET "+a.url {
		t.Errorf("after the first answer: %+v", s)
	}
	a.says(`{"data":[{"id":1},{"id":2}]}`)
	d.poll(t, "orders")
	s = d.awaitSource(t, "orders", func(s *server.Source) bool { return s.Version == 2 && s.LastPoll.Changes == 2 })
	if s.Sequence != 2 || s.LastPoll.Outcome != server.PollChanged || s.LastPoll.Status != 200 || s.LastPoll.Bytes == 0 || s.LastPoll.Requests != 1 {
		t.Errorf("after a change: %+v, %+v", s, s.LastPoll)
	}
	if s = d.awaitSource(t, "orders", func(s *server.Source) bool { return s.Changes[23] == 2 }); len(s.Changes) != 24 || slices.Max(s.Changes[:23]) != 0 {
		t.Errorf("changes of the last day: %v", s.Changes)
	}
	a.answers(http.StatusBadGateway, "text/plain", "no")
	d.poll(t, "orders")
	s = d.awaitSource(t, "orders", inState(server.SourceFailing))
	if s.Failures != 1 || s.FailingSince == nil || !strings.Contains(s.Reason, "502") || s.Version != 2 {
		t.Errorf("after a failure: %+v", s)
	}
	polls, err := d.client.Polls(t.Context(), "orders")
	if err != nil || len(polls) != 3 || polls[0].Outcome != server.PollFailed || polls[0].Status != 502 || polls[2].Outcome != server.PollBaseline {
		t.Errorf("polls %+v: %v", polls, err)
	}

	d.awaitSource(t, "lost", inState(server.SourceFailing))
	list, err := d.client.Sources(t.Context())
	if err != nil || len(list) != 3 || list[0].Name != "lost" || list[1].Name != "off" || list[2].Name != "orders" {
		t.Fatalf("sources %+v: %v", list, err)
	}
	if lost := list[0]; lost.Limit != "source/lost" || lost.LastPoll == nil || lost.LastPoll.Status != 0 || lost.Version != 0 {
		t.Errorf("lost: %+v", lost)
	}
	if off := list[1]; off.State != server.SourceDisabled || off.NextRun != nil || off.LastPoll != nil {
		t.Errorf("off: %+v", off)
	}
	told, err := json.Marshal(list)
	if err != nil || strings.Contains(strings.ReplaceAll(string(told), "/TOPSECRET", ""), "TOPSECRET") {
		t.Errorf("told %s, %v", told, err)
	}
	_, err = d.client.Source(t.Context(), "nobody")
	wantProblem(t, "nobody", err, http.StatusNotFound, `no source "nobody"`)
	_, err = d.client.Polls(t.Context(), "nobody")
	wantProblem(t, "polls of nobody", err, http.StatusNotFound, `no source "nobody"`)
}

// TestTheDaemonIsLookedAt: its limits and the node that it is.
func TestTheDaemonIsLookedAt(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	began := time.Now().Add(-time.Second)
	d := startDaemon(t, orders(a, h, others))
	d.awaitSource(t, "lost", inState(server.SourceFailing))
	limits, err := d.client.Limits(t.Context())
	if err != nil || len(limits) != 1 {
		t.Fatalf("limits %+v: %v", limits, err)
	}
	l := limits[0]
	if l.Name != "source/lost" || l.Requests != 5 || l.PerSeconds != 3600 || l.Reserve != 1 || l.Used != 1 || l.Left != 3 ||
		!slices.Equal(l.Sources, []string{"lost"}) || l.PausedUntil != nil {
		t.Errorf("limit %+v", l)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := d.client.Nodes(t.Context())
	if err != nil || len(nodes) != 1 {
		t.Fatalf("nodes %+v: %v", nodes, err)
	}
	n := nodes[0]
	if n.Name != host || n.Version != "test" || n.Sources != 2 || n.Endpoints != 1 || n.StartedAt.Before(began) || n.ConfiguredAt.Before(n.StartedAt) {
		t.Errorf("node %+v", n)
	}
}

// TestPausedSourcesAreNotPolled until they are resumed, over a restart, under
// another name, and whoever asks.
func TestPausedSourcesAreNotPolled(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	yaml, dir := orders(a, h, "    poke: {secret: "+pokeSecret+"}\n"), daemon.MustMigrate(t)
	d := restartDaemon(t, dir, yaml)
	d.baseline(t, "orders")
	var since *time.Time
	for range 2 {
		s, err := d.client.ChangeSource(t.Context(), "orders", server.PauseSource)
		if err != nil || s.State != server.SourcePaused || !s.Paused || s.PausedSince == nil || s.NextRun != nil {
			t.Fatalf("pause: %+v, %v", s, err)
		}
		if since == nil {
			since = s.PausedSince
		}
		if !s.PausedSince.Equal(*since) {
			t.Errorf("paused since %v, and then since %v", since, s.PausedSince)
		}
	}
	a.says(`{"data":[{"id":7}]}`)
	wantProblem(t, "trigger", d.client.Poll(t.Context(), "orders"), http.StatusConflict, "pollwire resume source/orders")
	if status := d.poke(t, "orders", pokeSecret); status != http.StatusConflict {
		t.Errorf("a poke was answered with %d", status)
	}
	if err := d.client.AcceptRemoval(t.Context(), "orders"); err != nil {
		t.Errorf("accept: %v", err)
	}
	stopDaemon(t, d.Daemon)

	yaml = strings.Replace(yaml, "- name: orders", "- name: purchases\n    formerly: orders", 1)
	d = restartDaemon(t, dir, yaml)
	s := d.awaitSource(t, "purchases", inState(server.SourcePaused))
	if s.PausedSince.Sub(*since).Abs() > time.Millisecond || s.LastPoll != nil || s.Version != 1 {
		t.Errorf("after a restart: %+v", s)
	}
	wantProblem(t, "trigger", d.client.Poll(t.Context(), "purchases"), http.StatusConflict, "pollwire resume source/purchases")
	for range 2 {
		if s, err := d.client.ChangeSource(t.Context(), "purchases", server.ResumeSource); err != nil || s.Paused || s.PausedSince != nil || s.NextRun == nil {
			t.Fatalf("resume: %+v, %v", s, err)
		}
	}
	d.poll(t, "purchases")
	h.await(t, "7", kind("created"))
	_, err := d.client.ChangeSource(t.Context(), "orders", server.PauseSource)
	wantProblem(t, "pause nobody", err, http.StatusNotFound, `no source "orders"`)
}

// TestSnapshotsAreLookedAt: those that are kept, as they came.
func TestSnapshotsAreLookedAt(t *testing.T) {
	t.Parallel()
	const first, second = `{"data":[ {"id":1, "n":1.0} ]}`, "{\"data\":[]}\n"
	a, h := newAPI(t, first), newHooks(t)
	d := startDaemon(t, orders(a, h, others))
	d.baseline(t, "orders")
	a.says(second)
	d.poll(t, "orders")
	d.unchanged(t, "orders")
	for version, want := range map[int64]string{0: second, 1: first, 2: second} {
		got, err := d.client.Snapshot(t.Context(), server.SnapshotQuery{Source: "orders", Version: version})
		if err != nil || string(got.Body) != want || got.Format != "json" || got.Pages != 1 || got.At.IsZero() || version > 0 && got.Version != version {
			t.Errorf("version %d: %+v, %v", version, got, err)
		}
	}
	for _, tc := range []struct {
		q    server.SnapshotQuery
		want string
	}{
		{server.SnapshotQuery{Source: "nobody"}, `no source "nobody"`},
		{server.SnapshotQuery{Source: "off"}, "no snapshot yet"},
		{server.SnapshotQuery{Source: "orders", Version: 9}, "those from 1 to 2 are"},
		{server.SnapshotQuery{Source: "orders", Page: 2}, "no page 2: the last is 1"},
	} {
		_, err := d.client.Snapshot(t.Context(), tc.q)
		wantProblem(t, tc.want, err, http.StatusNotFound, tc.want)
	}
}

// TestSnapshotsOfSeveralPages are read page by page.
func TestSnapshotsOfSeveralPages(t *testing.T) {
	t.Parallel()
	pages := []string{`[{"id":1},{"id":2}]`, `[{"id":3}]`}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body := "[]"
		if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil && n <= len(pages) {
			body = pages[n-1]
		}
		_, _ = io.WriteString(w, body) // the client may have gone
	}))
	t.Cleanup(api.Close)
	d := startDaemon(t, `
sources:
  - {name: list, schedule: "@yearly", request: {url: "`+api.URL+`"}, items: {path: "@this", key: id}, pagination: {type: page_number, page_param: page}}
`)
	d.baseline(t, "list")
	for i, want := range pages {
		got, err := d.client.Snapshot(t.Context(), server.SnapshotQuery{Source: "list", Page: i + 1})
		if err != nil || string(got.Body) != want || got.Pages != 2 || got.Version != 1 {
			t.Errorf("page %d: %+v, %v", i+1, got, err)
		}
	}
}
