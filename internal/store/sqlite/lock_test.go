package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pollwire/pollwire/internal/store"
)

func TestSecondOpenerIsToldWho(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "pollwire.db"), filepath.Join(dir, "link.db")
	first := mustOpen(t, path)
	must(t, os.Symlink(path, link))
	host, err := os.Hostname()
	must(t, err)
	for _, name := range []string{path, link} {
		_, err := Open(t.Context(), Options{Path: name, Version: "other"})
		var locked *LockedError
		if !errors.As(err, &locked) {
			t.Fatalf("got %v, want a LockedError", err)
		}
		h := locked.Holder
		if h.PID != os.Getpid() || h.Host != host || h.Version != "test" || time.Since(h.Since) > time.Hour {
			t.Errorf("holder: %+v", h)
		}
		for _, word := range []string{path, fmt.Sprint("process ", os.Getpid()), "on " + host, "since 20", "stop that one first"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%v does not say %q", err, word)
			}
		}
	}
	mustCommit(t, first, &store.Source{Name: "orders"}) // and is not disturbed

	must(t, first.Close())
	mustOpen(t, link)
}

// TestReleaseBesideAFork holds the lock's file open as a child does that is being
// started while the database is closed.
func TestReleaseBesideAFork(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	s := mustOpen(t, path)
	inherited, err := unix.Dup(int(s.lock.file.Fd()))
	must(t, err)
	t.Cleanup(func() { _ = unix.Close(inherited) })
	must(t, s.Close())
	mustOpen(t, path)
}

func TestStaleLockFileIsNoObstacle(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	stale := "pid: 1\nhost: somewhere\nsince: 2020-01-01T00:00:00Z\nversion: 0.0.1 with a much longer text than the next one will have\n"
	must(t, os.WriteFile(path+".lock", []byte(stale), 0o600))
	s := mustOpen(t, path)
	text, err := os.ReadFile(path + ".lock")
	must(t, err)
	if h := parseHolder(string(text)); h.PID != os.Getpid() || h.Version != "test" || strings.Contains(string(text), "0.0.1") {
		t.Errorf("the lock file says %q", text)
	}
	must(t, s.Close())
	text, err = os.ReadFile(path + ".lock")
	must(t, err)
	if len(text) != 0 {
		t.Errorf("after Close the lock file says %q", text)
	}
}

// TestLockFileOfRoot: a command that root runs must not keep the daemon out.
func TestLockFileOfRoot(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		skip(t, "lock file of root", "only root can give files away")
	}
	path := filepath.Join(t.TempDir(), "pollwire.db")
	mustOpenAndClose(t, path)
	must(t, os.Chown(path, 65534, 65534))
	must(t, os.Remove(path+".lock"))
	mustOpenAndClose(t, path)
	var owner unix.Stat_t
	must(t, unix.Stat(path+".lock", &owner))
	if owner.Uid != 65534 || owner.Gid != 65534 {
		t.Errorf("the lock file belongs to %d:%d", owner.Uid, owner.Gid)
	}
}

func TestLockFileOfAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	must(t, os.Mkdir(path+".lock", 0o700))
	if _, err := Open(t.Context(), Options{Path: path}); err == nil || !strings.Contains(err.Error(), "lock database") {
		t.Errorf("got %v", err)
	}
}

func TestParseHolder(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]Holder{
		"":                 {},
		"\x00\xff":         {},
		"pid: x\nhost: h":  {},
		"pid: -1\nhost: h": {},
		"pid: 7":           {PID: 7},
		"pid: 7\r\nhost: a b\nsince: yesterday\n":                               {PID: 7, Host: "a b"},
		"pid: 7\nhost: h\nsince: 2026-01-02T03:04:05Z\nversion: 1.2: x\nnew: y": {PID: 7, Host: "h", Since: since, Version: "1.2: x"},
	} {
		if got := parseHolder(text); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}

func TestLockedErrorWithoutHolder(t *testing.T) {
	t.Parallel()
	want := "database /d is in use by another process: stop that one first, or give this one another storage.dsn"
	if got := (&LockedError{Path: "/d"}).Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzParseHolder(f *testing.F) {
	f.Add("pid: 7\nhost: h\nsince: 2026-01-02T03:04:05Z\nversion: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		if h := parseHolder(text); h.PID < 0 || h.PID == 0 && h != (Holder{}) {
			t.Errorf("%q: %+v", text, h)
		}
	})
}
