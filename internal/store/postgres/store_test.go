package postgres

import (
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	suite(t, database(t))
}

// TestStoreBehindPooler runs the suite where each transaction may meet another
// session of the server than the one before.
func TestStoreBehindPooler(t *testing.T) {
	t.Parallel()
	postgrestest.NeedPooler(t)
	server, err := postgrestest.Start(postgrestest.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, server.Stop()) })
	pooler, err := server.Pool()
	must(t, err)
	t.Cleanup(pooler.Stop)
	empty, err := pooler.Create()
	must(t, err)
	suite(t, empty)
}

// suite runs the suite on copies of a database, which is empty. Migrating takes most
// of a test's time, so it is done once.
func suite(t *testing.T, empty string) {
	t.Helper()
	must(t, mustOpen(t, empty).Close())
	migrated, err := postgrestest.NewTemplate(empty)
	must(t, err)
	storetest.Run(t, func(tb testing.TB) storetest.Open {
		dsn, err := migrated.Copy()
		must(tb, err)
		return func(tb testing.TB) store.Store { return mustOpen(tb, dsn) }
	})
}
