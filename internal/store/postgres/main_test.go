package postgres

import (
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/pollwire/pollwire/internal/rapidtest"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

var (
	// database makes an empty database and returns its DSN; it skips a test where
	// there is no server.
	database func(tb testing.TB) string
	// migrated returns the DSN of a database that has the schema and nothing else, which
	// other tests have used before.
	migrated func(tb testing.TB) string
	// migratedAlone makes one that no other test uses.
	migratedAlone func(tb testing.TB) string
)

// checks is how many histories the model of the suite goes through, where the flag
// does not say: each makes a database.
const checks = 10

func TestMain(m *testing.M) {
	rapidtest.Checks(checks)
	os.Exit(postgrestest.Main(m, func(empty func(tb testing.TB) string) {
		var t template
		database = empty
		migrated = func(tb testing.TB) string {
			tb.Helper()
			return t.of(tb, empty).Take(tb)
		}
		migratedAlone = func(tb testing.TB) string {
			tb.Helper()
			dsn, err := t.of(tb, empty).Copy()
			must(tb, err)
			return dsn
		}
	}))
}

// template is the migrated database that those of tests are copies of.
type template struct {
	once sync.Once
	made *postgrestest.Template
	err  error
}

func (t *template) of(tb testing.TB, empty func(tb testing.TB) string) *postgrestest.Template {
	tb.Helper()
	postgrestest.Need(tb)
	t.once.Do(func() {
		t.err = errors.New("the template was not made")
		t.made, t.err = migrate(tb, empty(tb))
	})
	must(tb, t.err)
	return t.made
}

// migrate makes an empty database a template that has the schema.
func migrate(tb testing.TB, dsn string) (*postgrestest.Template, error) {
	tb.Helper()
	s, err := Open(tb.Context(), Options{DSN: dsn})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return postgrestest.NewTemplate(dsn)
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
