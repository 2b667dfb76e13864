package cluster_test

import (
	"maps"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// TestServerCrash crashes the server until the nodes cannot prove any more that
// they live. When it is back they go on as if nothing had been.
func TestServerCrash(t *testing.T) {
	t.Parallel()
	server := postgrestest.Own(t, postgrestest.Options{Durable: true})
	dsn, err := server.Create()
	if err != nil {
		t.Fatal(err)
	}
	var nodes []*cluster.Node
	for _, name := range []string{"a", "b"} {
		n, s, err := open(t.Context(), dsn, name)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer n.Stop(t.Context()) //nolint:errcheck // the test says before what it found
		nodes = append(nodes, n)
		if name == "b" {
			await(t, s, "a", "b")
		}
	}
	// A lease is in the database before its node knows that it has it.
	until(t, func() bool { return nodes[0].Status().Held["source"]+nodes[1].Status().Held["source"] == sources })
	epochs := func(n *cluster.Node) map[string]int64 {
		held := make(map[string]int64)
		for _, g := range groups() {
			for _, r := range g.Resources {
				if epoch, ok := n.Epoch(r); ok {
					held[r] = epoch
				}
			}
		}
		return held
	}
	ids := []string{nodes[0].Self(), nodes[1].Self()}
	before := []map[string]int64{epochs(nodes[0]), epochs(nodes[1])}

	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return nodes[0].Status().Suspended && nodes[1].Status().Suspended })
	for r := range before[0] {
		if nodes[0].Holds(r) {
			t.Fatalf("%s is held", r)
		}
	}
	// Long enough for one to take the other for dead.
	until(t, func() bool { return nodes[0].Status().Age > cluster.Silence && nodes[1].Status().Age > cluster.Silence })
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return !nodes[0].Status().Suspended && !nodes[1].Status().Suspended })
	for i, n := range nodes {
		if n.Self() != ids[i] || n.Status().Lost > 0 || !maps.Equal(before[i], epochs(n)) {
			t.Errorf("node %d is another one: %+v", i, n.Status())
		}
		for r := range before[i] {
			if !n.Holds(r) {
				t.Errorf("%s is not held by node %d", r, i)
			}
		}
	}
	until(t, func() bool { // as last read
		x, _ := nodes[0].Owner(store.SourceResource("1"))
		y, _ := nodes[1].Owner(store.SourceResource("1"))
		return x.ID != "" && x.ID == y.ID
	})
}

// until waits for something.
func until(t *testing.T, done func() bool) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !done() {
		<-again.C
	}
}
