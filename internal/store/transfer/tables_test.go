package transfer

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/store/sqlite"
)

// TestTablesAreAll: a table that one of the engines gets is copied, or is named
// here as one that is about the engine itself. Those that are copied have the same
// columns in both.
func TestTablesAreAll(t *testing.T) {
	t.Parallel()
	path, dsn := filepath.Join(t.TempDir(), "pollwire.db"), newPostgres(t)
	must(t, openSQLite(t, path).Close())
	mustCopy(t, "sqlite:"+path, dsn)

	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	var names string
	must(t, db.QueryRowContext(t.Context(), `SELECT group_concat(name, ' ') FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'`).Scan(&names))
	wantTables(t, "SQLite", names, "schema_version", "heartbeat")
	names, _ = query(t, dsn, "SELECT string_agg(table_name, ' ') FROM information_schema.tables WHERE table_schema = current_schema()").(string)
	wantTables(t, "PostgreSQL", names, "pollwire_schema", "heartbeat", "log_head", "page_numbers", "nodes", "leases", "cluster", "relayed")
}

func wantTables(t *testing.T, engine, names string, own ...string) {
	t.Helper()
	found, want := strings.Fields(names), append(slices.Clone(tables), own...)
	slices.Sort(found)
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Errorf("%s has the tables %q, copied or known are %q", engine, found, want)
	}
}

// TestOtherColumns: what has another schema is refused before anything is read.
func TestOtherColumns(t *testing.T) {
	t.Parallel()
	path, dsn := filled(t), newPostgres(t)
	mustCopy(t, "sqlite:"+path, dsn)
	query(t, dsn, "ALTER TABLE tokens ADD COLUMN renewed BIGINT NOT NULL DEFAULT 0")
	_, err := Copy(t.Context(), Options{From: dsn, To: "sqlite:" + filepath.Join(t.TempDir(), "back.db")})
	if err == nil || !strings.Contains(err.Error(), "has the columns [name renewed sealed], and of ") || !strings.Contains(err.Error(), "pollwire migrate") {
		t.Errorf("got %v", err)
	}
}

// lossy is a target that changes what it is given, or loses some.
type lossy struct {
	*sqlite.Load

	spoil func(table string, row store.Row) bool
}

func (l *lossy) Fill(ctx context.Context, t store.Table, rows iter.Seq2[store.Row, error]) error {
	return l.Load.Fill(ctx, t, func(yield func(store.Row, error) bool) {
		for row, err := range rows {
			if err == nil && !l.spoil(t.Name, row) {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	})
}

// TestDiffers: a copy that is not the original is found out, though the counts
// agree, and is not kept.
func TestDiffers(t *testing.T) {
	t.Parallel()
	dsn := newPostgres(t)
	mustCopy(t, "sqlite:"+filled(t), dsn)
	for name, spoil := range map[string]func(table string, row store.Row) bool{
		"lost": func(table string, _ store.Row) bool { return table != "tokens" },
		"changed": func(table string, row store.Row) bool {
			for i, v := range row {
				if b, ok := v.([]byte); ok && table == "tokens" {
					row[i] = append(slices.Clone(b), 'x')
				}
			}
			return true
		},
	} {
		dir := t.TempDir()
		from, err := postgres.OpenDump(t.Context(), postgres.Options{DSN: dsn})
		must(t, err)
		to, err := sqlite.CreateLoad(t.Context(), filepath.Join(dir, "back.db"), "test")
		must(t, err)
		copied, err := run(t.Context(), from, &lossy{to, spoil}, nil)
		if !errors.Is(err, ErrDiffers) {
			t.Fatalf("%s: got %v, want ErrDiffers", name, err)
		}
		for _, c := range copied.Tables {
			if c.Same != (c.Table != "tokens") {
				t.Errorf("%s: %+v", name, c)
			}
		}
		wantFiles(t, dir, "back.db.lock")
	}
}

// TestSum: the order of rows does not count, what is in them does.
func TestSum(t *testing.T) {
	t.Parallel()
	var s summer
	of := func(rows ...store.Row) (all sum) {
		for _, r := range rows {
			s.add(&all, r)
		}
		return all
	}
	one, two := store.Row{int64(1), "a", []byte("b")}, store.Row{int64(2), "", []byte{}}
	if of(one, two) != of(two, one) || of() != (sum{}) {
		t.Error("the order counts")
	}
	for _, other := range [][]store.Row{
		{one},
		{one, two, two},
		{two, two},
		{one, {int64(2), "\x00", []byte{}}},
		{{int64(1), "ab", []byte{}}, two},
		{{int64(1), "", []byte("ab")}, two},
	} {
		if of(other...) == of(one, two) {
			t.Errorf("%v is taken for %v", other, []store.Row{one, two})
		}
	}
}
