package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob/blobtest"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// TestFullDisk fills a small file system: the commit that has no room fails
// alone, and once there is room the store goes on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		skip(t, "full disk", fmt.Sprint("mount a tmpfs: ", err))
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, 0)) })
	ballast := filepath.Join(dir, "ballast")
	must(t, os.WriteFile(ballast, make([]byte, 512<<10), 0o600))
	path := filepath.Join(dir, "pollwire.db")
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}

	fill(t, s, src)
	before := *src
	for range 3 {
		err := s.Commit(t.Context(), noiseCommit(src))
		if !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), path) {
			t.Fatalf("got %v, want ErrFull with the path", err)
		}
	}
	// A commit beyond the page cache meets the full disk before its end.
	huge := noiseCommit(src)
	huge.Snapshot.Body = blobtest.Noise(1, 3*8<<20)
	if err := s.Commit(t.Context(), huge); !errors.Is(err, store.ErrFull) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	if s.Err() != nil {
		t.Fatalf("a full disk is not the end: %v", s.Err())
	}
	if *src != before {
		t.Error("a failed commit changed its source")
	}
	storetest.VerifyLog(t, s)

	must(t, os.Remove(ballast))
	must(t, s.Commit(t.Context(), noiseCommit(src)))
	if src.Sequence != before.Sequence+1 {
		t.Errorf("sequence %d after %d", src.Sequence, before.Sequence)
	}
	storetest.VerifyLog(t, s)
	must(t, s.Close())
	verifySound(t, path)
}

// fill commits until the disk is full.
func fill(t *testing.T, s *Store, src *store.Source) {
	t.Helper()
	for {
		err := s.Commit(t.Context(), noiseCommit(src))
		if errors.Is(err, store.ErrFull) {
			return
		}
		must(t, err)
	}
}

// noiseCommit is a commit that does not compress. It has its noise in the event, as
// a snapshot is compared with the one before.
func noiseCommit(src *store.Source) *store.Commit {
	c := benchCommit(src, src.Version)
	c.Events[0].Data = blobtest.Noise(byte(src.Version), 50_000)
	return c
}

// commitNoise commits n of them.
func commitNoise(t *testing.T, s *Store, src *store.Source, n int) {
	t.Helper()
	for range n {
		must(t, s.Commit(t.Context(), noiseCommit(src)))
	}
}

// TestFileLimit lets a write fail as on a broken disk, for good.
func TestFileLimit(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	out, err := child(t, "full file", path).Output()
	verifyFatal(t, path, string(out), err)
}

// TestFailedSync fails one fsync only. The next would succeed, and must not be
// taken for the truth.
func TestFailedSync(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	mustOpenAndClose(t, path)
	if out, err := exec.Command("strace", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		skip(t, "failed fsync", fmt.Sprint("strace: ", err, string(out)))
	}
	out, err := child(t, "fail", path, "strace", "-f", "-qq", "-o", os.DevNull,
		"-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=12").Output()
	verifyFatal(t, path, string(out), err)
}

func verifyFatal(t *testing.T, path, out string, err error) {
	t.Helper()
	var sequence int64
	_, scanErr := fmt.Sscanf(out, "acknowledged %d\n", &sequence)
	if err != nil || scanErr != nil || sequence == 0 {
		t.Fatalf("the child said %q: %v", out, err)
	}
	for _, word := range []string{path, "disk I/O error", "then restart pollwire"} {
		if !strings.Contains(out, word) {
			t.Errorf("%q does not say %q", out, word)
		}
	}
	s := mustOpen(t, path)
	storetest.VerifyLog(t, s)
	src, err := s.Source(t.Context(), "orders")
	if err != nil || src.Sequence < sequence {
		t.Errorf("%d was acknowledged, %d is there (%v)", sequence, src.Sequence, err)
	}
	must(t, s.Close())
	verifySound(t, path)
}

// realPath is the path of a database to be, as errors name it.
func realPath(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	return filepath.Join(dir, "pollwire.db")
}

// TestMovedFile takes the file away from under the store, and puts another in
// its place.
func TestMovedFile(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	s := mustOpen(t, path)
	must(t, s.Ping(t.Context()))
	must(t, os.Rename(path, path+".moved"))
	for range 2 {
		wantProblem(t, s, false, "file "+path+" was moved while it was open: put it back and restart pollwire")
		must(t, os.WriteFile(path, nil, 0o600))
	}
	must(t, os.Rename(path+".moved", path))
	must(t, s.Ping(t.Context()))
}

// TestLockedByAnotherProgram has another program hold the database while the
// store is open: writes fail alone, and work again when it lets go.
func TestLockedByAnotherProgram(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	mustCommit(t, s, src)
	other, err := sql.Open("sqlite", dsn(path, "rw"))
	must(t, err)
	t.Cleanup(func() { _ = other.Close() })
	held, err := other.BeginTx(t.Context(), nil)
	must(t, err)
	_, err = held.ExecContext(t.Context(), "UPDATE heartbeat SET at = at; DELETE FROM next_runs")
	must(t, err)

	err = s.Commit(t.Context(), benchCommit(src, src.Version))
	if !errors.Is(err, store.ErrBusy) || !store.Passes(err) || !strings.Contains(err.Error(), "write "+path+": another program holds it locked") {
		t.Errorf("got %v, want ErrBusy with the path", err)
	}
	if s.Err() != nil {
		t.Errorf("that is not the end: %v", s.Err())
	}
	if n, err := s.Sources(t.Context()); err != nil || len(n) != 1 {
		t.Errorf("what is there cannot be read: %v", err)
	}
	must(t, held.Rollback())
	mustCommit(t, s, src)
	storetest.VerifyLog(t, s)
}
