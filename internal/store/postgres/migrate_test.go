package postgres

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// mustExec runs statements on a database besides pollwire.
func mustExec(t *testing.T, dsn, statements string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	must(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.Exec(t.Context(), statements)
	must(t, err)
}

// TestMigrateTogether starts many nodes on an empty database at once: one makes the
// schema, and all go on.
func TestMigrateTogether(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	var group errgroup.Group
	made := make(chan Migration, 8)
	for range cap(made) {
		group.Go(func() error {
			s, err := Open(t.Context(), Options{DSN: dsn})
			if err != nil {
				return err
			}
			made <- s.Migration()
			return s.Close()
		})
	}
	must(t, group.Wait())
	close(made)
	first := 0
	for m := range made {
		if m.From == 0 {
			first++
		}
		if m.To != 2 {
			t.Errorf("migrated to %d", m.To)
		}
	}
	if first != 1 {
		t.Errorf("%d nodes made the schema", first)
	}
}

// TestMigrateFailing leaves a database as it was where a migration cannot be done,
// and goes on from there once it can.
func TestMigrateFailing(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	s := mustOpen(t, dsn)
	all, err := readMigrations(migrations, "migrations")
	must(t, err)
	broken := append(all[:len(all):len(all)], migration{3, 1, "CREATE TABLE more (id INT); SELECT 1/0"})
	if _, err := s.migrate(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "migrate: version 3: ") {
		t.Errorf("got %v", err)
	}
	broken[2].sql = "CREATE TABLE more (id INT); SELECT 1"
	if m, err := s.migrate(t.Context(), broken); err != nil || m != (Migration{2, 3}) {
		t.Errorf("got %v, %v", m, err)
	}
}

// TestMigrateAhead lets older programs go on with a newer schema that says that they
// can, and no others.
func TestMigrateAhead(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	must(t, mustOpen(t, dsn).Close())
	mustExec(t, dsn, "INSERT INTO pollwire_schema (version, needs) VALUES (3, 1)")
	if s := mustOpen(t, dsn); s.Migration() != (Migration{3, 3}) {
		t.Errorf("migration %v", s.Migration())
	}
	mustExec(t, dsn, "INSERT INTO pollwire_schema (version, needs) VALUES (4, 4), (5, 1)")
	for _, readOnly := range []bool{false, true} {
		_, err := Open(t.Context(), Options{DSN: dsn, ReadOnly: readOnly})
		var future *FutureSchemaError
		if !errors.As(err, &future) || future.Database != 5 || future.Needs != 4 || future.Known != 2 {
			t.Errorf("got %v", err)
		}
	}
}

// TestMigrateRefused writes nothing into the database of another program, and only
// looks where it must.
func TestMigrateRefused(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	if _, err := Open(t.Context(), Options{DSN: dsn, ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "run pollwire migrate first") {
		t.Errorf("an empty one: %v", err)
	}
	mustExec(t, dsn, "CREATE TABLE theirs (id INT)")
	if _, err := Open(t.Context(), Options{DSN: dsn}); err == nil || !strings.Contains(err.Error(), "database of another program") {
		t.Errorf("another program's: %v", err)
	}
	mustExec(t, dsn, "CREATE SCHEMA own")
	must(t, mustOpen(t, dsn+"&search_path=own").Close())
	mustExec(t, dsn, "SELECT * FROM own.sources; DROP TABLE theirs")
	must(t, mustOpen(t, dsn).Close())
	if _, err := Open(t.Context(), Options{DSN: dsn + "&search_path=nowhere"}); err == nil || !strings.Contains(err.Error(), "search_path") {
		t.Errorf("no schema: %v", err)
	}
	mustExec(t, dsn, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
	before, _, _ := strings.Cut(dsn, "?")
	latin := strings.Replace(dsn, before[strings.LastIndex(before, "/"):], "/latin", 1)
	if _, err := Open(t.Context(), Options{DSN: latin}); err == nil || !strings.Contains(err.Error(), "ENCODING 'UTF8'") {
		t.Errorf("another encoding: %v", err)
	}
}

// TestReadMigrations refuses a folder that is not in order.
func TestReadMigrations(t *testing.T) {
	t.Parallel()
	for want, files := range map[string]fstest.MapFS{
		"no line":                         {"m/00001_a.sql": {Data: []byte("CREATE TABLE a (id INT);")}},
		"invalid syntax":                  {"m/a.sql": {Data: []byte("-- needs 1\n")}},
		"version 2 that needs 1, want":    {"m/00002_a.sql": {Data: []byte("-- needs 1\n")}},
		"version 1 that needs 2, want":    {"m/00001_a.sql": {Data: []byte("-- needs 2\n")}},
		"read migrations: open m: file d": {},
	} {
		if _, err := readMigrations(files, "m"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
