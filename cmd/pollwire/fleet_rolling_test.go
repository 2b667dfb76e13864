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

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/server/client"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres"
)

// rollingEvery is the interval of the sources of a rolling restart: in a proof it is
// shorter than a restart takes, else a slow machine has time for one.
func rollingEvery() time.Duration {
	if proof() {
		return 2 * time.Second
	}
	return 15 * time.Second
}

// TestFleetRolls restarts three nodes one after another, as a new version is rolled
// out, and looks whether each source was asked in each of its intervals.
func TestFleetRolls(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.ledger(t, 6)
	interval := rollingEvery()
	every := f.idle(t, 40, fmt.Sprintf("%q", "@every "+interval.String()), "on_missed: skip")
	cron := f.idle(t, 40, fmt.Sprintf(`"*/%d * * * * *"`, int(interval.Seconds())), "on_missed: skip")
	// One that takes long to answer holds up nobody but itself.
	slow := f.slow(t, 6, min(3*interval/2, 8*time.Second), `"@every 3s"`)
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
	f.api.letLoose(false)
	f.await(t, "the sources to be polled after it", func() bool {
		return f.polled(ended, every...)+f.polled(ended, cron...) == len(every)+len(cron)
	})
	t.Logf("three nodes were restarted within %v", ended.Sub(begun).Round(10*time.Millisecond))
	f.checkIntervals(t, every, interval, begun)
	f.checkIntervals(t, cron, interval, begun)
	f.end(t)
}

// checkIntervals fails where a source was not asked in one of its intervals. They
// follow each other, and when the first one begins is the source's own secret: there
// must be a time by which all of them have a request.
func (f *fleet) checkIntervals(t *testing.T, sources []string, interval time.Duration, begun time.Time) {
	t.Helper()
	asked := make(map[string][]time.Time)
	for _, v := range f.visits.since(begun.Add(-2 * interval)) {
		asked[v.source] = append(asked[v.source], v.at)
	}
	var longest time.Duration
	requests := 0
	for _, source := range sources {
		times := asked[source]
		requests += len(times)
		for i := 1; i < len(times); i++ {
			longest = max(longest, times[i].Sub(times[i-1]))
		}
		if len(times) == 0 || !slices.ContainsFunc(times, func(on time.Time) bool { return keeps(times, interval, on) }) {
			t.Errorf("%s was not asked in each interval of %v, but at %v", source, interval, times)
		}
	}
	t.Logf("%d requests for %d sources every %v, the longest time between two for one was %v", requests, len(sources), interval, longest.Round(10*time.Millisecond))
}

// keeps says whether each interval from the first of some requests to the last has
// one of them, where one interval begins at a given time. A request may be late, but
// not by an interval: the next one is due then.
func keeps(times []time.Time, interval time.Duration, on time.Time) bool {
	number := func(at time.Time) time.Duration {
		n := at.Sub(on)
		if n < 0 {
			n -= interval - 1
		}
		return n / interval
	}
	for i := 1; i < len(times); i++ {
		if number(times[i]) > number(times[i-1])+1 {
			return false
		}
	}
	return true
}

// TestKeeps: one that is left out is found, whatever the others are late by.
func TestKeeps(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		seconds []int
		want    bool
	}{
		{[]int{0, 10, 20, 30}, true},
		{[]int{0, 19, 20, 39}, true},
		{[]int{0, 10, 30, 40}, false},
		{[]int{4, 10, 20, 39, 40}, true},
		{[]int{0, 10, 20, 41}, false},
		{[]int{7}, true},
	} {
		var times []time.Time
		for _, s := range tc.seconds {
			times = append(times, time.Unix(int64(s), 0))
		}
		if got := slices.ContainsFunc(times, func(on time.Time) bool { return keeps(times, 10*time.Second, on) }); got != tc.want {
			t.Errorf("%v every 10s: %v, want %v", tc.seconds, got, tc.want)
		}
	}
}

// setClock lets the database's clock be ahead of all others. It is called before the
// nodes start, too, so that they are connected where its clock may be set.
func (f *fleet) setClock(t *testing.T, ahead time.Duration) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	// What is named before pg_catalog is found first.
	_, err = conn.Exec(t.Context(), fmt.Sprintf(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET search_path = public, pg_catalog', current_database()); END $$;
		CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
		'SELECT pg_catalog.clock_timestamp() + interval ''%d milliseconds'''`, ahead.Milliseconds()))
	if err != nil {
		t.Fatal(err)
	}
}

// TestFleetIsUnlike lets a node have another configuration and another one another
// version, and the database another time, which each of them says, and brings them
// together again.
func TestFleetIsUnlike(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.ledger(t, 2)
	f.setClock(t, 0)
	f.startAll(t)
	f.await(t, "the nodes to be alike", func() bool { return slices.Equal(f.differing(t, 0), []string{"node-0", "node-1", "node-2"}) })
	odd := f.nodes[1]
	other := strings.Replace(f.config, `"@every 1s"`, `"@every 2s"`, 1)
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

	f.setClock(t, 4*time.Second)
	for i, n := range f.nodes {
		f.await(t, "each node to see and log that the clocks are apart", func() bool {
			return slices.Equal(f.differing(t, i), []string{"node-0 clock", "node-1 clock", "node-2 clock"}) &&
				strings.Contains(n.stderr.from(0, 1<<30), "the clocks of this node and of the database are apart")
		})
	}
	f.setClock(t, 0)
	f.await(t, "the clocks to be the same again", func() bool { return slices.Equal(f.differing(t, 1), []string{"node-0", "node-1", "node-2"}) })

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
