package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server/client"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres"
)

// rollingEvery is the interval of the sources of a rolling restart.
const rollingEvery = 2 * time.Second

// TestFleetRolls restarts three nodes one after another, as a new version is rolled
// out, and looks whether each source was asked in each of its intervals.
func TestFleetRolls(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.ledger(t, 8)
	every := f.idle(t, 100, `"@every 2s"`, "on_missed: skip")
	cron := f.idle(t, 100, `"*/2 * * * * *"`, "on_missed: skip")
	all := len(every) + len(cron) + len(f.sources)
	f.keepAudit(t)
	f.startAll(t)
	f.await(t, "the sources to be shared", func() bool { return even(f.shares(t), all, 3) && f.polled(time.Time{}) == all })
	f.api.letLoose(true)
	f.rest(3000)
	begun := time.Now()
	for _, n := range append(f.nodes, f.nodes...) {
		n.stop(t)
		f.start(t, n)
		f.await(t, "the node to have its share", func() bool { return even(f.shares(t), all, 3) })
		f.rest(3000)
	}
	ended := time.Now()
	t.Logf("three nodes were restarted twice within %v", ended.Sub(begun).Round(10*time.Millisecond))
	f.checkIntervals(t, every, begun, ended)
	f.checkIntervals(t, cron, begun, ended)
	f.end(t, 0)
}

// checkIntervals fails where a source was not asked in one of its intervals, which
// follow each other from its first request on.
func (f *fleet) checkIntervals(t *testing.T, sources []string, begun, ended time.Time) {
	t.Helper()
	asked := make(map[string][]time.Time)
	for _, v := range f.visits.since(begun.Add(-rollingEvery)) {
		asked[v.source] = append(asked[v.source], v.at)
	}
	var longest time.Duration
	intervals := 0
	for _, source := range sources {
		times := asked[source]
		if len(times) == 0 {
			t.Errorf("%s was never asked", source)
			continue
		}
		for i := 1; i < len(times); i++ {
			longest = max(longest, times[i].Sub(times[i-1]))
		}
		// A request may be late, but not by an interval: the next one is due then. What
		// it came late itself at first is not known, and less than a tenth.
		for from := times[0].Add(-rollingEvery / 10); from.Add(rollingEvery).Before(ended); from = from.Add(rollingEvery) {
			intervals++
			if !slices.ContainsFunc(times, func(at time.Time) bool { return !at.Before(from) && at.Before(from.Add(rollingEvery)) }) {
				t.Errorf("%s was not asked between %v and %v, but at %v", source, from, from.Add(rollingEvery), times)
			}
		}
	}
	t.Logf("%d intervals of %d sources, the longest time between two requests for one was %v", intervals, len(sources), longest.Round(10*time.Millisecond))
}

// TestFleetIsUnlike lets a node have another configuration and another one another
// version, which each of them says, and brings them together again.
func TestFleetIsUnlike(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.ledger(t, 2)
	f.startAll(t)
	f.await(t, "the nodes to be alike", func() bool { return slices.Equal(f.differing(t, 0), []string{"node-0", "node-1", "node-2"}) })
	odd := f.nodes[1]
	other := strings.Replace(f.config, `"@every 500ms"`, `"@every 700ms"`, 1)
	f.reload(t, odd, other)
	for i := range f.nodes {
		f.await(t, "each node to see that one has another configuration", func() bool {
			return slices.Equal(f.differing(t, i), []string{"node-0", "node-1 configuration", "node-2"})
		})
	}
	f.await(t, "a node to log it", func() bool {
		return strings.Contains(f.nodes[2].stderr.from(0, 1<<30), "node is unlike most of the others")
	})
	f.reload(t, odd, f.config)
	f.await(t, "the nodes to be alike again", func() bool { return slices.Equal(f.differing(t, 2), []string{"node-0", "node-1", "node-2"}) })

	s, err := postgres.Open(t.Context(), postgres.Options{DSN: f.dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	newer := store.Member{ID: "newer", Name: "node-3", Version: "v99.0.0", StartedAt: time.Now(), ConfiguredAt: time.Now()}
	if err := s.Join(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	f.await(t, "a node to see that one has another version", func() bool {
		_, _ = s.Beat(t.Context(), newer)
		return slices.Equal(f.differing(t, 0), []string{"node-0", "node-1", "node-2", "node-3 version"})
	})
	if err := s.Leave(t.Context(), newer.ID); err != nil {
		t.Fatal(err)
	}
	f.await(t, "the nodes to be alike at last", func() bool { return slices.Equal(f.differing(t, 0), []string{"node-0", "node-1", "node-2"}) })
	for _, n := range f.nodes {
		n.stop(t)
	}
}

// reload gives a node another configuration.
func (f *fleet) reload(t *testing.T, n *fleetNode, config string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, "pollwire.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	n.signal(t, syscall.SIGHUP)
}

// differing are the nodes by name, as one of them tells them, each with in what it
// is unlike the others.
func (f *fleet) differing(t *testing.T, node int) (names []string) {
	t.Helper()
	c, err := client.New(client.Options{Socket: filepath.Join(f.nodes[node].dir, "pollwire.sock")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	nodes, err := c.Nodes(t.Context())
	if err != nil {
		return nil // it is still starting
	}
	for i := range nodes {
		name := nodes[i].Name
		for _, aspect := range nodes[i].Differs {
			name += " " + string(aspect)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
