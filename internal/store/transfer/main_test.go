package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// newPostgres makes an empty database and returns its DSN.
var newPostgres func(tb testing.TB) string

// childFrom and childTo make the test binary a process that copies, and that
// stops in the middle of it until it is killed.
const (
	childFrom = "POLLWIRE_TEST_FROM"
	childTo   = "POLLWIRE_TEST_TO"
)

func TestMain(m *testing.M) {
	if from, isChild := os.LookupEnv(childFrom); isChild {
		_, err := Copy(context.Background(), Options{From: from, To: os.Getenv(childTo), Progress: stopHalfway})
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(postgrestest.Main(m, func(database func(testing.TB) string) { newPostgres = database }))
}

func stopHalfway(p Progress) {
	if p.Done > p.Total/2 {
		fmt.Println("halfway")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // for ever
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// filled makes a SQLite database that has something of everything, and returns
// its path.
func filled(tb testing.TB) string {
	tb.Helper()
	template.once.Do(func() {
		path := filepath.Join(tb.TempDir(), "pollwire.db")
		s, err := sqlite.Open(tb.Context(), sqlite.Options{Path: path})
		must(tb, err)
		storetest.Fill(tb, s)
		must(tb, s.Close())
		template.body, err = os.ReadFile(path)
		must(tb, err)
	})
	path := filepath.Join(tb.TempDir(), "pollwire.db")
	must(tb, os.WriteFile(path, template.body, 0o600))
	return path
}

// template is what filled copies.
var template struct {
	once sync.Once
	body []byte
}

func openSQLite(tb testing.TB, path string) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), sqlite.Options{Path: path, Version: "test"})
	must(tb, err)
	tb.Cleanup(func() { must(tb, s.Close()) })
	return s
}

func openPostgres(tb testing.TB, dsn string) *postgres.Store {
	tb.Helper()
	s, err := postgres.Open(tb.Context(), postgres.Options{DSN: dsn})
	must(tb, err)
	tb.Cleanup(func() { must(tb, s.Close()) })
	return s
}

// mustCopy copies, and holds what is said of it to what is there.
func mustCopy(tb testing.TB, from, to string) *Copied {
	tb.Helper()
	copied, err := Copy(tb.Context(), Options{From: from, To: to, Version: "test"})
	must(tb, err)
	if len(copied.Tables) != len(tables) {
		tb.Fatalf("%d tables", len(copied.Tables))
	}
	for _, t := range copied.Tables {
		if !t.Same || t.From != t.To {
			tb.Errorf("%+v", t)
		}
	}
	return copied
}

// movedBack copies a PostgreSQL database, and returns the path of the copy.
func movedBack(tb testing.TB, dsn string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "back.db")
	mustCopy(tb, dsn, "sqlite:"+path)
	return path
}

var errStop = errors.New("stopped")

// query runs statements on a PostgreSQL database, and returns the first column of
// the last one's first row, if there is one.
func query(tb testing.TB, dsn, statement string, args ...any) (first any) {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), dsn)
	must(tb, err)
	defer func() { must(tb, conn.Close(context.WithoutCancel(tb.Context()))) }()
	rows, err := conn.Query(tb.Context(), statement, args...)
	must(tb, err)
	for rows.Next() {
		values, err := rows.Values()
		must(tb, err)
		first = values[0]
	}
	must(tb, rows.Err())
	return first
}
