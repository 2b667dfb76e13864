package postgrestest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// TestServer crashes a server and has its databases back.
func TestServer(t *testing.T) {
	t.Parallel()
	s := postgrestest.Own(t, postgrestest.Options{})
	dsn, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(dsn, "postgres://postgres@/t") {
		t.Errorf("DSN %s", dsn)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(); err != nil {
		t.Fatal(err)
	}
}

// TestPooler makes databases that are reached by way of a pooler.
func TestPooler(t *testing.T) {
	t.Parallel()
	postgrestest.NeedPooler(t)
	p, err := postgrestest.Own(t, postgrestest.Options{}).Pool()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	dsn, err := p.Create()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(dsn, "&port=6432") {
		t.Errorf("DSN %s", dsn)
	}
}

// mustRun runs a statement on a database, and returns the first number of its answer.
func mustRun(t *testing.T, dsn, statement string) (first int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), statement)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&first}, func() error { return nil })
	}
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return first
}

// mustTemplate makes a template with two tables, one of which has a row.
func mustTemplate(t *testing.T) *postgrestest.Template {
	t.Helper()
	dsn, err := postgrestest.Own(t, postgrestest.Options{}).Create()
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"CREATE TABLE things (id BIGINT PRIMARY KEY, body BYTEA NOT NULL DEFAULT '')", `CREATE TABLE "Head" (position BIGINT, at TIMESTAMPTZ, body BYTEA)`,
		`INSERT INTO "Head" VALUES (7, '2026-01-02 03:04:05.678901Z', '\x00ff')`,
	} {
		mustRun(t, dsn, statement)
	}
	template, err := postgrestest.NewTemplate(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// TestTemplate makes copies that have what their template has, and do not share it.
func TestTemplate(t *testing.T) {
	t.Parallel()
	template := mustTemplate(t)
	for range 2 {
		one, err := template.Copy()
		if err != nil {
			t.Fatal(err)
		}
		mustRun(t, one, "INSERT INTO things VALUES (1)")
	}
}

// TestTemplateTaken gives a copy to one test after the other, each time as it was.
func TestTemplateTaken(t *testing.T) {
	t.Parallel()
	template := mustTemplate(t)
	var first string
	for _, rows := range []int{1, 20_000, 0} {
		t.Run("", func(t *testing.T) {
			dsn := template.Take(t)
			if first == "" {
				first = dsn
			}
			if dsn != first {
				t.Errorf("took %s, want %s again", dsn, first)
			}
			if other := template.Take(t); other == dsn {
				t.Error("two have the same one")
			}
			if n := mustRun(t, dsn, "SELECT count(*) FROM things"); n != 0 {
				t.Errorf("%d rows of another test", n)
			}
			if n := mustRun(t, dsn, `SELECT count(*) FROM "Head" WHERE position = 7 AND body = '\x00ff' AND at = '2026-01-02 03:04:05.678901Z'`); n != 1 {
				t.Error("the template's row is another")
			}
			mustRun(t, dsn, fmt.Sprintf("INSERT INTO things SELECT n FROM generate_series(1, %d) n", rows))
			mustRun(t, dsn, `UPDATE "Head" SET position = 8`)
		})
	}
}

// failing notes what a test is told.
type failing struct {
	testing.TB
	ends []func()
	said string
}

func (f *failing) Cleanup(end func())                { f.ends = append(f.ends, end) }
func (f *failing) Failed() bool                      { return false }
func (f *failing) Errorf(format string, args ...any) { f.said += fmt.Sprintf(format, args...) }

// TestTemplateChanged gives no copy to another test whose schema or settings were
// changed.
func TestTemplateChanged(t *testing.T) {
	t.Parallel()
	template := mustTemplate(t)
	for _, change := range []string{
		"CREATE TABLE more (id BIGINT)", "CREATE INDEX more ON things (body)",
		"DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET synchronous_commit = off'; END $$",
		"CREATE FUNCTION more() RETURNS BIGINT LANGUAGE SQL AS 'SELECT 1'",
	} {
		f := &failing{TB: t}
		dsn := template.Take(f)
		mustRun(t, dsn, change)
		for _, end := range f.ends {
			end()
		}
		if !strings.Contains(f.said, "it must make a copy of its own") {
			t.Errorf("after %s: %q", change, f.said)
		}
		if next := template.Take(t); next == dsn {
			t.Errorf("after %s it was given to another test", change)
		}
	}
}
