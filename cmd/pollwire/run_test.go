package main

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stop ends a process as systemd would, and checks that it drained.
func (p *process) stop(t *testing.T) {
	t.Helper()
	got := p.signal(t, syscall.SIGTERM)
	got.want(t, exitOK, "! msg=stopping", "! msg=stopped")
	if got.stdout != "" {
		t.Errorf("stdout: %s", got.stdout)
	}
}

// asNobody runs the real binary as another user, which takes root.
func asNobody(t *testing.T, args ...string) result {
	t.Helper()
	if err := os.Chmod(filepath.Dir(buildBinary(t)), 0o755); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.CommandContext(t.Context(), buildBinary(t), args...), stdout: newOutput(), stderr: newOutput()}
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.Dir = "/"
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p.signal(t, 0)
}

// TestRunDrains: SIGTERM lets the poll under way end; its change is kept, and
// told after the next start.
func TestRunDrains(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.baseline(t)
	hold := make(chan struct{})
	s.api.mu.Lock()
	s.api.hold, s.api.body = hold, after
	s.api.mu.Unlock()
	select {
	case <-s.api.asked: // left from before
	default:
	}
	p := startProcess(t, nil, "run", "-c", s.config)
	s.awaitPolls(t, 1)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.stderr.await(t, "msg=stopping timeout=20s")
	close(hold)
	p.signal(t, 0).want(t, exitOK, "! msg=stopped")
	s.api.says(200, after)
	s.runDaemon(t)
	for range 2 {
		s.hooks.next(t)
	}
}

// TestRunStoppedAtItsStart: to be told to stop is no failure, however early.
func TestRunStoppedAtItsStart(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stderr := newOutput()
	if code := run(ctx, []string{"run", "-c", s.config}, nil, io.Discard, stderr); code != exitOK {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	stderr.await(t, "stopped")
}

func TestRunRefusesASecondDaemon(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.runDaemon(t)
	got := pollwire(t, "run", "-c", s.config)
	got.want(t, exitFailed, "! database "+s.database+" is in use by pollwire "+version()+", process ", "! stop that one first, or give this one another storage.dsn")
	if strings.Contains(got.stderr, "pollwire started") {
		t.Errorf("it started:\n%s", got.stderr)
	}
}

func TestRunWithoutAPlaceForItsDatabase(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	missing := filepath.Join(s.dir, "missing")
	s.change(t, s.database, filepath.Join(missing, "p.db"))
	pollwire(t, "run", "-c", s.config).
		want(t, exitFailed, "! open database "+missing+"/p.db: directory "+missing+" cannot be used: create it, or change storage.dsn")
}

func TestRunWithABadNodeName(t *testing.T) {
	t.Parallel()
	pollwire(t, "run", "--node", "a/b").want(t, exitUsage, "! --node: the name of a node has 1 to 63 letters, digits, ., _ and -")
}

// TestRunBadConfigWritesNothing: what the daemon cannot run with leaves no trace.
func TestRunBadConfigWritesNothing(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.change(t, "@every 100ms", "now and then")
	p := startProcess(t, nil, "run", "-c", s.config)
	p.signal(t, 0).want(t, exitBadConfig, "! "+s.config+":5:15: sources[0].schedule: ")
	if _, err := os.Stat(s.database); !os.IsNotExist(err) {
		t.Errorf("the database: %v", err)
	}
}

// TestRunTellsSystemd receives what a Type=notify unit with a watchdog would.
func TestRunTellsSystemd(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	path := filepath.Join(s.dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	p := startProcess(t, []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=300000"}, "run", "-c", s.config)
	if got := notification(t, conn); got != "READY=1" {
		t.Errorf("first %s, want READY=1", got)
	}
	p.stderr.await(t, "pollwire started")
	for range 3 {
		if got := notification(t, conn); got != "WATCHDOG=1" {
			t.Errorf("then %s, want WATCHDOG=1", got)
		}
	}
	p.stop(t)
	got := notification(t, conn)
	for got == "WATCHDOG=1" {
		got = notification(t, conn)
	}
	if got != "STOPPING=1" {
		t.Errorf("last %s, want STOPPING=1", got)
	}
}

// TestRunWithoutSystemdsEar: where the watchdog cannot be told, that is said once,
// and when it is over.
func TestRunWithoutSystemdsEar(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	path := filepath.Join(s.dir, "notify")
	p := startProcess(t, []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=60000"}, "run", "-c", s.config, "--log-level", "debug")
	p.stderr.awaitCount(t, "notify systemd again", 5)
	// One is of the start, which is no ping of the watchdog's.
	if n := strings.Count(p.stderr.String(), `level=WARN msg="notify systemd"`); n != 2 {
		t.Errorf("%d warnings", n)
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	p.stderr.await(t, "systemd is notified again")
	p.stop(t)
}

// notification is the next that is sent to a NOTIFY_SOCKET.
func notification(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	n, err := conn.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n])
}

// TestRunLogs in both formats, to stderr, and not below the level.
func TestRunLogs(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.change(t, "server:", "log: {format: json}\nserver:")
	d := start(t, "run", "-c", s.config)
	d.stderr.await(t, `"level":"INFO"`, `"msg":"pollwire started"`, `"sources":1`)
	d.stop(t)
	if out := d.stdout.String(); out != "" {
		t.Errorf("stdout: %s", out)
	}
	s.change(t, "{format: json}", "{level: warn}")
	d = start(t, "run", "-c", s.config)
	s.awaitPolls(t, 3)
	d.stop(t)
	if text := d.stderr.String(); text != "" {
		t.Errorf("stderr: %s", text)
	}
}
