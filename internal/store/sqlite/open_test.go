package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// mustOpen opens a database that is closed at the end of the test.
func mustOpen(tb testing.TB, path string) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), Options{Path: path, Version: "test"})
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return s
}

// mustExec runs SQL on a database that no store has open.
func mustExec(tb testing.TB, path, query string) {
	tb.Helper()
	db, err := sql.Open("sqlite", dsn(path, "rwc"))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := db.Exec(query); err != nil {
		tb.Fatal(err)
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
}

// mustCommit commits one change of a source, with a snapshot, for "ops".
func mustCommit(tb testing.TB, s *Store, src *store.Source) {
	tb.Helper()
	if err := s.Commit(tb.Context(), benchCommit(src, src.Version)); err != nil {
		tb.Fatalf("commit: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(t *testing.T, path string)
		want    string
	}{
		"a missing directory": {
			func(t *testing.T, path string) { must(t, os.Remove(filepath.Dir(path))) },
			"directory DIR cannot be used: create it, or change storage.dsn",
		},
		"a directory": {
			func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) },
			"it is not a regular file",
		},
		"garbage": {
			func(t *testing.T, path string) {
				must(t, os.WriteFile(path, bytes.Repeat([]byte("garbage "), 1000), 0o600))
			},
			"the file is no SQLite database; move it away, or change storage.dsn",
		},
		"another program's database": {
			func(t *testing.T, path string) { mustExec(t, path, "CREATE TABLE a (x); CREATE TABLE b (x)") },
			"it is the database of another program",
		},
		"another program's only table": {
			func(t *testing.T, path string) { mustExec(t, path, "CREATE TABLE a (x)") },
			"it is the database of another program",
		},
		"another program's counted table": {
			func(t *testing.T, path string) {
				mustExec(t, path, "CREATE TABLE a (x INTEGER PRIMARY KEY AUTOINCREMENT)")
			},
			"it is the database of another program",
		},
		"another program's mark": {
			func(t *testing.T, path string) { mustExec(t, path, "PRAGMA application_id = 7") },
			"it is the database of another program",
		},
		"a database locked by another program": {
			func(t *testing.T, path string) {
				mustOpenAndClose(t, path)
				db, err := sql.Open("sqlite", dsn(path, "rw", "locking_mode(EXCLUSIVE)"))
				must(t, err)
				_, err = db.Exec("BEGIN EXCLUSIVE; UPDATE heartbeat SET at = 1; COMMIT")
				must(t, err)
				t.Cleanup(func() { _ = db.Close() })
			},
			"another program holds it locked",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := filepath.EvalSymlinks(t.TempDir())
			must(t, err)
			dir = filepath.Join(dir, "state")
			must(t, os.Mkdir(dir, 0o700))
			path := filepath.Join(dir, "pollwire.db")
			test.prepare(t, path)
			_, err = Open(t.Context(), Options{Path: path})
			want := strings.ReplaceAll(test.want, "DIR", dir)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %q and the path", err, want)
			}
		})
	}
}

func TestOpenWithoutPath(t *testing.T) {
	t.Parallel()
	if _, err := Open(t.Context(), Options{}); err == nil {
		t.Error("an empty path was opened")
	}
}

func TestOpenLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "other.db")
	mustExec(t, path, "CREATE TABLE a (x); CREATE TABLE b (x)")
	if _, err := Open(t.Context(), Options{Path: path}); err == nil {
		t.Fatal("another program's database was opened")
	}
	if n := mustCount(t, path, "SELECT count(*) FROM sqlite_schema"); n != 2 {
		t.Errorf("%d tables, want the 2 that were there", n)
	}
}

func TestOpenRefusesFutureSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	mustOpenAndClose(t, path)
	mustExec(t, path, "INSERT INTO "+versionTable+" (version_id, is_applied) VALUES (4711, 1)")
	for _, readOnly := range []bool{false, true} {
		_, err := Open(t.Context(), Options{Path: path, ReadOnly: readOnly})
		var future *FutureSchemaError
		if !errors.As(err, &future) {
			t.Fatalf("got %v, want a FutureSchemaError", err)
		}
		if future.Database != 4711 || future.Known < 1 || !strings.Contains(err.Error(), "version 4711") ||
			!strings.Contains(err.Error(), "up to 4:") {
			t.Errorf("the error does not name both versions: %v", err)
		}
	}
}

func TestNewFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	s := mustOpen(t, path)
	mustCommit(t, s, &store.Source{Name: "orders"})
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, want 0600", suffix, info.Mode().Perm())
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "with space and % and ?.db"))
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "auto_vacuum": "2",
		"wal_autocheckpoint": "0", "busy_timeout": "5000", "application_id": "1886350455",
	} {
		var got string
		err := s.write(t.Context(), 0, func(s *session) error {
			return s.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got)
		})
		must(t, err)
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
	if _, err := s.reader.db.Exec("DELETE FROM sources"); err == nil {
		t.Error("a reader wrote")
	}
}

func TestReadOnlyBesideDaemon(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	daemon := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	mustCommit(t, daemon, src)

	look := mustOpenReadOnly(t, path)
	mustCommit(t, daemon, src)
	got, err := look.Source(t.Context(), "orders")
	must(t, err)
	if got.Version != 2 {
		t.Errorf("version %d, want 2", got.Version)
	}
	if err := look.Commit(t.Context(), benchCommit(src, 3)); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("commit: got %v, want ErrReadOnly", err)
	}
	if err := look.Ping(t.Context()); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("ping: got %v, want ErrReadOnly", err)
	}
	if look.Fatal() != nil || look.Err() != nil {
		t.Error("a store that only looks has failed to write")
	}
	must(t, look.Close())
	mustCommit(t, daemon, src) // its locks are still there
	storetest.VerifyLog(t, daemon)
}

func TestReadOnlyWithoutDaemon(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	if _, err := Open(t.Context(), Options{Path: path, ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: got %v, want ErrNotExist", err)
	}
	mustExec(t, path, "PRAGMA journal_mode = WAL")
	if _, err := Open(t.Context(), Options{Path: path, ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "schema version 0 is older than 4") {
		t.Errorf("an empty database: got %v", err)
	}
	s := mustOpen(t, path)
	mustCommit(t, s, &store.Source{Name: "orders"})
	must(t, s.Close())
	if n, err := mustOpenReadOnly(t, path).Sources(t.Context()); err != nil || len(n) != 1 {
		t.Errorf("sources: %v, %v", n, err)
	}
}

func TestOpenWithEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	if _, err := Open(ctx, Options{Path: path}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	mustOpen(t, path) // and the lock was given back
}

// The whole store runs under a fake clock: nothing in it waits for a real one.
func TestInBubble(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, path)
		src := &store.Source{Name: "orders"}
		for range 3 {
			mustCommit(t, s, src)
		}
		synctest.Wait()
		storetest.VerifyLog(t, s)
		must(t, s.Close())
	})
}

func mustOpenReadOnly(tb testing.TB, path string) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), Options{Path: path, ReadOnly: true})
	must(tb, err)
	tb.Cleanup(func() { must(tb, s.Close()) })
	return s
}

func mustOpenAndClose(tb testing.TB, path string) {
	tb.Helper()
	must(tb, mustOpen(tb, path).Close())
}

// mustCount returns the one number of a query on a database that no store has open.
func mustCount(tb testing.TB, path, query string) int {
	tb.Helper()
	db, err := sql.Open("sqlite", dsn(path, "rw"))
	must(tb, err)
	defer func() { _ = db.Close() }()
	var n int
	must(tb, db.QueryRowContext(tb.Context(), query).Scan(&n))
	return n
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// A start that was killed after goose had made its table, and before the first
// migration was committed, leaves that table alone in the file.
func TestOpenGoesOnAfterABrokenStart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	mustExec(t, path, "CREATE TABLE "+versionTable+` (id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')));
		INSERT INTO `+versionTable+" (version_id, is_applied) VALUES (0, 1)")
	mustOpenAndClose(t, path)
	if n := mustCount(t, path, "SELECT count(*) FROM deliveries"); n != 0 {
		t.Errorf("%d deliveries, want none", n)
	}
}
