package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store/postgres"
)

// idle adds sources that never change to the configuration, and returns their names.
// It comes after ledger, and before the first node.
func (f *fleet) idle(t *testing.T, n int, schedule string, keys ...string) (names []string) {
	t.Helper()
	return f.slow(t, n, 0, schedule, keys...)
}

// slow is idle for sources that take so long to answer.
func (f *fleet) slow(t *testing.T, n int, takes time.Duration, schedule string, keys ...string) (names []string) {
	t.Helper()
	upstream := f.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.visits.note(r)
		select {
		case <-time.After(takes):
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"a":1}`))
	}))
	kind := f.random.Uint32()
	var b strings.Builder
	for i := range n {
		name := fmt.Sprintf("idle-%08x-%04d", kind, i)
		names = append(names, name)
		fmt.Fprintf(&b, "  - {name: %s, schedule: %s, request: {url: \"%s/%[1]s\"}%[4]s}\n", name, schedule, upstream, strings.Join(append([]string{""}, keys...), ", "))
	}
	f.config = strings.Replace(f.config, "\nendpoints:\n", "\n"+b.String()+"endpoints:\n", 1)
	return names
}

// proof says whether the machine does nothing else, so that the test may take longer,
// and times are those of the nodes.
func proof() bool { return os.Getenv("POLLWIRE_LONG") != "" }

// promised logs how long something took, and fails in a proof where that is longer
// than was promised. That nodes keep to it by their clocks is shown by the tests of
// the cluster, which have one of their own; how long a machine that does much else
// takes beside, nobody has promised.
func (f *fleet) promised(t *testing.T, what string, took, promised time.Duration) {
	t.Helper()
	t.Logf("%s: after %v, promised are %v", what, took.Round(10*time.Millisecond), promised)
	if proof() && took > promised {
		t.Errorf("%s: after %v, more than %v", what, took, promised)
	}
}

// handover says of sources that a node had at a time when it last asked for one of
// them and when others first did, and how soon these had asked for the first and for
// all of them.
func (f *fleet) handover(at time.Time, node int, sources []string) (own, other, first, last time.Duration) {
	had := make(map[string]bool)
	for _, source := range sources {
		had[source] = true
	}
	seen := make(map[string]bool)
	for _, v := range f.visits.since(at) {
		switch {
		case !had[v.source]:
		case v.node == nodeAddress(node):
			own = v.at.Sub(at)
		case !seen[v.source]:
			seen[v.source] = true
			if last = v.at.Sub(at); len(seen) == 1 {
				other, first = last, last.Round(10*time.Millisecond)
			}
		}
	}
	return own, other, first, last
}

// startAgain starts nodes that have ended.
func (f *fleet) startAgain(t *testing.T, nodes ...int) {
	t.Helper()
	for _, i := range nodes {
		f.start(t, f.nodes[i])
	}
	f.await(t, "the nodes that were started to have a share", func() bool { return len(f.shares(t)) == len(f.nodes) })
}

// end lets everything come to rest and holds all that was seen against what is
// promised.
func (f *fleet) end(t *testing.T) {
	t.Helper()
	f.settle(t)
	f.checkBooks(t)
	f.checkLog(t)
	f.checkLimit(t)
	f.checkAudit(t)
}

// len is how much a process has said.
func (l *lines) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.text)
}

// from are the first n lines of what a process has said since.
func (l *lines) from(since, n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := bytes.Split(bytes.TrimSpace(l.text[since:]), []byte("\n"))
	return string(bytes.Join(all[:min(len(all), n)], []byte("\n")))
}

// epochs are those of the sources.
func (f *fleet) epochs(t *testing.T) map[string]int64 {
	t.Helper()
	epochs := make(map[string]int64)
	f.read(t, func(ctx context.Context, s *postgres.Store) error {
		leases, err := s.Leases(ctx, time.Time{})
		for _, l := range leases {
			if source, ok := strings.CutPrefix(l.Resource, "source/"); ok {
				epochs[source] = l.Epoch
			}
		}
		return err
	})
	return epochs
}

// read reads from the database as a stranger to the fleet, and says whether it could.
func (f *fleet) read(t *testing.T, look func(ctx context.Context, s *postgres.Store) error) bool {
	t.Helper()
	if f.store == nil {
		s, err := postgres.Open(t.Context(), postgres.Options{DSN: f.dsn, ReadOnly: true})
		if err != nil {
			return false // the first node is still making the schema
		}
		f.store = s
	}
	if err := look(t.Context(), f.store); err != nil {
		t.Logf("read: %v", err)
		return false
	}
	return true
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
func (f *fleet) members(t *testing.T) (ids []string) {
	t.Helper()
	f.await(t, "the nodes to be read", func() bool {
		ids = nil
		return f.read(t, func(ctx context.Context, s *postgres.Store) error {
			members, err := s.Members(ctx)
			for i := range members {
				ids = append(ids, members[i].ID)
			}
			return err
		})
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
	f.visits.each(since, func(v *visit) {
		if (address == "" || v.node == address) && (len(wanted) == 0 || wanted[v.source]) {
			seen[v.source] = true
		}
	})
	return len(seen)
}
