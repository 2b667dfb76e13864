package daemon_test

import (
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// TestServerIsDown for a while, under load: nodes do nothing then, go on by
// themselves when it is back, and nothing is lost or out of order.
func TestServerIsDown(t *testing.T) {
	t.Parallel()
	server := postgrestest.Own(t, postgrestest.Options{Durable: true})
	dsn, err := server.Create()
	must(t, err)
	f := newFleet(t, 12)
	one := startNode(t, dsn, "one", f.yaml())
	two := startNode(t, dsn, "two", f.yaml())
	f.awaitAllBy(t, "one", "two")
	for _, end := range []func() error{server.Kill, func() error {
		defer server.Wait()
		return server.Signal(syscall.SIGINT)
	}} {
		must(t, end())
		down := time.Now()
		f.await(t, "nobody asks while the database is away", func() bool {
			return time.Since(down) > 12*time.Second && len(f.who(time.Now().Add(-3*time.Second))) == 0
		})
		must(t, server.Restart())
		f.awaitAllBy(t, "one", "two")
		f.caughtUp(t)
	}
	for _, d := range []*running{one, two} {
		select {
		case err := <-d.Fatal():
			t.Errorf("fatal: %v", err)
		default:
		}
		stopDaemon(t, d.Daemon)
	}
}

// TestStartWithoutAServer fails and says why, without the password: systemd starts it
// again.
func TestStartWithoutAServer(t *testing.T) {
	t.Parallel()
	cfg := configured(t, "postgres://pollwire:topsecret@127.0.0.1:1/pollwire?connect_timeout=1", newFleet(t, 1).yaml())
	d := daemon.New(cfg, daemon.Options{Version: "test", Logger: slog.New(slog.DiscardHandler)})
	err := d.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "postgres://pollwire@127.0.0.1:1/pollwire: the database cannot be reached") || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("it gives %v", err)
	}
	stopDaemon(t, d)
}
