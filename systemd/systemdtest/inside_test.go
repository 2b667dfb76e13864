package systemdtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	unit       = "pollwire.service"
	configFile = "/etc/pollwire/pollwire.yaml"
	ready      = "http://127.0.0.1:8470/readyz"
	// patience is how long the checks wait for what should come soon.
	patience = 2 * time.Minute
	// shortWatchdog is WatchdogSec where its end is waited for: short enough for that,
	// and longer than a busy machine lets a process wait.
	shortWatchdog = 8 * time.Second
)

const config = `storage: {dsn: "sqlite:/var/lib/pollwire/pollwire.db"}
server: {listen: "127.0.0.1:8470"}
sources:
  - name: clock
    schedule: "@every 1s"
    request: {url: "http://127.0.0.1:9101/clock"}
    auth: {type: bearer, token: "${credential:pollwire_clock-token}"}
endpoints:
  - name: ops
    url: http://127.0.0.1:9101/hook
    secrets: ["${credential:pollwire_ops-secret}"]
`

// TestUnitInside runs on the booted machine. Its steps build on each other.
func TestUnitInside(t *testing.T) {
	if !*inside {
		return // TestUnit runs it where it belongs.
	}
	p := startPeer(t)
	write(t, configFile, config, 0o644)
	write(t, "/etc/pollwire/credentials/clock-token", clockToken, 0o600)
	write(t, "/etc/pollwire/credentials/ops-secret", opsSecret, 0o600)
	defer func() {
		if t.Failed() {
			t.Logf("journal:\n%s", run(t, "journalctl", "--no-pager", "-u", unit))
		}
	}()
	for _, step := range []struct {
		name  string
		check func(t *testing.T, p *peer)
	}{
		{"verify", verify},
		{"start waits until it is ready", start},
		{"it is a user of its own", ownUser},
		{"its files are its own", ownFiles},
		{"credentials reach the source and the endpoint", credentials},
		{"reload", reloaded},
		{"reload of a bad configuration", badReload},
		{"reload of what takes a restart", reloadInVain},
		{"kill -9", killed},
		{"watchdog", watchdog},
		{"confined", confined},
		{"stop", stopped},
		{"bad configuration", badConfig},
		{"no credentials at all", noCredentials},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.check(t, p) }) {
			return
		}
	}
}

func verify(t *testing.T, _ *peer) {
	if out := run(t, "systemd-analyze", "verify", "--man=no", "/etc/systemd/system/"+unit); out != "" {
		t.Error(out)
	}
}

func start(t *testing.T, _ *peer) {
	run(t, "systemctl", "start", unit)
	expect(t, "ActiveState", "active")
	expect(t, "SubState", "running")
	expect(t, "Type", "notify")
	expect(t, "WatchdogUSec", "30s")
	// READY=1 was waited for, so it listens by now.
	if err := isReady(t.Context()); err != nil {
		t.Errorf("the unit has started, and is not ready: %v", err)
	}
	// A command beside it has neither its directories nor its credentials.
	for _, args := range [][]string{{"sources"}, {"sources", "-c", configFile}} {
		if out := run(t, "/usr/bin/pollwire", args...); !strings.HasPrefix(out, "NAME") {
			t.Errorf("pollwire %s says %s", strings.Join(args, " "), out)
		}
	}
}

// isReady asks the daemon whether it is ready.
func isReady(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ready, http.NoBody)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: patience}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %s", resp.Status)
	}
	_ = resp.Body.Close()
	return err
}

func ownUser(t *testing.T, _ *peer) {
	status, err := os.Stat("/proc/" + show(t, "MainPID"))
	if err != nil {
		t.Fatal(err)
	}
	// The range that systemd takes dynamic users from.
	if uid := owner(t, status); uid < 61184 || uid > 65519 {
		t.Errorf("it runs as user %d", uid)
	}
}

func owner(t *testing.T, info os.FileInfo) uint32 {
	t.Helper()
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatalf("no owner in %T", info.Sys())
	}
	return stat.Uid
}

func ownFiles(t *testing.T, _ *peer) {
	sockets, err := filepath.Glob("/run/pollwire/*.sock")
	if err != nil || len(sockets) != 1 {
		t.Fatalf("sockets in /run/pollwire: %v, %v", sockets, err)
	}
	for path, want := range map[string]os.FileMode{
		"/var/lib/private/pollwire":             os.ModeDir | 0o700,
		"/var/lib/private/pollwire/pollwire.db": 0o600,
		"/run/pollwire":                         os.ModeDir | 0o700,
		sockets[0]:                              os.ModeSocket | 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
		if uid := owner(t, info); uid == 0 {
			t.Errorf("%s belongs to root", path)
		}
	}
}

// credentials waits for a signed webhook: it takes the token of the source and
// the secret of the endpoint, and neither is readable for the service but as a
// credential.
func credentials(t *testing.T, p *peer) { p.await(t) }

// reloaded takes another source while the daemon runs. The command of the unit
// needs the credentials of the configuration, as the daemon does.
func reloaded(t *testing.T, p *peer) {
	pid := show(t, "MainPID")
	write(t, configFile, strings.Replace(config, "name: clock", "name: clock-2", 1), 0o644)
	run(t, "systemctl", "reload", unit)
	expect(t, "ActiveState", "active")
	expect(t, "SubState", "running")
	expect(t, "MainPID", pid)
	if journal := journal(t); !strings.Contains(journal, "configuration reloaded: added source/clock-2; removed source/clock") {
		t.Errorf("the journal does not say what was reloaded:\n%s", journal)
	}
	p.await(t)
}

func badReload(t *testing.T, p *peer) {
	defer write(t, configFile, config, 0o644)
	write(t, configFile, config+"no_such_key_either: 1\n", 0o644)
	failedReload(t, "no_such_key_either")
	p.await(t)
}

// reloadInVain: the file is good, and the daemon refuses it all the same.
func reloadInVain(t *testing.T, p *peer) {
	defer write(t, configFile, config, 0o644)
	write(t, configFile, strings.Replace(config, ":8470", ":8471", 1), 0o644)
	failedReload(t, "server.listen: a running daemon goes on listening where it does")
	p.await(t)
}

// failedReload reloads, which must fail with a reason, and leave the daemon alone.
func failedReload(t *testing.T, reason string) {
	t.Helper()
	pid := show(t, "MainPID")
	if out, err := exec.CommandContext(t.Context(), "systemctl", "reload", unit).CombinedOutput(); err == nil {
		t.Errorf("it reloads a configuration that is bad: %s", out)
	}
	expect(t, "ActiveState", "active")
	expect(t, "SubState", "running")
	expect(t, "MainPID", pid)
	if journal := journal(t); !strings.Contains(journal, reason) {
		t.Errorf("the journal does not say why:\n%s", journal)
	}
}

func journal(t *testing.T) string {
	t.Helper()
	return run(t, "journalctl", "--no-pager", "-u", unit, "-o", "cat")
}

func killed(t *testing.T, p *peer) {
	kill(t, syscall.SIGKILL)
	eventually(t, "it runs again after kill -9", func() bool {
		return show(t, "NRestarts") == "1" && show(t, "ActiveState") == "active"
	})
	p.await(t)
}

// watchdog stops the process, as a hang would: systemd must see that nobody
// reports to it, and start it anew. The unit's half minute is shortened here,
// which the daemon must follow.
func watchdog(t *testing.T, p *peer) {
	write(t, "/etc/systemd/system/pollwire.service.d/watchdog.conf", fmt.Sprintf("[Service]\nWatchdogSec=%v\n", shortWatchdog), 0o644)
	run(t, "systemctl", "daemon-reload")
	run(t, "systemctl", "restart", unit)
	restarts := show(t, "NRestarts")
	for begun := time.Now(); time.Since(begun) <= shortWatchdog; {
		p.await(t)
	}
	if got := show(t, "NRestarts"); got != restarts {
		t.Fatalf("restarted %s times while it was well", got)
	}
	kill(t, syscall.SIGSTOP)
	eventually(t, "the watchdog starts it anew", func() bool {
		return show(t, "NRestarts") != restarts && show(t, "ActiveState") == "active"
	})
	p.await(t)
}

// confined runs the daemon with the drop-in for a root and networks of its own: it
// polls, tells, reloads and is watched as before, and sees nothing of the machine.
func confined(t *testing.T, p *peer) {
	const dropIn = "/etc/systemd/system/pollwire.service.d/confine.conf"
	defer func() {
		if err := os.Remove(dropIn); err != nil {
			t.Error(err)
		}
		run(t, "systemctl", "daemon-reload")
	}()
	copyFile(t, confineStaged, dropIn, 0o644)
	if err := os.MkdirAll("/usr/lib/pollwire/root", 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "systemctl", "daemon-reload")
	verify(t, p)
	run(t, "systemctl", "restart", unit)
	p.await(t)
	root := "/proc/" + show(t, "MainPID") + "/root"
	for _, path := range []string{"/usr/bin/systemctl", "/bin/bash", "/home"} {
		if _, err := os.Stat(root + path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the daemon sees %s: %v", path, err)
		}
	}
	reloaded(t, p)
	badReload(t, p)
	run(t, "systemctl", "reload", unit)
}

func stopped(t *testing.T, _ *peer) {
	run(t, "systemctl", "stop", unit)
	expect(t, "ActiveState", "inactive")
	expect(t, "Result", "success")
	expect(t, "ExecMainStatus", "0")
}

func badConfig(t *testing.T, _ *peer) {
	write(t, configFile, config+"no_such_key: 1\n", 0o644)
	defer write(t, configFile, config, 0o644)
	if out, err := exec.CommandContext(t.Context(), "systemctl", "start", unit).CombinedOutput(); err == nil {
		t.Errorf("it starts with an unknown key: %s", out)
	}
	expect(t, "ActiveState", "failed") // Not activating: it is not tried again.
	expect(t, "ExecMainStatus", "78")
	expect(t, "NRestarts", "0")
	if !strings.Contains(journal(t), "no_such_key:") {
		t.Error("the journal does not name the key")
	}
	run(t, "systemctl", "reset-failed", unit)
}

// noCredentials is a machine on which nobody has made that directory.
func noCredentials(t *testing.T, p *peer) {
	if err := os.RemoveAll("/etc/pollwire/credentials"); err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer(
		"${credential:pollwire_clock-token}", clockToken, "${credential:pollwire_ops-secret}", opsSecret).Replace(config)
	write(t, configFile, plain, 0o644)
	run(t, "systemctl", "start", unit)
	p.await(t)
	run(t, "systemctl", "stop", unit)
}

// run runs a command that must succeed, and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// show is a property of the unit.
func show(t *testing.T, property string) string {
	t.Helper()
	return run(t, "systemctl", "show", "--value", "-p", property, unit)
}

func expect(t *testing.T, property, want string) {
	t.Helper()
	if got := show(t, property); got != want {
		t.Errorf("%s=%s, want %s", property, got, want)
	}
}

// kill sends a signal to the daemon.
func kill(t *testing.T, signal syscall.Signal) {
	t.Helper()
	pid, err := strconv.Atoi(show(t, "MainPID"))
	if err != nil || pid == 0 {
		t.Fatalf("no process: %d, %v", pid, err)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("not in %v: %s", patience, what)
		case <-again.C:
		}
	}
}
