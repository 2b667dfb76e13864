package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startCommand starts a command whose environment is that of startProcess.
func startCommand(t *testing.T, words ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), words[0], words[1:]...), stdout: newOutput(), stderr: newOutput()}
	p.cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY=")
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// startAfter starts the daemon behind a command that runs it.
func (c *crash) startAfter(t *testing.T, before ...string) *process {
	t.Helper()
	c.configure(t)
	return startCommand(t, append(before, c.binary, "run", "--config", c.config)...)
}

// skipFault skips a test that this machine cannot run; where nothing may be
// skipped it fails.
func skipFault(t *testing.T, reason error) {
	t.Helper()
	if os.Getenv("POLLWIRE_NO_SKIP") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// TestInitOnFullDisk: where there is no room for a file init leaves no part of one, and
// once there is room it works.
func TestInitOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		skipFault(t, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast, path := filepath.Join(dir, "ballast"), filepath.Join(dir, "pollwire.yaml")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	for _, args := range [][]string{{}, {"github"}} {
		pollwire(t, append([]string{"init", "-c", path}, args...)...).want(t, exitFailed, "! no space left on device")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	pollwire(t, "init", "github", "-c", path).want(t, exitOK, "Wrote "+path)
}

// TestFullDisk fills the disk under the real binary while an API changes all the
// time, and makes room again: it goes on by itself, with nothing lost and nothing
// told twice.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	c := newCrash(t)
	c.text = strings.Replace(c.text, "{level: error}", "{level: info}", 1)
	dir := filepath.Join(filepath.Dir(c.database), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		skipFault(t, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	c.text = strings.Replace(c.text, c.database, filepath.Join(dir, "crash.db"), 1)
	c.database = filepath.Join(dir, "crash.db")
	c.baseline(t)
	p := c.startAfter(t)
	c.api.letLoose(true)
	for round := range 3 {
		p.stderr.awaitCount(t, `msg="source changed"`, 20*(round+1))
		// Receivers answer when nothing can be written any more, so that there are
		// outcomes that cannot be saved.
		answer, said := c.holdAnswers(), len(p.stderr.String())
		// With no byte left the next page of the log of writes finds no room.
		ballast := filepath.Join(dir, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 24<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("the disk is not full: %v", err)
		}
		p.stderr.awaitSince(t, said, "no space left on the disk of the database")
		answer()
		p.stderr.awaitCount(t, `msg="deliveries wait: their outcome cannot be saved"`, round+1)
		c.awaitHealth(t, exitFailed, "deliveries  failing")
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		p.stderr.awaitCount(t, `msg="deliveries go on: their outcome is saved"`, round+1)
		c.awaitHealth(t, exitOK, "database    ok")
	}
	c.api.letLoose(false)
	c.awaitBooks(t)
	p.signal(t, syscall.SIGTERM).want(t, exitOK, "! no space left on the disk of the database")
	c.checkBooks(t, 0)
	c.checkLog(t)
}

// awaitHealth asks the daemon whether it is well until it answers as it should. It
// is well again, for a moment, where a write still finds room.
func (c *crash) awaitHealth(t *testing.T, code int, part string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the health to be %d, %s", code, part), func() bool {
		got := pollwire(t, "health", "-c", c.config)
		return got.code == code && strings.Contains(got.stdout, part)
	})
}

// TestFailingDisk lets writes of the real binary fail as those of a broken disk
// do, one in each run: it stops and says why, and the next run goes on with
// nothing lost. Where the disk is only full, it does not even stop.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	// The tracer is no parent: who is started, told to end and waited for is the daemon.
	strace := []string{"strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", os.DevNull}
	if out, err := exec.CommandContext(t.Context(), strace[0], append(strace[1:], "true")...).CombinedOutput(); err != nil {
		skipFault(t, fmt.Errorf("strace: %w: %s", err, out))
	}
	c := newCrash(t)
	c.text = strings.Replace(c.text, "{level: error}", "{level: info}", 1)
	c.baseline(t)
	c.api.letLoose(true)
	for _, fault := range []struct {
		call, fails string
		words       string // what is said where it ends; else it goes on
	}{
		{"fsync,fdatasync", "error=EIO:when=" + from(c.random, 5), "disk I/O error"},
		{"pwrite64", "error=EIO:when=" + from(c.random, 20), "disk I/O error"},
		{"fsync,fdatasync", "error=ENOSPC:when=" + from(c.random, 5), "disk I/O error"},
		{"pwrite64", "error=EROFS:when=" + from(c.random, 20), "disk I/O error"},
		{"pwrite64", "error=ENOSPC:when=20..80", ""},
	} {
		name := fault.call + " " + fault.fails
		p := c.startAfter(t, append(strace, "-e", "trace="+fault.call, "-e", "inject="+fault.call+":"+fault.fails)...)
		if fault.words == "" {
			p.stderr.await(t, "no space left on the disk of the database")
			seen := strings.Count(p.stderr.String(), `msg="source changed"`)
			p.stderr.awaitCount(t, `msg="source changed"`, seen+20)
			// Each thread has its own count of writes, so that the last one may fail too.
			// That one is of when sources are polled next, and it is said.
			if got := p.signal(t, syscall.SIGTERM); got.code != exitOK && !strings.Contains(got.stderr, "pollwire: stop: stop scheduler: stop scheduler: save next runs") {
				t.Errorf("%s: exit code %d\n%s", name, got.code, got.stderr)
			}
			continue
		}
		begun := time.Now()
		got := p.signal(t, 0)
		got.want(t, exitFailed, "! "+fault.words, "! check the disk and the kernel's log, then restart pollwire")
		t.Logf("%s: ended with %d after %v", name, got.code, time.Since(begun).Round(10*time.Millisecond))
	}
	c.api.letLoose(false)
	c.settle(t)
	c.checkBooks(t, 4)
	c.checkLog(t)
}

// from is a number from which on something fails.
func from(random *rand.Rand, least int) string { return strconv.Itoa(least + random.IntN(40)) }

// TestRemovedDatabase removes the file under the real binary: it notices, writes
// the file anew as it stops, and the next run goes on.
func TestRemovedDatabase(t *testing.T) {
	t.Parallel()
	c := newCrash(t)
	c.baseline(t)
	c.api.letLoose(true)
	p := c.startAfter(t)
	c.await(t, "all lists to be asked 20 times", c.api.asked, func() bool { return c.api.answered(20) })
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(c.database + suffix); err != nil {
			t.Fatal(err)
		}
	}
	c.api.calmAfter(60) // what is told meanwhile is enough, and it may notice only seconds later
	p.signal(t, 0).want(t, exitFailed, "! file "+c.database+" was removed while it was open: pollwire writes it anew when it stops")
	c.settle(t)
	c.checkBooks(t, 1)
	c.checkLog(t)
}
