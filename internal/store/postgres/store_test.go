package postgres

import (
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	suite(t, migrated)
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
	template, err := migrate(t, empty)
	must(t, err)
	suite(t, template.Take)
}

// suite runs the suite on databases that have the schema.
func suite(t *testing.T, migrated func(tb testing.TB) string) {
	t.Helper()
	storetest.Run(t, func(tb testing.TB) storetest.Open {
		tb.Helper()
		dsn := migrated(tb)
		return func(tb testing.TB) store.Store { return mustOpen(tb, dsn) }
	})
}
