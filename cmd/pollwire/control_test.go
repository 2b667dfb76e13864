package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEnableAndDisable(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.baseline(t)
	d := s.runDaemon(t)
	pollwire(t, "disable", "endpoint/you", "-c", s.config).want(t, exitOK, "endpoint you is disabled; its deliveries wait until it is enabled\n")
	s.api.says(http.StatusOK, after)
	s.awaitPolls(t, 4)
	select {
	case w := <-s.hooks.told:
		t.Errorf("the disabled endpoint was told: %s", w.body)
	default:
	}
	pollwire(t, "enable", "endpoint/you", "-c", s.config).want(t, exitOK, "endpoint you is enabled\n")
	s.hooks.next(t)
	s.hooks.next(t)
	pollwire(t, "enable", "endpoint/nobody", "-c", s.config).want(t, exitFailed, `! there is no endpoint "nobody"`)

	// Disabled by hand stays so over a restart.
	pollwire(t, "disable", "endpoint/you", "-c", s.config).want(t, exitOK)
	d.stop(t)
	s.change(t, "name: you,", "name: you, enabled: false,")
	s.runDaemon(t)
	pollwire(t, "enable", "endpoint/you", "-c", s.config).
		want(t, exitFailed, `! endpoint "you" has enabled: false in the configuration, which wins; change it there`)
}

func TestAccept(t *testing.T) {
	t.Parallel()
	s := newSetup(t, `{"data":[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6}]}`)
	s.baseline(t)
	s.api.says(http.StatusOK, `{"data":[]}`)
	s.runDaemon(t)
	pollwire(t, "poll", "orders", "-c", s.config).
		want(t, exitFailed, "! 6 of 6 items vanished, more than expect.max_removed (50%) allows; if that is right, run: pollwire accept orders")
	pollwire(t, "accept", "orders", "-c", s.config).
		want(t, exitOK, "source orders: what its next poll finds missing is accepted as deleted\n")
	for range 6 {
		if w := s.hooks.next(t); !strings.Contains(string(w.body), `"type":"shop.order.deleted"`) {
			t.Errorf("told: %s", w.body)
		}
	}
	pollwire(t, "accept", "oders", "-c", s.config).want(t, exitFailed, `! there is no source "oders"`)
}

// TestNoDaemon: commands say where they looked, and what to do.
func TestNoDaemon(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	says := "! pollwire: no daemon answers on " + s.database + ".sock; start it with 'pollwire run', or say with --url where it is\n"
	for _, args := range []string{"accept orders", "enable endpoint/you", "disable endpoint/you"} {
		pollwire(t, append(strings.Fields(args), "-c", s.config)...).want(t, exitFailed, says)
	}
	// What a killed daemon leaves behind answers no more than no socket.
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.database + ".sock"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	pollwire(t, "accept", "orders", "-c", s.config).want(t, exitFailed, says)

	s.change(t, s.database, "/var/lib/pollwire-test/p.db")
	pollwire(t, "accept", "orders", "-c", s.config).
		want(t, exitFailed, "! no daemon answers on /var/lib/pollwire-test/p.db.sock or /run/pollwire-test/pollwire.sock; start it")
	pollwire(t, "accept", "orders", "--url", "http://127.0.0.1:1").
		want(t, exitFailed, "! ask the daemon: dial tcp 127.0.0.1:1: connect: connection refused")
}

// TestOtherSockets: the daemon is found beside the database although the
// command has a runtime directory of its own, and in a shared one.
func TestOtherSockets(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.baseline(t)
	runtime := filepath.Join(s.dir, "r")
	if err := os.Mkdir(runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	d := s.runDaemon(t)
	command := func() result {
		return startProcess(t, []string{"RUNTIME_DIRECTORY=" + runtime}, "disable", "endpoint/you", "-c", s.config).signal(t, 0)
	}
	command().want(t, exitOK, "endpoint you is disabled")
	d.stop(t)
	command().want(t, exitFailed, "! no daemon answers on "+runtime+"/pollwire.sock or "+s.database+".sock;")

	p := startProcess(t, []string{"RUNTIME_DIRECTORY=" + runtime}, "run", "-c", s.config)
	p.stderr.await(t, "pollwire started")
	command().want(t, exitOK, "endpoint you is disabled")
	pollwire(t, "enable", "endpoint/you", "-c", s.config).want(t, exitFailed, "! no daemon answers on "+s.database+".sock;")
	p.stop(t)
}

// TestSocketOfAnotherUser is about a door that is closed, not about no daemon.
func TestSocketOfAnotherUser(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.runDaemon(t)
	if os.Getuid() != 0 {
		if err := os.Chmod(s.database+".sock", 0); err != nil {
			t.Fatal(err)
		}
		pollwire(t, "accept", "orders", "-c", s.config).want(t, exitFailed, "! belongs to the daemon's user")
		return
	}
	// Root passes every door, so another user has to knock.
	if err := os.Chmod(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.config, 0o644); err != nil {
		t.Fatal(err)
	}
	asNobody(t, "accept", "orders", "-c", s.config).
		want(t, exitFailed, "! "+s.database+".sock belongs to the daemon's user: run this as that user, or as root")
}
