package daemon

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// neighbour is one of two daemons that ask each other, each on a database of its own
// and with a peer of its own that it asks and tells.
type neighbour struct {
	*Daemon
	client *client.Client
	seat   *seat
	// polled and told count the requests to its peer.
	polled, told atomic.Int64
}

// newNeighbours starts two daemons, of which the second has everything. The first
// has its source disabled, so that it polls nothing by itself.
func newNeighbours(t *testing.T) (a, b *neighbour, box *exchange) {
	t.Helper()
	now := time.Now()
	box = &exchange{owners: map[string]string{"": "B"}, members: []store.Member{
		{ID: "A", Name: "poll-a", Host: "h1", PID: 1, Version: "test", Config: "c1", StartedAt: now, ConfiguredAt: now},
		{ID: "B", Name: "poll-b", Host: "h2", PID: 2, Version: "test", Config: "c1", StartedAt: now, ConfiguredAt: now, Leases: 4},
	}}
	a, b = newNeighbour(t, "A", "poll-a", box), newNeighbour(t, "B", "poll-b", box)
	box.mu.Lock()
	defer box.mu.Unlock()
	box.look = func(node string) {
		if node == "A" {
			a.others.look()
		} else {
			b.others.look()
		}
	}
	return a, b, box
}

func newNeighbour(t *testing.T, id, name string, box *exchange) *neighbour {
	t.Helper()
	n := &neighbour{seat: &seat{exchange: box, id: id, status: cluster.Status{ID: id, Held: map[string]int{"source": 1}}}}
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			n.told.Add(1)
			return
		}
		n.polled.Add(1)
		_, _ = io.WriteString(w, `[{"id":1}]`)
	}))
	t.Cleanup(peer.Close)
	cfg, err := config.Parse("test.yaml", fmt.Appendf(nil, `
storage: {dsn: "sqlite:%s"}
server: {listen: "127.0.0.1:0"}
rate_limits: [{name: shared, requests: 36000, per: 1h}]
sources:
  - {name: shop, enabled: %t, schedule: "0 0 1 1 *", on_missed: skip, request: {url: "%s/api"}, rate_limit: shared, poke: {secret: poke-secret-of-shop}}
endpoints:
  - {name: you, url: "%s/hook", secrets: ["%s"]}
`, filepath.Join(t.TempDir(), "pollwire.db"), id == "B", peer.URL, peer.URL, notify.GenerateSecret()), config.Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	n.Daemon = New(cfg, Options{Version: "test", Node: name, Logger: log, Transport: transport})
	n.others = newOthers(n.seat, box, log)
	mustStart(t, n.Daemon)
	if n.client, err = client.New(client.Options{URL: "http://" + n.Addr()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.client.Close)
	return n
}

// awaitPoll waits until so many polls have come to the peer of a node.
func (n *neighbour) awaitPoll(t *testing.T, polls int64) {
	t.Helper()
	timeout := time.After(patience)
	for n.polled.Load() < polls {
		select {
		case <-timeout:
			t.Fatalf("%d polls were made, not %d", n.polled.Load(), polls)
		case <-time.After(time.Millisecond):
		}
	}
}

// TestWhoHasItDoesIt: what is asked of one node about what another one has is done by
// that one, and answered as if it had been asked.
func TestWhoHasItDoesIt(t *testing.T) {
	t.Parallel()
	a, b, box := newNeighbours(t)
	ctx := t.Context()
	b.awaitPoll(t, 1) // the baseline
	if err := a.client.Poll(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	b.awaitPoll(t, 2)
	if p, err := a.client.Preview(ctx, "shop"); err != nil || p.Source != "shop" || p.Status != 200 {
		t.Errorf("preview %+v, %v", p, err)
	}
	s, err := a.client.Source(ctx, "shop")
	for began := time.Now(); err == nil && s.LastPoll == nil && time.Since(began) < patience; s, err = a.client.Source(ctx, "shop") {
	}
	if err != nil || s.Node != "poll-b" || s.Saved || s.Version != 1 {
		t.Errorf("source %+v, %v", s, err)
	}
	if polls, err := a.client.Polls(ctx, "shop"); err != nil || len(polls) == 0 {
		t.Errorf("polls %+v, %v", polls, err)
	}
	if e, err := a.client.ChangeEndpoint(ctx, "you", server.Pause); err != nil || !e.Paused || e.Node != "poll-b" || e.Saved {
		t.Errorf("pause of an endpoint: %+v, %v", e, err)
	}
	if e, err := (&control{a.Daemon}).Endpoint(ctx, "you"); err != nil || !e.Paused {
		t.Errorf("endpoint %+v, %v", e, err)
	}
	if test, err := a.client.TestEndpoint(ctx, "you"); err != nil || test.Attempt.Status != 200 || b.told.Load() != 1 {
		t.Errorf("test %+v, %v", test, err)
	}
	before := box.stirs
	if s, err := a.client.ChangeSource(ctx, "shop", server.PauseSource); err != nil || s.State != server.SourcePaused || box.stirs != before+1 {
		t.Errorf("pause of a source: %+v, %v", s, err)
	}
	var problem *server.Problem
	if err := a.client.Poll(ctx, "shop"); !errors.As(err, &problem) || problem.Status != http.StatusConflict || !strings.Contains(problem.Detail, "is paused") {
		t.Errorf("poll of a source that is paused: %v", err)
	}
	if err := a.client.AcceptRemoval(ctx, "shop"); err != nil {
		t.Error(err)
	}
	if a.polled.Load() != 0 || a.told.Load() != 0 {
		t.Errorf("the node that was asked has polled %d times and told %d times", a.polled.Load(), a.told.Load())
	}
}

// TestPokeGoesToWhoHasIt: the provider need not know which node that is.
func TestPokeGoesToWhoHasIt(t *testing.T) {
	t.Parallel()
	a, b, box := newNeighbours(t)
	b.awaitPoll(t, 1) // the baseline
	c := &control{a.Daemon}
	if wait, err := c.Poke("shop"); err != nil || wait != 0 {
		t.Fatalf("%s, %v", wait, err)
	}
	b.awaitPoll(t, 2)
	box.mu.Lock()
	box.owners["source/shop"] = "nobody"
	box.mu.Unlock()
	if wait, err := c.Poke("shop"); err != nil || wait != retryAway {
		t.Errorf("what nobody has: %s, %v", wait, err)
	}
	box.mu.Lock()
	box.owners["source/shop"] = "B"
	box.mu.Unlock()
	if err := b.pauses.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.pauses.pause(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Poke("shop"); err == nil || !strings.Contains(err.Error(), "is paused") {
		t.Errorf("what is paused: %v", err)
	}
}

// TestListsAreWhatIsSaved of what other nodes have.
func TestListsAreWhatIsSaved(t *testing.T) {
	t.Parallel()
	a, _, box := newNeighbours(t)
	ctx := t.Context()
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	row := store.Source{Name: "shop", Sequence: 4, Alert: store.SourceAlert{Since: at, Failures: 7, Reason: "no answer", ToldAt: at}}
	if err := a.store.Commit(ctx, &store.Commit{Source: &row, KeepSnapshots: 1}); err != nil {
		t.Fatal(err)
	}
	if err := a.store.SaveEndpointState(ctx, notify.EndpointState{Name: "you", Disabled: true, Reason: "gone", Since: at}); err != nil {
		t.Fatal(err)
	}
	sources, err := a.client.Sources(ctx)
	if err != nil || len(sources) != 1 {
		t.Fatal(sources, err)
	}
	if s := sources[0]; s.Node != "poll-b" || !s.Saved || s.State != server.SourceDisabled || s.Reason != "no answer" || s.Failures != 7 || s.LastPoll != nil {
		t.Errorf("source %+v", s)
	}
	endpoints, err := a.client.Endpoints(ctx)
	if err != nil || len(endpoints) != 1 {
		t.Fatal(endpoints, err)
	}
	if e := endpoints[0]; e.Node != "poll-b" || !e.Saved || e.Enabled || e.Reason != "gone" || e.URL == "" {
		t.Errorf("endpoint %+v", e)
	}
	limits, err := a.client.Limits(ctx)
	if err != nil || len(limits) != 1 {
		t.Fatal(limits, err)
	}
	if l := limits[0]; l.Name != "shared" || l.Node != "poll-b" || !l.Saved || l.Requests != 36000 || l.Left != 36000-l.Used || !slices.Equal(l.Sources, []string{"shop"}) {
		t.Errorf("limit %+v", l)
	}
	box.mu.Lock()
	box.owners[""] = "A"
	box.mu.Unlock()
	limits, err = a.client.Limits(ctx)
	if err != nil || len(limits) != 1 || limits[0].Node != "poll-a" || limits[0].Saved {
		t.Errorf("own limit %+v, %v", limits, err)
	}
	if endpoints, err = a.client.Endpoints(ctx); err != nil || len(endpoints) != 1 || endpoints[0].Node != "poll-a" || endpoints[0].Saved {
		t.Errorf("own endpoint %+v, %v", endpoints, err)
	}
	if sources, err = a.client.Sources(ctx); err != nil || sources[0].Node != "poll-a" || sources[0].Saved {
		t.Errorf("own source %+v, %v", sources, err)
	}
}

// TestWhatNobodyHas is refused, but what the database alone can do or tell.
func TestWhatNobodyHas(t *testing.T) {
	t.Parallel()
	a, b, box := newNeighbours(t)
	ctx := t.Context()
	box.mu.Lock()
	box.owners[""] = "nobody"
	box.mu.Unlock()
	var problem *server.Problem
	for what, err := range map[string]error{
		"poll":   a.client.Poll(ctx, "shop"),
		"accept": a.client.AcceptRemoval(ctx, "shop"),
		"test":   func() error { _, err := a.client.TestEndpoint(ctx, "you"); return err }(),
		"polls":  func() error { _, err := a.client.Polls(ctx, "shop"); return err }(),
	} {
		if !errors.As(err, &problem) || problem.Status != http.StatusServiceUnavailable || !strings.Contains(problem.Detail, "no node has") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if s, err := a.client.Source(ctx, "shop"); err != nil || s.Node != "" || s.Saved {
		t.Errorf("source %+v, %v", s, err)
	}
	if e, err := (&control{a.Daemon}).Endpoint(ctx, "you"); err != nil || e.Node != "" || e.Saved {
		t.Errorf("endpoint %+v, %v", e, err)
	}
	if s, err := a.client.ChangeSource(ctx, "shop", server.PauseSource); err != nil || !s.Paused || box.stirs != 1 {
		t.Errorf("pause %+v, %v", s, err)
	}
	if _, err := a.client.Source(ctx, "none"); !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
		t.Errorf("a source that there is not: %v", err)
	}
	if _, err := (&control{a.Daemon}).Endpoint(ctx, "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an endpoint that there is not: %v", err)
	}

	// Each takes the other one for the node that has it: a request is sent on once.
	box.mu.Lock()
	box.owners[""] = "B"
	box.mu.Unlock()
	b.others.peers = &seat{exchange: &exchange{owners: map[string]string{"": "A"}, members: box.members}, id: "B"}
	if err := a.client.Poll(ctx, "shop"); !errors.As(err, &problem) || !strings.Contains(problem.Detail, "has just gone to node poll-a") {
		t.Errorf("got %v", err)
	}
}

// TestNodesAreTold with what each has, and what none has.
func TestNodesAreTold(t *testing.T) {
	t.Parallel()
	a, _, box := newNeighbours(t)
	ctx := t.Context()
	box.mu.Lock()
	box.owners["endpoint/you"], box.owners["source/shop"] = "nobody", "A"
	box.members[1].Age, box.members[1].Version = 7*time.Second, "older"
	box.members[1].ClockAhead = -1500 * time.Millisecond
	box.mu.Unlock()
	a.seat.status.Age = time.Second
	nodes, err := a.client.Nodes(ctx)
	if err != nil || len(nodes) != 2 {
		t.Fatal(nodes, err)
	}
	self, other := nodes[0], nodes[1]
	if !self.Self || self.Name != "poll-a" || self.State != server.NodeOK || self.Sources != 1 || self.Limits != 0 || self.Endpoints != 0 || time.Since(*self.SeenAt) < time.Second {
		t.Errorf("self %+v", self)
	}
	if other.Self || other.Host != "h2" || other.State != server.NodeSuspended || other.Sources != 0 || other.Limits != 1 || other.Held != 4 || len(other.Differs)+len(self.Differs) != 2 || other.ClockAhead != -1.5 {
		t.Errorf("other %+v", other)
	}
	list, err := (&control{a.Daemon}).Nodes(ctx)
	if err != nil || list.Free != 1 {
		t.Errorf("free %+v, %v", list, err)
	}
	for _, id := range []string{"A", "poll-a"} {
		n, err := a.client.Node(ctx, id)
		if err != nil || n.ID != "A" || len(n.Leases) != 1 || n.Leases[0].Resource != "source/shop" || n.Leases[0].Since.Unix() != 1e9 {
			t.Errorf("node %+v, %v", n, err)
		}
	}
	var problem *server.Problem
	if _, err := a.client.Node(ctx, "poll-c"); !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
		t.Errorf("a node that there is not: %v", err)
	}
	s := parts{a.Daemon}.NodeStatus()
	if s.Members != 2 || s.Free != 1 || s.Unlike["version"] != 1 || s.Unlike["configuration"] != 0 || s.Unlike["clock"] != 1 || s.BeatAge != time.Second || s.Held["source"] != 1 {
		t.Errorf("status %+v", s)
	}
	a.seat.status.Suspended = true
	if n, err := a.client.Node(ctx, "A"); err != nil || n.State != server.NodeSuspended {
		t.Errorf("suspended: %+v, %v", n, err)
	}
	h, err := a.client.Health(ctx)
	if err != nil || h.Ready {
		t.Errorf("health %+v, %v", h, err)
	}
	for _, check := range h.Checks {
		if (check.Name == "node" || check.Name == "nodes") && (check.OK || check.Warning != (check.Name == "nodes")) {
			t.Errorf("check %+v", check)
		}
	}
}
