package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// TestKill kills a process that commits, again and again on one database: what
// it acknowledged is there, and the whole is sound.
func TestKill(t *testing.T) {
	t.Parallel()
	const rounds = 8
	path := filepath.Join(t.TempDir(), "pollwire.db")
	acknowledged := map[string]int64{}
	for round := range rounds {
		cmd := child(t, "commit", path)
		out := lines(t, cmd)
		for left := 1 + rand.IntN(150); out.Scan(); left-- {
			if left == 0 {
				must(t, cmd.Process.Kill())
			}
			var name string
			var sequence int64
			if _, err := fmt.Sscan(out.Text(), &name, &sequence); err == nil {
				acknowledged[name] = max(acknowledged[name], sequence)
			}
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("round %d: the child ended by itself: %v", round, err)
		}
		verifyKilled(t, path, acknowledged)
	}
	if len(acknowledged) != 4 {
		t.Errorf("acknowledged: %v, want four sources", acknowledged)
	}
}

func verifyKilled(t *testing.T, path string, acknowledged map[string]int64) {
	t.Helper()
	s := mustOpen(t, path) // the dead process's lock is no obstacle
	storetest.VerifyLog(t, s)
	for name, sequence := range acknowledged {
		src, err := s.Source(t.Context(), name)
		if err != nil || src.Sequence < sequence {
			t.Fatalf("%s: %d was acknowledged, %d is there (%v)", name, sequence, src.Sequence, err)
		}
		verifyVersions(t, s, src)
	}
	must(t, s.Close())
	verifySound(t, path)
}

// verifyVersions holds the kept versions of a source to what commitForever
// committed.
func verifyVersions(t *testing.T, s *Store, src store.Source) {
	t.Helper()
	kept, err := s.Snapshots(t.Context(), src.Name)
	must(t, err)
	if want := min(src.Version, 20); int64(len(kept)) != want || kept[want-1].Number != src.Version {
		t.Fatalf("%s: %d versions are kept, want %d up to %d: %v", src.Name, len(kept), want, src.Version, kept)
	}
	for _, v := range kept {
		snap, err := s.SnapshotAt(t.Context(), src.Name, v.Number)
		body, pages := childAnswer(src.Name, v.Number)
		if err != nil || !bytes.Equal(snap.Body, body) {
			t.Fatalf("%s: version %d is %q: %v", src.Name, v.Number, snap.Body, err)
		}
		verifyPages(t, snap, pages)
	}
}

func verifySound(t *testing.T, path string) {
	t.Helper()
	if n := mustCount(t, path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"); n != 0 {
		t.Fatalf("integrity check: %d problems", n)
	}
	if n := mustCount(t, path, "SELECT count(*) FROM pragma_foreign_key_check"); n != 0 {
		t.Fatalf("foreign key check: %d problems", n)
	}
	verifyListed(t, path)
}

// TestKillBetweenStagingAndCommit kills a process that has written some pages of
// a version, and not the version.
func TestKillBetweenStagingAndCommit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	cmd := child(t, "stage", path)
	out := lines(t, cmd)
	for out.Scan() && out.Text() != "staged" {
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed
	if loose, all := mustCount(t, path, "SELECT count(*) FROM loose_pages"), mustCount(t, path, "SELECT count(*) FROM pages"); loose != 3 || all != 7 {
		t.Fatalf("%d of %d pages are loose, want 3 of 7", loose, all)
	}
	s := mustOpen(t, path)
	src, err := s.Source(t.Context(), "orders")
	if err != nil || src.Version != 1 {
		t.Fatalf("version %d, %v", src.Version, err)
	}
	snap, err := s.Snapshot(t.Context(), "orders")
	must(t, err)
	verifyPages(t, snap, stagedPages(1))
	if n := len(mustVersions(t, s, "orders")); n != 1 {
		t.Errorf("%d versions", n)
	}
	must(t, s.Close())
	verifySound(t, path)

	s = mustOpen(t, path)
	again := pagesCommit(&src, stagedPages(2))
	again.Events[0].ID = "evt_again" // the child counts from one too
	must(t, s.Commit(t.Context(), again))
	must(t, s.Close())
	verifySound(t, path)
}

func TestLockedByAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	cmd := child(t, "commit", path)
	out := lines(t, cmd)
	if !out.Scan() {
		t.Fatal("the child said nothing")
	}
	_, err := Open(t.Context(), Options{Path: path})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != cmd.Process.Pid || locked.Holder.Version != "child" {
		t.Errorf("got %v, want a LockedError that names process %d", err, cmd.Process.Pid)
	}
	look := mustOpenReadOnly(t, path)
	if sources, err := look.Sources(t.Context()); err != nil || len(sources) == 0 {
		t.Errorf("read beside it: %v, %v", sources, err)
	}
	must(t, cmd.Process.Kill())
	for out.Scan() {
	}
	_ = cmd.Wait() // killed
	mustOpen(t, path)
}

func TestUnwritableFile(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		skip(t, "unwritable file", "only root can become another user")
	}
	dir, err := os.MkdirTemp("", "pollwire") // t.TempDir is closed to others
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o777))
	path := filepath.Join(dir, "pollwire.db")
	mustCommitOnce(t, path)
	must(t, os.Chmod(path, 0o444))
	must(t, os.Chmod(path+".lock", 0o666))
	out, err := child(t, "unprivileged", path).Output()
	if want := fmt.Sprintf("error: open database %s: it is not writable: permission denied\n", path); err == nil || string(out) != want {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
}

func mustCommitOnce(t *testing.T, path string) {
	t.Helper()
	s := mustOpen(t, path)
	mustCommit(t, s, &store.Source{Name: "first"})
	must(t, s.Close())
}
