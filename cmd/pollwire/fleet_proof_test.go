package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store/postgres"
)

// TestFleetSharesSources shares 3,000 sources among three nodes, kills one, and
// stops another: each time the rest takes over.
func TestFleetSharesSources(t *testing.T) {
	t.Parallel()
	const sources = 3000
	f := newFleet(t, 3)
	f.many(t, sources, "10s")
	f.start(t, f.nodes[0])
	f.await(t, "the first node to have all", func() bool { return f.shares(t)["node-0"] == sources })
	begun := time.Now()
	f.start(t, f.nodes[1])
	f.start(t, f.nodes[2])
	f.await(t, "the sources to be shared evenly", func() bool { return even(f.shares(t), sources, 3) })
	t.Logf("%d sources shared evenly %v after the start of two more nodes: %v", sources, time.Since(begun).Round(10*time.Millisecond), f.shares(t))

	f.await(t, "every source to be polled", func() bool { return f.polled(begun) == sources })
	orphans := f.ownedBy(t, "node-1")
	f.nodes[1].kill()
	killed := time.Now()
	took := f.await(t, "the sources of the killed node to be polled", func() bool { return f.polled(killed, orphans...) == len(orphans) })
	t.Logf("the %d sources of a killed node were all polled again within %v", len(orphans), took.Round(10*time.Millisecond))
	f.checkOverlap(t, killed)

	stopped := time.Now()
	f.nodes[2].stop(t)
	f.await(t, "one node to have all", func() bool { return f.shares(t)["node-0"] == sources })
	t.Logf("the sources of a stopped node had another one %v after its SIGTERM", time.Since(stopped).Round(10*time.Millisecond))
	// No run is left out: each source is asked in each interval, and once more for
	// the time that a handover takes.
	f.await(t, "every source to be polled", func() bool { return f.polled(stopped) == sources })
	t.Logf("all were polled again %v after it", time.Since(stopped).Round(10*time.Millisecond))
}

// TestFleetFreezes stops the process of a node for a minute and lets it go on: what
// it had begun is refused, and it asks nobody for anything that is another's.
func TestFleetFreezes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.ledger(t, 8)
	f.startAll(t)
	f.await(t, "the sources to be shared", func() bool { return len(f.shares(t)) == 2 && f.api.answered(2) })
	f.api.letLoose(true)
	f.rest(3000)
	n := f.nodes[0]
	owned := f.ownedBy(t, "node-0")
	n.signal(t, syscall.SIGSTOP)
	frozen := time.Now()
	took := f.await(t, "the other node to ask for all", func() bool { return f.polledBy(frozen, nodeAddress(1), owned...) == len(owned) })
	t.Logf("the sources of a frozen node were polled by another after %v", took.Round(10*time.Millisecond))
	<-time.After(time.Until(frozen.Add(time.Minute)))
	n.signal(t, syscall.SIGCONT)
	awake := time.Now()
	f.await(t, "the sources to be shared again", func() bool { return len(f.shares(t)) == 2 })
	again := time.Now()
	var stale []string
	for _, v := range f.visits.since(awake) {
		if v.node == nodeAddress(0) && v.at.Before(again.Add(-2*time.Second)) && v.at.Before(awake.Add(500*time.Millisecond)) {
			stale = append(stale, v.source)
		}
	}
	if len(stale) > 0 {
		t.Errorf("after it went on, the node asked for what was another's: %v", stale)
	}
	f.settle(t)
	f.checkBooks(t)
	f.checkLog(t)
	f.checkLimit(t)
}

// TestFleetIsCutOff drops what goes between a node and the database, and then what
// goes between the database and all.
func TestFleetIsCutOff(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.ledger(t, 8)
	f.startAll(t)
	f.await(t, "the sources to be shared", func() bool { return len(f.shares(t)) == 2 && f.api.answered(2) })
	f.api.letLoose(true)
	f.rest(3000)
	owned := f.ownedBy(t, "node-0")
	f.network.cut(t, f.port, 0)
	cut := time.Now()
	took := f.await(t, "the other node to ask for all", func() bool { return f.polledBy(cut, nodeAddress(1), owned...) == len(owned) })
	first := time.Now()
	for _, v := range f.visits.since(cut) {
		if v.node == nodeAddress(1) && slices.Contains(owned, v.source) {
			first = v.at
			break
		}
	}
	last := cut
	for _, v := range f.visits.since(cut) {
		if v.node == nodeAddress(0) {
			last = v.at
		}
	}
	t.Logf("cut off: the node's last request came after %v, the other's first for the same sources after %v, all were polled after %v",
		last.Sub(cut).Round(10*time.Millisecond), first.Sub(cut).Round(10*time.Millisecond), took.Round(10*time.Millisecond))
	if !last.Before(first) {
		t.Error("the node that was cut off went on asking when another had begun to")
	}
	f.network.mend(t)
	f.await(t, "the sources to be shared again", func() bool { return len(f.shares(t)) == 2 })

	before := f.members(t)
	f.network.cut(t, f.port, -1)
	f.rest(20_000)
	f.network.mend(t)
	mended := time.Now()
	took = f.await(t, "every source to be polled again", func() bool { return f.polled(mended) == len(f.sources) })
	t.Logf("the database was away from all: every source was polled %v after it was back", took.Round(10*time.Millisecond))
	if after := f.members(t); !slices.Equal(before, after) {
		t.Errorf("nodes were %v and are %v: an outage of the database is nobody's death", before, after)
	}
	f.settle(t)
	f.checkBooks(t)
	f.checkLog(t)
	f.checkLimit(t)
}

// many makes the configuration of sources that are asked for and never change.
func (f *fleet) many(t *testing.T, n int, every string) {
	t.Helper()
	f.visits = &visits{next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"a":1}`))
	})}
	upstream := f.serve(t, f.visits)
	var b strings.Builder
	fmt.Fprintf(&b, "storage: {dsn: \"postgres://postgres@%s:%s/%s?sslmode=disable\"}\nserver: {listen: \"\"}\nsources:\n",
		hubAddress, f.port, databaseOf(f.dsn))
	for i := range n {
		f.sources = append(f.sources, fmt.Sprintf("s-%04d", i))
		fmt.Fprintf(&b, "  - {name: s-%04d, schedule: \"@every %s\", request: {url: \"%s/s-%04[1]d\"}}\n", i, every, upstream)
	}
	f.config = b.String()
}

// read reads from the database as a stranger to the fleet.
func (f *fleet) read(t *testing.T, look func(ctx context.Context, s *postgres.Store) error) {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Options{DSN: f.dsn, ReadOnly: true})
	if err != nil {
		return // the first node is still making the schema
	}
	defer func() { _ = s.Close() }()
	if err := look(t.Context(), s); err != nil {
		t.Logf("read: %v", err)
	}
}

// owners are the names of the nodes by the sources that they hold.
func (f *fleet) owners(t *testing.T) map[string]string {
	t.Helper()
	owners := make(map[string]string)
	f.read(t, func(ctx context.Context, s *postgres.Store) error {
		members, err := s.Members(ctx)
		if err != nil {
			return err
		}
		names := make(map[string]string)
		for i := range members {
			names[members[i].ID] = members[i].Name
		}
		leases, err := s.Leases(ctx, time.Time{})
		for _, l := range leases {
			if source, ok := strings.CutPrefix(l.Resource, "source/"); ok && names[l.Node] != "" {
				owners[source] = names[l.Node]
			}
		}
		return err
	})
	return owners
}

// shares are how many sources each node holds, by its name.
func (f *fleet) shares(t *testing.T) map[string]int {
	t.Helper()
	shares := make(map[string]int)
	for _, node := range f.owners(t) {
		shares[node]++
	}
	return shares
}

// ownedBy are the sources that a node holds.
func (f *fleet) ownedBy(t *testing.T, node string) []string {
	t.Helper()
	var owned []string
	for source, owner := range f.owners(t) {
		if owner == node {
			owned = append(owned, source)
		}
	}
	slices.Sort(owned)
	return owned
}

// members are the nodes that live, in each of their lives.
func (f *fleet) members(t *testing.T) []string {
	t.Helper()
	var ids []string
	f.read(t, func(ctx context.Context, s *postgres.Store) error {
		members, err := s.Members(ctx)
		for i := range members {
			ids = append(ids, members[i].ID)
		}
		return err
	})
	slices.Sort(ids)
	return ids
}

// even says whether all sources have owners, and none of n nodes has more than a
// fifth beside its share.
func even(shares map[string]int, sources, n int) bool {
	total := 0
	for _, share := range shares {
		total += share
		if share*n > sources+sources/5 || share*n < sources-sources/5 {
			return false
		}
	}
	return len(shares) == n && total == sources
}

// polled is how many of some sources, all where none is named, were asked for since
// a time.
func (f *fleet) polled(since time.Time, sources ...string) int {
	return f.polledBy(since, "", sources...)
}

// polledBy is polled for the requests of one address.
func (f *fleet) polledBy(since time.Time, address string, sources ...string) int {
	wanted := make(map[string]bool)
	for _, source := range sources {
		wanted[source] = true
	}
	seen := make(map[string]bool)
	for _, v := range f.visits.since(since) {
		if (address == "" || v.node == address) && (len(wanted) == 0 || wanted[v.source]) {
			seen[v.source] = true
		}
	}
	return len(seen)
}

// checkOverlap fails where a source was asked for by two nodes in turns: each has
// one owner, until that dies.
func (f *fleet) checkOverlap(t *testing.T, since time.Time) {
	t.Helper()
	last := make(map[string]string)
	changes := make(map[string]int)
	for _, v := range f.visits.since(since) {
		if node := last[v.source]; node != "" && node != v.node {
			changes[v.source]++
		}
		last[v.source] = v.node
	}
	for source, n := range changes {
		if n > 1 {
			t.Errorf("source %s changed its owner %d times", source, n)
		}
	}
}
