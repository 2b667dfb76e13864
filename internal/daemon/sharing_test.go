package daemon_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store/postgres"
)

// startNode starts a daemon as a node on a database.
func startNode(t *testing.T, dsn, name, yaml string) *running {
	t.Helper()
	return start(t, configured(t, dsn, yaml), daemon.Options{
		Version: name, Node: name, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", name),
	})
}

// TestOneNode goes the whole way, and goes on after a restart where it was.
func TestOneNode(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	a := newAPI(t, `{"data":[{"id":1,"v":1}]}`)
	h := newHooks(t)
	d := startNode(t, dsn, "one", orders(a, h, ""))
	d.poll(t, "orders") // when it has it
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":1,"v":2}]}`)
	d.poll(t, "orders")
	first := h.await(t, "1", kind("updated"))
	stopDaemon(t, d.Daemon)

	a.says(`{"data":[{"id":1,"v":3}]}`)
	d = startNode(t, dsn, "one", orders(a, h, ""))
	d.poll(t, "orders")
	second := h.await(t, "1", func(e receiver.Envelope) bool { return e.Sequence > first.Sequence })
	if second.Data.PreviousHash != first.Data.Hash {
		t.Errorf("previous_hash %s does not continue %s", second.Data.PreviousHash, first.Data.Hash)
	}
	if h.count() != 2 {
		t.Errorf("told:\n%s", h.dump())
	}
}

// TestNewEndpointOfNodes: others may commit for a while as if it was not there, so that
// it is told out of the log until all of them must know of it.
func TestNewEndpointOfNodes(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	startNode(t, dsn, "one", orders(newAPI(t, `{"data":[]}`), newHooks(t), ""))
	s, err := postgres.Open(t.Context(), postgres.Options{DSN: dsn, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	open, err := s.OpenReplays(t.Context())
	if err != nil || len(open) != 1 || open[0].Endpoint != "you" || !open[0].First {
		t.Errorf("%v, told out of the log: %+v", err, open)
	}
}

// TestNodesShare what there is to do, in order all the way, whoever comes and goes.
func TestNodesShare(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	f := newFleet(t, 12)
	one := startNode(t, dsn, "one", f.yaml())
	f.awaitAllBy(t, "one")
	startNode(t, dsn, "two", f.yaml())
	three := startNode(t, dsn, "three", f.yaml())
	f.awaitAllBy(t, "one", "two", "three")
	stopDaemon(t, three.Daemon)
	f.awaitAllBy(t, "one", "two")
	stopDaemon(t, one.Daemon)
	f.awaitAllBy(t, "two")
	startNode(t, dsn, "three", f.yaml())
	f.awaitAllBy(t, "two", "three")
	f.caughtUp(t)
	f.noneMissed(t)
}

// TestNodeThatIsCutOff from the database stops by itself before others take over
// what it did, loses nothing that it has seen, and comes back.
func TestNodeThatIsCutOff(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	f := newFleet(t, 12)
	w, wired := newWire(t, dsn)
	startNode(t, wired, "one", f.yaml())
	startNode(t, dsn, "two", f.yaml())
	startNode(t, dsn, "three", f.yaml())
	f.awaitAllBy(t, "one", "two", "three")
	cut := time.Now()
	w.cut()
	f.awaitAllBy(t, "two", "three")
	took := time.Since(cut)
	f.mu.Lock()
	if took > f.here(20*time.Second) {
		t.Errorf("others took over after %s", took)
	}
	f.mu.Unlock()
	f.neverBack(t, cut, "one")
	w.mend()
	f.awaitAllBy(t, "one", "two", "three")
	f.caughtUp(t)
}

// TestNodeThatIsKilled: others go on where it was, and it goes on when it is back.
func TestNodeThatIsKilled(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	f := newFleet(t, 12)
	w, wired := newWire(t, dsn)
	one := startNode(t, wired, "one", f.yaml())
	startNode(t, dsn, "two", f.yaml())
	f.awaitAllBy(t, "one", "two")
	w.cut() // whatever its end would say or save nobody hears
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	_ = one.Stop(stopped)
	f.awaitAllBy(t, "two")
	startNode(t, dsn, "one", f.yaml())
	f.awaitAllBy(t, "one", "two")
	f.caughtUp(t)
}

// TestCommandsBesideNodes: one that would spend of a limit asks a node where there is
// one; the schema can be looked after meanwhile.
func TestCommandsBesideNodes(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	a, h := newAPI(t, `{"data":[{"id":1}]}`), newHooks(t)
	cfg := configured(t, dsn, orders(a, h, ""))
	o := daemon.Options{Version: "test", Logger: slog.New(slog.DiscardHandler)}
	preview, err := daemon.Preview(t.Context(), cfg, o, "orders")
	if err != nil || preview.Outcome != server.Baseline {
		t.Errorf("by itself: %+v, %v", preview, err)
	}
	d := startNode(t, dsn, "one", orders(a, h, ""))
	if _, err := daemon.Preview(t.Context(), cfg, o, "orders"); err == nil || !strings.Contains(err.Error(), "node one on ") || !strings.Contains(err.Error(), "--url") {
		t.Errorf("beside a node: %v", err)
	}
	if m, err := daemon.Migrate(t.Context(), cfg.Storage, "test", o.Logger); err != nil || m.From != m.To || m.To == 0 {
		t.Errorf("migrated: %+v, %v", m, err)
	}
	stopDaemon(t, d.Daemon)
	if _, err := daemon.Preview(t.Context(), cfg, o, "orders"); err != nil {
		t.Errorf("after it: %v", err)
	}
}
