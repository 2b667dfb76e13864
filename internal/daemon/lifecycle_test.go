package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// hang is for how long a peer that never answers is asked and told: what waits for it
// has lost its patience by then.
const hang = "5m"

// newDaemon is a daemon on the database in dir, with one source and one
// endpoint at url. Its API listens on a port of its own, or on listen.
func newDaemon(t *testing.T, dir, url, listen string) *Daemon {
	t.Helper()
	cfg, err := config.Parse("test.yaml", fmt.Appendf(nil, `
storage: {dsn: "sqlite:%s"}
server: {listen: "%s"}
sources:
  - {name: shop, schedule: "@every 1s", request: {url: "%s/api", timeout: %s}, retry: {max_attempts: 1}}
endpoints:
  - {name: you, url: "%s/hook", timeout: %s, secrets: ["%s"]}
`, filepath.Join(dir, "pollwire.db"), listen, url, hang, url, hang, notify.GenerateSecret()), config.Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return New(cfg, Options{Version: "test", Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Transport: transport})
}

func mustStart(t *testing.T, d *Daemon) {
	t.Helper()
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustStop(t, d) })
}

func mustStop(t *testing.T, d *Daemon) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	if err := d.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// mustBeFree checks that nobody holds the database in dir.
func mustBeFree(t *testing.T, dir string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "pollwire.db"), Version: "test"})
	if err != nil {
		t.Fatalf("the database is not free: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestFailedStartLeavesNothing: whichever step fails, the error says why,
// nothing runs any more, and the database is free.
func TestFailedStartLeavesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		harm func(t *testing.T, d *Daemon, dir string)
		want string
	}{
		"no directory": {func(_ *testing.T, d *Daemon, dir string) {
			d.cfg.Storage.DSN = config.NewDSN("sqlite:" + filepath.Join(dir, "no", "pollwire.db"))
		}, "no such file or directory"},
		"no database": {func(t *testing.T, _ *Daemon, dir string) {
			file := filepath.Join(dir, "pollwire.db")
			if err := os.WriteFile(file, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Remove(file) })
		}, "the file is no SQLite database"},
		"new endpoints":   {func(_ *testing.T, d *Daemon, _ string) { sicken(d, "AddReplays") }, "set endpoints: store: the store is sick"},
		"endpoint states": {func(_ *testing.T, d *Daemon, _ string) { sicken(d, "EndpointStates") }, "start dispatcher: the store is sick"},
		"budgets":         {func(_ *testing.T, d *Daemon, _ string) { sicken(d, "Budgets") }, "start limiter: load budgets: the store is sick"},
		"next runs":       {func(_ *testing.T, d *Daemon, _ string) { sicken(d, "NextRuns") }, "start scheduler: load next runs: the store is sick"},
		"port in use": {func(t *testing.T, d *Daemon, _ string) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			d.cfg.Server.Listen = l.Addr().String()
		}, "address already in use"},
	} {
		t.Run(name, func(t *testing.T) {
			peer := newHanging(t)
			dir := t.TempDir()
			before := goroutines()
			d := newDaemon(t, dir, peer.URL, "127.0.0.1:0")
			test.harm(t, d, dir)
			err := d.Start(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			mustReturnTo(t, before)
			if err := d.Start(t.Context()); !errors.Is(err, errBegun) {
				t.Errorf("a second start: %v", err)
			}
			mustStop(t, d)
			if name == "no database" {
				if err := os.Remove(filepath.Join(dir, "pollwire.db")); err != nil {
					t.Fatal(err)
				}
			}
			mustBeFree(t, dir)
		})
	}
}

// TestStopLeavesNothing: no goroutine and no lock, though polls and deliveries
// were made.
func TestStopLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	before := goroutines()
	peer := newBusy(t)
	d := newDaemon(t, dir, peer.URL, "127.0.0.1:0")
	mustStart(t, d)
	awaited(t, peer.hooked)
	awaited(t, peer.hooked)
	mustStop(t, d)
	mustStop(t, d)
	d.o.Transport.(*http.Transport).CloseIdleConnections()
	peer.Close()
	mustReturnTo(t, before)
	mustBeFree(t, dir)
}

// busy is an API that always changes, and a receiver.
type busy struct {
	*httptest.Server
	hooked chan struct{}
}

func newBusy(t *testing.T) *busy {
	t.Helper()
	b := &busy{hooked: make(chan struct{}, 1)}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"now":%d}`, time.Now().UnixNano())
			return
		}
		select {
		case b.hooked <- struct{}{}:
		default: // nobody waits for it
		}
	}))
	t.Cleanup(b.Close)
	return b
}

// TestStopOfHangingPeersKeepsItsDeadline, and what was cut short is not lost.
func TestStopOfHangingPeersKeepsItsDeadline(t *testing.T) {
	t.Parallel()
	dir := MustMigrate(t)
	peer := newHanging(t)
	d := newDaemon(t, dir, peer.URL, "127.0.0.1:0")
	mustStart(t, d)
	peer.await(t, "/api")
	tellSomething(t, d)
	peer.await(t, "/hook")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := d.Stop(ctx)
	if took := time.Since(start); took > patience || took < 200*time.Millisecond {
		t.Errorf("stopped after %v", took)
	}
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "stop scheduler") || !strings.Contains(err.Error(), "stop dispatcher") {
		t.Errorf("error %v", err)
	}
	mustStop(t, d) // nothing is left to be waited for

	d = newDaemon(t, dir, peer.URL, "127.0.0.1:0")
	mustStart(t, d)
	peer.await(t, "/hook", "/api") // it is told again
	cut, cancelled := context.WithCancel(t.Context())
	cancelled()
	if err := d.Stop(cut); err == nil {
		t.Error("nothing was cut short")
	}
}

// tellSomething has the bridge see two answers that differ.
func tellSomething(t *testing.T, d *Daemon) {
	t.Helper()
	for _, body := range []string{`{"v":1}`, `{"v":2}`} {
		o := &poller.Observation{Source: "shop", At: time.Now(), ContentType: "application/json", Body: []byte(body)}
		if err := d.bridge.Observe(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFailedStartDoesNotWaitForPeers that were asked meanwhile.
func TestFailedStartDoesNotWaitForPeers(t *testing.T) {
	t.Parallel()
	dir := MustMigrate(t)
	peer := newHanging(t)
	first := newDaemon(t, dir, peer.URL, "")
	first.cfg.Sources[0].Enabled = false
	mustStart(t, first)
	tellSomething(t, first)
	peer.await(t, "/hook")
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	_ = first.Stop(cut) // the delivery is cut short

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	second := newDaemon(t, dir, peer.URL, l.Addr().String())
	start := time.Now()
	if err := second.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("failed after %v", took)
	}
	mustBeFree(t, dir)
}

func TestStartAndStopInAnyOrder(t *testing.T) {
	t.Parallel()
	peer := newBusy(t)
	d := newDaemon(t, MustMigrate(t), peer.URL, "127.0.0.1:0")
	mustStop(t, d)
	if err := d.Start(t.Context()); !errors.Is(err, errBegun) {
		t.Errorf("started after it was stopped: %v", err)
	}
	if d.Addr() != "" {
		t.Error("it listens")
	}

	d = newDaemon(t, MustMigrate(t), peer.URL, "127.0.0.1:0")
	mustStart(t, d)
	if err := d.Start(t.Context()); !errors.Is(err, errBegun) {
		t.Errorf("started twice: %v", err)
	}
	if err := d.Alive(t.Context()); err != nil {
		t.Errorf("the second start did harm: %v", err)
	}
	awaited(t, peer.hooked)
	stopped := make(chan error)
	for range 2 { // at once
		go func() { stopped <- d.Stop(context.WithoutCancel(t.Context())) }()
	}
	for range 2 {
		if err := awaited(t, stopped); err != nil {
			t.Error(err)
		}
	}
	if err := d.Alive(t.Context()); err == nil {
		t.Error("alive after it was stopped")
	}
}

// TestEndOfTheStartsContext is not the end of the daemon.
func TestEndOfTheStartsContext(t *testing.T) {
	t.Parallel()
	peer := newBusy(t)
	d := newDaemon(t, MustMigrate(t), peer.URL, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	if err := d.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer mustStop(t, d)
	cancel()
	awaited(t, peer.hooked)
	awaited(t, peer.hooked) // one may have been under way
	if err := d.Alive(t.Context()); err != nil {
		t.Error(err)
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Get("http://" + d.Addr() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("readyz: %s", res.Status)
	}
}

// TestSideBySide: nothing is global, so two daemons live in one process.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	one, two := newBusy(t), newBusy(t)
	first := newDaemon(t, MustMigrate(t), one.URL, "127.0.0.1:0")
	second := newDaemon(t, MustMigrate(t), two.URL, "127.0.0.1:0")
	mustStart(t, first)
	mustStart(t, second)
	if first.Addr() == second.Addr() {
		t.Errorf("both listen on %s", first.Addr())
	}
	awaited(t, one.hooked)
	awaited(t, two.hooked)
	mustStop(t, first)
	awaited(t, two.hooked)
	awaited(t, two.hooked)
}

// TestFatal: what the daemon cannot go on after is said, once.
func TestFatal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method string
		harm   func(*sickStore)
	}{
		"the disk failed":            {"", func(s *sickStore) { close(s.failed) }},
		"an outcome cannot be saved": {"Record", func(*sickStore) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := newBusy(t)
			d := newDaemon(t, MustMigrate(t), peer.URL, "127.0.0.1:0")
			s := sicken(d, test.method)
			if err := d.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			awaited(t, peer.hooked)
			test.harm(s)
			select {
			case err := <-d.Fatal():
				if !errors.Is(err, errSick) {
					t.Errorf("fatal: %v", err)
				}
			case <-time.After(patience):
				t.Error("nothing was said")
			}
			d.fail(errSick)
			d.fail(errSick) // nobody listens: must not block
			if err := d.Stop(context.WithoutCancel(t.Context())); test.method != "" && !errors.Is(err, errSick) {
				t.Errorf("stop: %v", err)
			}
		})
	}
}

// TestRenameOnFullDisk: deliveries that wait for the disk are not held for a source
// that gets another name, as to stop them would end the daemon.
func TestRenameOnFullDisk(t *testing.T) {
	t.Parallel()
	peer := newBusy(t)
	d := newDaemon(t, MustMigrate(t), peer.URL, "127.0.0.1:0")
	sicken(d, "Record").err = store.ErrFull
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaited(t, peer.hooked)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for d.dispatcher.Blocked() == nil && ctx.Err() == nil {
		<-ticker.C
	}
	if _, err := d.holdDeliveries(ctx); !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "reload when they go on") {
		t.Errorf("got %v", err)
	}
	select {
	case err := <-d.Fatal():
		t.Errorf("fatal: %v", err)
	default:
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel() // what waits is given up at once
	_ = d.Stop(ctx)
}
