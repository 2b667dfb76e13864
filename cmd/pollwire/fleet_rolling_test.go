package main

import (
	"fmt"
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

// rollingEvery is the interval of the sources of a rolling restart: longer where the
// machine does much else at the same time.
func rollingEvery() time.Duration {
	if os.Getenv("POLLWIRE_LONG") != "" {
		return 2 * time.Second
	}
	return 5 * time.Second
}

// TestFleetRolls restarts three nodes one after another, as a new version is rolled
// out, and looks whether each source was asked in each of its intervals.
func TestFleetRolls(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.ledger(t, 8)
	interval := rollingEvery()
	every := f.idle(t, 40, fmt.Sprintf("%q", "@every "+interval.String()), "on_missed: skip")
	cron := f.idle(t, 40, fmt.Sprintf(`"*/%d * * * * *"`, int(interval.Seconds())), "on_missed: skip")
	// One that takes long to answer holds up nobody but itself.
	slow := f.slow(t, 6, 3*interval/2, `"@every 3s"`)
	all := len(every) + len(cron) + len(slow) + len(f.sources)
	shared := func() bool {
		shares := f.shares(t)
		return len(shares) == 3 && shares["node-0"]+shares["node-1"]+shares["node-2"] == all
	}
	f.keepAudit(t)
	f.startAll(t)
	f.await(t, "the sources to be shared", func() bool { return shared() && f.polled(time.Time{}) == all })
	f.api.letLoose(true)
	f.rest(3000)
	begun := time.Now()
	for _, n := range f.nodes {
		n.stop(t)
		f.start(t, n)
		f.await(t, "the node to have its share", shared)
		f.rest(3000)
	}
	ended := time.Now()
	t.Logf("three nodes were restarted within %v", ended.Sub(begun).Round(10*time.Millisecond))
	f.checkIntervals(t, every, interval, begun, ended)
	f.checkIntervals(t, cron, interval, begun, ended)
	f.end(t, 0)
}

// checkIntervals fails where a source was not asked in one of its intervals, which
// follow each other from its first request on.
func (f *fleet) checkIntervals(t *testing.T, sources []string, interval time.Duration, begun, ended time.Time) {
	t.Helper()
	asked := make(map[string][]time.Time)
	for _, v := range f.visits.since(begun.Add(-2 * interval)) {
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
		// A request may be late, but not by an interval: the next one is due then.
		for from := firstInterval(times, interval); from.Add(interval).Before(ended); from = from.Add(interval) {
			intervals++
			if !slices.ContainsFunc(times, func(at time.Time) bool { return !at.Before(from) && at.Before(from.Add(interval)) }) {
				t.Errorf("%s was not asked between %v and %v, but at %v", source, from, from.Add(interval), times)
			}
		}
	}
	t.Logf("%d intervals of %d sources, the longest time between two requests for one was %v", intervals, len(sources), longest.Round(10*time.Millisecond))
}

// firstInterval is when the first interval of a source begins in which it was asked,
// as most of its requests say: these are on time.
func firstInterval(times []time.Time, interval time.Duration) time.Time {
	slack := interval / 10
	phase := func(at time.Time) time.Duration { return time.Duration(at.UnixNano()) % interval }
	best, most := phase(times[0]), 0
	for _, at := range times {
		alike := 0
		for _, other := range times {
			if (phase(other)-phase(at)+slack/2+interval)%interval <= slack {
				alike++
			}
		}
		if alike > most {
			best, most = phase(at), alike
		}
	}
	return times[0].Add(-(phase(times[0]) - best + slack/2 + interval) % interval)
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
