package postgres

import "testing"

// TestDumpOfOneConnection looks again at the end while the only connection of the pool
// is in the transaction that reads.
func TestDumpOfOneConnection(t *testing.T) {
	t.Parallel()
	dsn := migrated(t) + "&pool_max_conns=1"
	must(t, mustOpen(t, dsn).Ping(t.Context()))
	d, err := OpenDump(t.Context(), Options{DSN: dsn})
	must(t, err)
	defer func() { must(t, d.Close()) }()
	must(t, d.Confirm(t.Context()))
}
