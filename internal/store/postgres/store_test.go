package postgres

import (
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(tb testing.TB) storetest.Open {
		dsn := database(tb)
		return func(tb testing.TB) store.Store { return mustOpen(tb, dsn) }
	})
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
	storetest.Run(t, func(tb testing.TB) storetest.Open {
		dsn, err := pooler.Create()
		must(tb, err)
		return func(tb testing.TB) store.Store { return mustOpen(tb, dsn) }
	})
}
