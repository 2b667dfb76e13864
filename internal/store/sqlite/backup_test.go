package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// TestBackupBesideAWriter: the copy is one state, which was committed, and opens
// as a database.
func TestBackupBesideAWriter(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	s := mustOpen(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var writers sync.WaitGroup
	for n := range 4 {
		writers.Go(func() {
			src := store.Source{Name: fmt.Sprint("source-", n)}
			for ctx.Err() == nil {
				c := benchCommit(&src, src.Version)
				c.Snapshot.Body, c.Snapshot.Pages = childAnswer(src.Name, src.Version+1)
				c.Events[0].ID = fmt.Sprintf("evt_%s_%d", src.Name, src.Sequence+1)
				if err := s.Commit(ctx, c); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for s.ids() < 100 { // enough for pages of several kinds
		must(t, s.Ping(t.Context()))
	}
	last := int64(0)
	for n := range 5 {
		before := s.ids()
		to := filepath.Join(t.TempDir(), "copy.db")
		var steps []int64
		copied, err := Backup(t.Context(), BackupOptions{Path: path, To: to, Progress: func(done, _ int64) { steps = append(steps, done) }})
		must(t, err)
		if copied.Schema != lastSchema(t) || copied.To != to || len(steps) == 0 || !slices.IsSorted(steps) || steps[len(steps)-1] != copied.Bytes {
			t.Errorf("copied %+v, with progress %v", copied, steps)
		}
		info, err := os.Stat(to)
		must(t, err)
		if info.Mode().Perm() != 0o600 || info.Size() != copied.Bytes {
			t.Errorf("%v, %d bytes", info.Mode(), info.Size())
		}
		mustBeAlone(t, to)
		restored := mustOpen(t, to)
		storetest.VerifyLog(t, restored)
		position, err := restored.LastPosition(t.Context())
		must(t, err)
		if position < before || position < last {
			t.Errorf("copy %d ends at %d, %d was committed before it", n, position, before)
		}
		last = position
		must(t, restored.Close())
		verifySound(t, to) // pages of a commit that was under way are gone by now
	}
	cancel()
	writers.Wait()
	storetest.VerifyLog(t, s)
}

// ids is the position that was committed last.
func (s *Store) ids() int64 {
	position, err := s.LastPosition(context.Background()) // only in tests
	if err != nil {
		return 0
	}
	return position
}

func lastSchema(t *testing.T) int64 {
	t.Helper()
	files, err := fs.Glob(migrations, "migrations/*.sql")
	must(t, err)
	return int64(len(files))
}

// mustBeAlone checks that nothing else is left in a file's directory.
func mustBeAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s was left", e.Name())
		}
	}
}

// TestBackupWithoutADaemon: of a database that was closed, and of one that was
// killed and has all in its log.
func TestBackupWithoutADaemon(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	mustCommitOnce(t, path)
	killed := filepath.Join(t.TempDir(), "killed.db")
	s := mustOpen(t, path)
	mustCommit(t, s, &store.Source{Name: "second"})
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + suffix)
		must(t, err)
		must(t, os.WriteFile(killed+suffix, text, 0o600))
	}
	must(t, s.Close())
	for _, from := range []string{path, killed} {
		to := filepath.Join(t.TempDir(), "copy.db")
		if _, err := Backup(t.Context(), BackupOptions{Path: from, To: to}); err != nil {
			t.Fatal(err)
		}
		mustBeAlone(t, to)
		if n := mustCount(t, to, "SELECT count(*) FROM events"); n != 2 {
			t.Errorf("%s: the copy has %d events, want 2", from, n)
		}
		mustOpenAndClose(t, from) // nothing of the backup is in the way
	}
}

// TestBackupOfAnOlderSchema is what an upgrade begins with.
func TestBackupOfAnOlderSchema(t *testing.T) {
	t.Parallel()
	path := mustSchema(t, 1, "schema1.sql")
	to := filepath.Join(t.TempDir(), "copy.db")
	copied, err := Backup(t.Context(), BackupOptions{Path: path, To: to})
	if err != nil || copied.Schema != 1 {
		t.Errorf("%+v, %v", copied, err)
	}
	if n := mustCount(t, path, "SELECT max(version_id) FROM "+versionTable); n != 1 {
		t.Errorf("the backup has migrated the database to %d", n)
	}
	mustOpenAndClose(t, to)
}

// TestBackupAsRoot of what belongs to the daemon's user: what SQLite makes beside
// the database must not keep the daemon out.
func TestBackupAsRoot(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		skip(t, "backup as root", "only root can become another user")
	}
	dir, err := os.MkdirTemp("", "pollwire") // t.TempDir is closed to others
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chown(dir, 65534, 65534))
	path := filepath.Join(dir, "pollwire.db")
	if out, err := child(t, "unprivileged", path).Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, err = Backup(t.Context(), BackupOptions{Path: path, To: filepath.Join(t.TempDir(), "copy.db")})
	must(t, err)
	if out, err := child(t, "unprivileged", path).Output(); err != nil {
		t.Errorf("after the backup: %v: %s", err, out)
	}
}

func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(t *testing.T, path, to string)
		to      string // beside the database, copy.db where it is empty
		is      error
		want    string
	}{
		"no database": {
			func(t *testing.T, path, _ string) { must(t, os.Remove(path)) },
			"", fs.ErrNotExist, "there is none at DIR/pollwire.db: check storage.dsn",
		},
		"what is there": {
			func(t *testing.T, _, to string) { must(t, os.WriteFile(to, []byte("precious"), 0o600)) },
			"", fs.ErrExist, "DIR/copy.db is there already, and is not overwritten",
		},
		"a link to nothing": {
			func(t *testing.T, _, to string) { must(t, os.Symlink("/nowhere", to)) },
			"", fs.ErrExist, "is not overwritten",
		},
		"the database itself": {nil, "pollwire.db", fs.ErrExist, "is not overwritten"},
		"its log":             {nil, "pollwire.db-wal", nil, "is a name that belongs to the database"},
		"no directory":        {nil, "no/copy.db", fs.ErrNotExist, "create backup"},
		"another program's": {
			func(t *testing.T, path, _ string) {
				must(t, os.Remove(path))
				mustExec(t, path, "CREATE TABLE a (x)")
			},
			"", nil, "it is not the database of a pollwire",
		},
		"garbage": {
			func(t *testing.T, path, _ string) {
				must(t, os.WriteFile(path, bytes.Repeat([]byte("garbage "), 1000), 0o600))
			},
			"", nil, "the file is no SQLite database",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := realPath(t)
			mustCommitOnce(t, path)
			to := filepath.Join(filepath.Dir(path), "copy.db")
			if test.to != "" {
				to = filepath.Join(filepath.Dir(path), test.to)
			}
			if test.prepare != nil {
				test.prepare(t, path, to)
			}
			before, _ := os.ReadFile(to) // whatever it is
			_, err := Backup(t.Context(), BackupOptions{Path: path, To: to})
			want := strings.ReplaceAll(test.want, "DIR", filepath.Dir(path))
			if err == nil || !strings.Contains(err.Error(), want) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("got %v, want %s", err, want)
			}
			if after, _ := os.ReadFile(to); !bytes.Equal(before, after) {
				t.Error("what was there is another thing now")
			}
			if parts, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.part-*")); len(parts) > 0 {
				t.Errorf("left: %v", parts)
			}
		})
	}
}

// TestBackupOfADamagedDatabase is none, and says so: whoever needs it would find
// out too late.
func TestBackupOfADamagedDatabase(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	commitNoise(t, s, src, 50)
	must(t, s.Close())
	damage(t, path)
	to := filepath.Join(t.TempDir(), "copy.db")
	_, err := Backup(t.Context(), BackupOptions{Path: path, To: to})
	if err == nil || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "put a backup in its place") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a backup: %v", err)
	}
}

// damage overwrites the root page of the table of events.
func damage(t *testing.T, path string) {
	t.Helper()
	page := mustCount(t, path, "SELECT rootpage FROM sqlite_schema WHERE name = 'events'")
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	_, err = file.WriteAt(bytes.Repeat([]byte{0xa5}, pageSize), int64(page-1)*pageSize)
	must(t, err)
	must(t, file.Close())
}

// TestBackupOntoAFullDisk leaves nothing.
func TestBackupOntoAFullDisk(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	commitNoise(t, s, src, 50)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		skip(t, "backup onto a full disk", fmt.Sprint("mount a tmpfs: ", err))
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, 0)) })
	_, err := Backup(t.Context(), BackupOptions{Path: path, To: filepath.Join(dir, "copy.db")})
	if err == nil || !strings.Contains(err.Error(), "no space left on its disk") {
		t.Errorf("got %v", err)
	}
	mustBeAlone(t, filepath.Join(dir, "nothing"))
	mustCommit(t, s, src) // the daemon is not concerned
}

func TestBackupThatIsGivenUp(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	commitNoise(t, s, src, 100)
	ctx, cancel := context.WithCancel(t.Context())
	to := filepath.Join(t.TempDir(), "copy.db")
	_, err := Backup(ctx, BackupOptions{Path: path, To: to, Progress: func(int64, int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	mustBeAlone(t, filepath.Join(filepath.Dir(to), "nothing"))
}

// TestRestore is what the manual says: stop, put the backup in the place of the
// database and take away what belonged to the old one, start.
func TestRestore(t *testing.T) {
	t.Parallel()
	path := realPath(t)
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	mustCommit(t, s, src)
	to := filepath.Join(t.TempDir(), "copy.db")
	_, err := Backup(t.Context(), BackupOptions{Path: path, To: to})
	must(t, err)
	mustCommit(t, s, src) // is lost by the restore
	wal, err := os.ReadFile(path + "-wal")
	must(t, err)
	must(t, s.Close())
	must(t, os.WriteFile(path+"-wal", wal, 0o600)) // as a killed daemon leaves it

	text, err := os.ReadFile(to)
	must(t, err)
	for _, suffix := range []string{"-wal", "-shm"} {
		_ = os.Remove(path + suffix) // perhaps there is none
	}
	must(t, os.WriteFile(path, text, 0o600))
	s = mustOpen(t, path)
	storetest.VerifyLog(t, s)
	got, err := s.Source(t.Context(), "orders")
	if err != nil || got.Sequence != 1 {
		t.Errorf("restored %+v, %v", got, err)
	}
	mustCommit(t, s, &got)
}
