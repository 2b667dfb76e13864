package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// wantProblem checks what a store says of its place.
func wantProblem(t *testing.T, s *Store, reopen bool, words string) {
	t.Helper()
	got := s.Survey()
	if got.Problem == nil || got.Reopen != reopen || !strings.Contains(got.Problem.Error(), words) {
		t.Errorf("got %+v, want %q", got, words)
	}
	if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("ping: got %v, want %q", err, words)
	}
}

// TestRemovedFile removes the file under the store, with and without what belongs
// to it: nothing is lost where the store is closed.
func TestRemovedFile(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"", "*"} {
		path := realPath(t)
		s := mustOpen(t, path)
		src := &store.Source{Name: "orders"}
		commitNoise(t, s, src, 20)
		if got := s.Survey(); got != (store.Survey{}) {
			t.Errorf("before: %+v", got)
		}
		removeAll(t, path+pattern)
		wantProblem(t, s, true, "file "+path+" was removed while it was open: pollwire writes it anew when it stops")
		must(t, s.Commit(t.Context(), noiseCommit(src)))
		must(t, s.Close())

		verifySound(t, path)
		s = mustOpen(t, path)
		storetest.VerifyLog(t, s)
		if got, err := s.Source(t.Context(), "orders"); err != nil || got.Sequence != 21 {
			t.Errorf("%+v, %v", got, err)
		}
		must(t, s.Close())
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}

func removeAll(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	must(t, err)
	for _, f := range files {
		must(t, os.Remove(f))
	}
}

// TestReplacedFile puts another file in the place of the one that is open: both
// are there afterwards.
func TestReplacedFile(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	s := mustOpen(t, path)
	mustCommit(t, s, &store.Source{Name: "orders"})
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, nil, 0o600))
	wantProblem(t, s, true, "was replaced by another while it was open")
	must(t, s.Close())
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("the other one: %v, %v", info, err)
	}
	kept, err := filepath.Glob(path + ".removed-*")
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept: %v, %v", kept, err)
	}
	if n := mustCount(t, kept[0], "SELECT count(*) FROM events"); n != 1 {
		t.Errorf("%d events in what was kept, want 1", n)
	}
}

// TestRestoreUnderADaemon puts a backup in the place of a file that is open, which
// the manual forbids: what the file had written since does not get into the backup.
func TestRestoreUnderADaemon(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	commitNoise(t, s, src, 20)
	to := filepath.Join(t.TempDir(), "copy.db")
	if _, err := Backup(t.Context(), BackupOptions{Path: path, To: to}); err != nil {
		t.Fatal(err)
	}
	commitNoise(t, s, src, 20)
	must(t, os.Rename(to, path))
	wantProblem(t, s, true, "was replaced by another while it was open")
	must(t, s.Close())

	verifySound(t, path)
	s = mustOpen(t, path)
	storetest.VerifyLog(t, s)
	if got, err := s.Source(t.Context(), "orders"); err != nil || got.Sequence != 20 {
		t.Errorf("%+v, %v", got, err)
	}
	must(t, s.Close())
}

// TestRemovedDirectory: as long as it is gone the file cannot be written anew,
// and that is said.
func TestRemovedDirectory(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		path := filepath.Join(filepath.Dir(realPath(t)), "state", "pollwire.db")
		must(t, os.Mkdir(filepath.Dir(path), 0o700))
		s, err := Open(t.Context(), Options{Path: path})
		must(t, err)
		mustCommit(t, s, &store.Source{Name: "orders"})
		must(t, os.RemoveAll(filepath.Dir(path)))
		wantProblem(t, s, false, "make the directory again, and do not kill pollwire")
		if !again {
			if err := s.Close(); err == nil || !strings.Contains(err.Error(), "write the removed file anew") {
				t.Errorf("close: %v", err)
			}
			continue
		}
		must(t, os.Mkdir(filepath.Dir(path), 0o700))
		wantProblem(t, s, true, "writes it anew when it stops")
		must(t, s.Close())
		if n := mustCount(t, path, "SELECT count(*) FROM events"); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	}
}

// mustTmpfs mounts a small file system, and returns its path.
func mustTmpfs(t *testing.T, options string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		skip(t, "small file system", fmt.Sprint("mount a tmpfs: ", err))
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, 0)) })
	return dir
}

func TestNearlyFullDisk(t *testing.T) {
	t.Parallel()
	dir := mustTmpfs(t, "size=8m")
	s := mustOpen(t, filepath.Join(dir, "pollwire.db"))
	mustCommit(t, s, &store.Source{Name: "orders"})
	if got := s.Survey(); got != (store.Survey{}) {
		t.Errorf("with room: %+v", got)
	}
	ballast := filepath.Join(dir, "ballast")
	must(t, os.WriteFile(ballast, make([]byte, 8<<20-512<<10), 0o600))
	got := s.Survey()
	if got.Warning == nil || got.Problem != nil || !strings.Contains(got.Warning.Error(), "the disk of "+dir+" is nearly full, with 0.") ||
		!strings.Contains(got.Warning.Error(), " MiB left of 8.0 MiB: make room") {
		t.Errorf("got %+v", got)
	}
	must(t, os.Remove(ballast))
	if got := s.Survey(); got != (store.Survey{}) {
		t.Errorf("with room again: %+v", got)
	}
	must(t, s.Close())
}

// TestNoInodes: a file system that takes no more files says that it is full,
// though it has room.
func TestNoInodes(t *testing.T) {
	t.Parallel()
	dir := mustTmpfs(t, "size=8m,nr_inodes=40")
	path := filepath.Join(dir, "pollwire.db")
	s := mustOpen(t, path)
	var files []string
	for n := 0; ; n++ {
		name := filepath.Join(dir, fmt.Sprint(n))
		err := os.WriteFile(name, nil, 0o600)
		if errors.Is(err, unix.ENOSPC) {
			break
		}
		must(t, err)
		files = append(files, name)
	}
	if got := s.Survey(); got.Warning == nil || !strings.Contains(got.Warning.Error(), "has 0 inodes left of 40") {
		t.Errorf("got %+v", got)
	}
	mustCommit(t, s, &store.Source{Name: "orders"}) // needs none
	_, err := Open(t.Context(), Options{Path: filepath.Join(dir, "other.db")})
	if !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "it has no inode left: remove files") {
		t.Errorf("got %v", err)
	}
	must(t, os.Remove(files[0]))
	must(t, s.Close())
}

// TestFullDiskAtTheStart has words for a start that finds no room at all.
func TestFullDiskAtTheStart(t *testing.T) {
	t.Parallel()
	dir := mustTmpfs(t, "size=2m")
	path := filepath.Join(dir, "pollwire.db")
	mustCommitOnce(t, path)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Path: path}); !errors.Is(err, store.ErrFull) {
		t.Errorf("got %v", err)
	}
	must(t, os.Remove(ballast))
	mustOpenAndClose(t, path)
}

// TestReadOnlyDisk: what a kernel does to a disk with errors.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := mustTmpfs(t, "size=8m")
	path := filepath.Join(dir, "pollwire.db")
	mustCommitOnce(t, path)
	remount := func(flags uintptr) { must(t, unix.Mount("", dir, "", unix.MS_REMOUNT|flags, "")) }
	remount(unix.MS_RDONLY)
	_, err := Open(t.Context(), Options{Path: path})
	if err == nil || !strings.Contains(err.Error(), "read-only file system") || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	remount(0)
	mustOpenAndClose(t, path)
}

// TestDamagedFile: it is not opened, and where it is open already, the words are
// the same.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	for range 3 {
		mustCommit(t, s, src)
	}
	must(t, s.Close())
	sound, err := os.ReadFile(path)
	must(t, err)
	damage(t, path)
	const words = "the database is damaged: stop pollwire, keep the damaged file, and put a backup in its place"
	mustBeRefused := func() {
		t.Helper()
		_, err := Open(t.Context(), Options{Path: path})
		if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), path+": "+words) || strings.Count(err.Error(), words) != 1 {
			t.Errorf("open: got %v", err)
		}
	}
	mustBeRefused()
	// Where the schema is what is damaged, not even the check can be made.
	schema := bytes.ReplaceAll(sound, []byte("CREATE INDEX"), []byte("CREATE \x01NDEX"))
	must(t, os.WriteFile(path, schema, 0o600))
	mustBeRefused()
	must(t, os.WriteFile(path, sound, 0o600))

	s = mustOpen(t, path)
	damage(t, path)
	if _, err := s.Events(t.Context(), 0, 10); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("read: got %v", err)
	}
	if got := s.Survey(); got.Problem == nil || got.Reopen || !strings.Contains(got.Problem.Error(), words) {
		t.Errorf("survey: got %+v", got)
	}
	// The connection that writes must not know the page by heart.
	must(t, s.write(t.Context(), 0, func(s *session) error {
		_, err := s.exec("PRAGMA shrink_memory")
		return err
	}))
	err = s.Commit(t.Context(), benchCommit(src, src.Version))
	var disk *store.DiskError
	if !errors.As(err, &disk) || !strings.HasSuffix(err.Error(), "; pollwire writes no more to it") || !strings.Contains(err.Error(), words) {
		t.Errorf("write: got %v", err)
	}
	must(t, s.Close())
}
