package postgres

import (
	"errors"
	"os"
	"testing"

	"github.com/pollwire/pollwire/internal/rapidtest"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// database makes an empty database and returns its DSN; it skips a test where
// there is no server.
var database func(tb testing.TB) string

// checks is how many histories the model of the suite goes through, where the flag
// does not say: each makes a database.
const checks = 10

func TestMain(m *testing.M) {
	rapidtest.Checks(checks)
	os.Exit(postgrestest.Main(m, func(empty func(tb testing.TB) string) { database = empty }))
}

// mustOpen opens a database and closes it at the test's end.
func mustOpen(tb testing.TB, dsn string) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), Options{DSN: dsn})
	must(tb, err)
	tb.Cleanup(func() { must(tb, s.Close()) })
	return s
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// mustBe fails a test where an error is not what it must be.
func mustBe(tb testing.TB, err, want error) {
	tb.Helper()
	if !errors.Is(err, want) {
		tb.Fatalf("got %v, want %v", err, want)
	}
}
