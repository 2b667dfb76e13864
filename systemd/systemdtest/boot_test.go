// Package systemdtest runs pollwire's unit and binary under a real systemd:
// the machine's own, booted in namespaces over a copy of / that is thrown away.
// It consists of tests alone.
package systemdtest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	unitFile    = "../pollwire.service"
	confineFile = "../pollwire.service.d/confine.conf.example"
	// confineStaged is where the machine has it.
	confineStaged = "/stage/confine.conf"
	// bootTimeout bounds the whole life of the machine, which is ten times as long as it
	// takes where nobody else has the processors.
	bootTimeout = 7 * time.Minute
)

// inside is set by stage.service: this process is on the machine that was booted.
var inside = flag.Bool("inside", false, "run the checks of the unit, on the machine booted for them")

// files are the throwaway machine's own, besides the unit, the binary and this test.
var files = map[string]string{
	"etc/systemd/system/stage.target": `[Unit]
Requires=sysinit.target dbus.socket
After=sysinit.target dbus.socket
Wants=stage.service
`,
	"etc/systemd/system/stage.service": `[Unit]
Requires=dbus.socket
After=dbus.socket
[Service]
Type=oneshot
WorkingDirectory=/stage
StandardOutput=file:/stage/out/log
StandardError=inherit
ExecStart=/stage/checks -test.v -test.run=^TestUnitInside$ -inside
ExecStopPost=/usr/bin/systemctl exit
`,
}

// TestUnit boots a machine with the unit installed, and shows what the checks
// in it found.
func TestUnit(t *testing.T) {
	t.Parallel()
	if reason := cannotBoot(); reason != "" {
		t.Skip(reason)
	}
	stage := t.TempDir()
	furnish(t, stage)
	ctx, cancel := context.WithTimeout(t.Context(), bootTimeout)
	defer cancel()
	console := boot(ctx, t, stage)
	log, err := os.ReadFile(filepath.Join(stage, "out", "log"))
	if err != nil {
		t.Fatalf("the checks never ran: %v\n%s", err, console)
	}
	t.Logf("%s", log)
	if !bytes.HasSuffix(bytes.TrimSpace(log), []byte("\nPASS")) {
		t.Errorf("the checks failed; the console says:\n%s", console)
	}
}

// cannotBoot says why no machine can be booted here; empty if one can.
func cannotBoot() string {
	if os.Getuid() != 0 {
		return "booting a systemd takes root"
	}
	for _, need := range []string{"/lib/systemd/systemd", "/usr/bin/unshare", "/bin/bash", "/usr/bin/dbus-daemon"} {
		if _, err := os.Stat(need); err != nil {
			return "there is no " + need
		}
	}
	if err := exec.Command("unshare", "--mount", "--pid", "--fork", "--net", "--cgroup", "true").Run(); err != nil {
		return "namespaces cannot be made here: " + err.Error()
	}
	return ""
}

// furnish writes what the machine gets.
func furnish(tb testing.TB, stage string) {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	copyFile(tb, self, filepath.Join(stage, "files/stage/checks"), 0o755)
	copyFile(tb, unitFile, filepath.Join(stage, "files/etc/systemd/system/pollwire.service"), 0o644)
	copyFile(tb, confineFile, filepath.Join(stage, "files", confineStaged), 0o644)
	copyFile(tb, binary(tb, stage), filepath.Join(stage, "files/usr/bin/pollwire"), 0o755)
	for name, content := range files {
		write(tb, filepath.Join(stage, "files", name), content, 0o644)
	}
	if err := os.Mkdir(filepath.Join(stage, "out"), 0o755); err != nil {
		tb.Fatal(err)
	}
}

// binary is the program to install: POLLWIRE_BINARY, or one built as packages
// build it.
func binary(tb testing.TB, stage string) string {
	tb.Helper()
	if path := os.Getenv("POLLWIRE_BINARY"); path != "" {
		return path
	}
	path := filepath.Join(stage, "pollwire")
	build := exec.CommandContext(tb.Context(), "../package/program", path)
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("build pollwire: %v\n%s", err, out)
	}
	return path
}

// boot runs the machine to its end and returns what its console said.
func boot(ctx context.Context, tb testing.TB, stage string) string {
	tb.Helper()
	script, err := filepath.Abs("boot.sh")
	if err != nil {
		tb.Fatal(err)
	}
	makeCgroup(tb, filepath.Join(stage, "cgroup"))
	var console bytes.Buffer
	machine := exec.CommandContext(ctx, "/bin/bash", script, stage)
	machine.Stdout, machine.Stderr = &console, &console
	// As it is the init of its pid namespace, all of it dies with it, and it
	// dies with this test.
	machine.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	machine.WaitDelay = 5 * time.Second
	if err := machine.Run(); err != nil {
		console.WriteString(err.Error())
	}
	return console.String()
}

// makeCgroup makes a control group, and a link to it.
func makeCgroup(tb testing.TB, link string) {
	tb.Helper()
	parent := "/sys/fs/cgroup"
	if _, err := os.Stat(parent + "/unified"); err == nil {
		parent += "/unified"
	}
	group, err := os.MkdirTemp(parent, "pollwire-test-")
	if err != nil {
		tb.Skipf("no control group can be made here: %v", err)
	}
	tb.Cleanup(func() { removeCgroup(tb, group) })
	if err := os.Symlink(group, link); err != nil {
		tb.Fatal(err)
	}
}

// removeCgroup removes a control group with all below it, deepest first.
func removeCgroup(tb testing.TB, group string) {
	tb.Helper()
	var groups []string
	err := filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			groups = append(groups, path)
		}
		return err
	})
	for _, g := range slices.Backward(groups) {
		err = errors.Join(err, syscall.Rmdir(g))
	}
	if err != nil {
		tb.Errorf("remove control group: %v", err)
	}
}

func copyFile(tb testing.TB, from, to string, mode fs.FileMode) {
	tb.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		tb.Fatal(err)
	}
	write(tb, to, string(content), mode)
}

// write makes a file and the directories above it.
func write(tb testing.TB, path, content string, mode fs.FileMode) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		tb.Fatal(err)
	}
}

// TestUnitIsHardened holds the unit to what systemd itself thinks of it, from 0
// (safe) to 100, alone and with the drop-in that confines it further.
func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze")
	}
	confined := filepath.Join(t.TempDir(), "pollwire.service")
	var text []byte
	for _, part := range []string{unitFile, confineFile} {
		read, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, read...)
	}
	write(t, confined, string(text), 0o644)
	for file, threshold := range map[string]string{unitFile: "11", confined: "9"} {
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold="+threshold, "--no-pager", file).CombinedOutput()
		if err != nil {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			t.Errorf("%s: %v: %s", file, err, lines[len(lines)-1])
		}
	}
}
