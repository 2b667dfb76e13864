package transfer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// TestThereAndBack: what comes back is what was there, to the last number that was
// given.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	path, dsn := filled(t), newPostgres(t)
	copied := mustCopy(t, "sqlite:"+path, dsn)
	for _, c := range copied.Tables {
		if c.From == 0 && c.Table != "loose_pages" {
			t.Errorf("nothing was copied of table %s", c.Table)
		}
	}
	if strings.Contains(copied.To, "password") || copied.From != path {
		t.Errorf("from %s to %s", copied.From, copied.To)
	}
	back := movedBack(t, dsn)
	original := openSQLite(t, path)
	storetest.Same(t, openPostgres(t, dsn), original)
	storetest.Same(t, openSQLite(t, back), original)
}

// TestGoesOn: a copy takes the place of the original, where all goes on with the
// next numbers.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	path, onceMore, dsn := filled(t), filled(t), newPostgres(t)
	mustCopy(t, "sqlite:"+path, dsn)
	back, original := openSQLite(t, movedBack(t, dsn)), openSQLite(t, path)
	storetest.GoesOn(t, back, original)
	storetest.GoesOn(t, openPostgres(t, dsn), openSQLite(t, onceMore))
}

// TestEmpty: there may be nothing yet.
func TestEmpty(t *testing.T) {
	t.Parallel()
	path, dsn := filepath.Join(t.TempDir(), "pollwire.db"), newPostgres(t)
	must(t, openSQLite(t, path).Close())
	if n := mustCopy(t, "sqlite:"+path, dsn).Rows(); n != 0 {
		t.Errorf("%d rows", n)
	}
	mustCopy(t, "sqlite:"+filled(t), dsn) // it still is empty
}

// TestRefusals: what cannot be copied is refused with the way out, and leaves
// nothing behind.
func TestRefusals(t *testing.T) {
	t.Parallel()
	path, dsn, dir := filled(t), newPostgres(t), t.TempDir()
	nothing := filepath.Join(dir, "nothing.db")
	text := filepath.Join(dir, "text.db")
	must(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o600))
	full := newPostgres(t)
	mustCopy(t, "sqlite:"+path, full)
	for _, tc := range []struct{ name, from, to, want string }{
		{"no database", "mysql://root:hunter2@db/x", dsn, "the database to copy from is neither sqlite: and the path of a file, nor postgres://"},
		{"no target", "sqlite:" + path, "", "the database to copy to is neither sqlite: and"},
		{"file to file", "sqlite:" + path, "sqlite:" + nothing, "pollwire backup copies one of these"},
		{"server to server", dsn, full, "pg_dump and pg_restore copy one of these"},
		{"not there", "sqlite:" + nothing, dsn, "there is none at " + nothing},
		{"another file", "sqlite:" + text, dsn, "is no SQLite database"},
		{"file is there", full, "sqlite:" + path, path + " is there already, and is not overwritten"},
		{"no folder", full, "sqlite:" + filepath.Join(dir, "no", "pollwire.db"), "directory " + filepath.Join(dir, "no") + " cannot be used"},
		{"not empty", "sqlite:" + path, full, "is not empty: its table sources has 5 rows; copy into a new database"},
		{"no server", "sqlite:" + path, "postgres://u:hunter2@127.0.0.1:1/x", "copy to: "},
		{"bad address", "postgres://u:hunter2@[", "sqlite:" + nothing, "postgres://user:password@host/database"},
	} {
		_, err := Copy(t.Context(), Options{From: tc.from, To: tc.to, Version: "test"})
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
	if _, err := os.Stat(nothing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
	wantFiles(t, dir, "text.db", "text.db.lock")
	mustCopy(t, "sqlite:"+path, dsn)
}

// wantFiles holds what is in a folder to what shall be.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	found, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, f := range found {
		names = append(names, f.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("found %q, want %q", names, want)
	}
}

// TestInUse: a database on which a daemon runs is not copied, and none can start on
// one that is.
func TestInUse(t *testing.T) {
	t.Parallel()
	path, dsn := filled(t), newPostgres(t)
	s := openSQLite(t, path)
	var locked *sqlite.LockedError
	if _, err := Copy(t.Context(), Options{From: "sqlite:" + path, To: dsn}); !errors.As(err, &locked) {
		t.Errorf("got %v, want a LockedError", err)
	}
	must(t, s.Close())
	tried := false
	_, err := Copy(t.Context(), Options{From: "sqlite:" + path, To: dsn, Version: "test", Progress: func(p Progress) {
		if tried || p.Done < p.Total/2 {
			return
		}
		tried = true
		if _, err := sqlite.Open(t.Context(), sqlite.Options{Path: path}); !errors.As(err, &locked) || locked.Holder.PID != os.Getpid() {
			t.Errorf("got %v, want a LockedError", err)
		}
	}})
	must(t, err)

	to := filepath.Join(t.TempDir(), "to.db")
	other := openSQLite(t, to)
	must(t, os.Remove(to)) // it is still open
	if _, err := Copy(t.Context(), Options{From: dsn, To: "sqlite:" + to}); !errors.As(err, &locked) {
		t.Errorf("got %v, want a LockedError", err)
	}
	must(t, other.Close())
}

// TestGivenUp: whatever ends a copy, nothing of it is left, and the next one
// succeeds.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	path, dsn := filled(t), newPostgres(t)
	stopped := func(from, to string) {
		t.Helper()
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		_, err := Copy(ctx, Options{From: from, To: to, Version: "test", Progress: func(p Progress) {
			if p.Done == p.Total*3/4 {
				cancel(errStop)
			}
		}})
		if !errors.Is(err, errStop) || !strings.Contains(err.Error(), "nothing of it is kept") {
			t.Errorf("got %v", err)
		}
	}
	stopped("sqlite:"+path, dsn)
	mustCopy(t, "sqlite:"+path, dsn)
	dir := t.TempDir()
	stopped(dsn, "sqlite:"+filepath.Join(dir, "back.db"))
	wantFiles(t, dir, "back.db.lock")
	mustCopy(t, dsn, "sqlite:"+filepath.Join(dir, "back.db"))
	storetest.Same(t, openSQLite(t, filepath.Join(dir, "back.db")), openSQLite(t, path))
}
