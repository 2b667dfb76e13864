package postgres

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

// TestRenameWaitsForWriters: who writes under a lease of the source, or of an endpoint
// for which something of it waits, and comes to the rows later, is waited for, and not
// the other way round at the same time.
func TestRenameWaitsForWriters(t *testing.T) {
	t.Parallel()
	for _, lease := range []string{store.SourceResource("orders"), store.EndpointResource("ops")} {
		t.Run(lease, func(t *testing.T) {
			t.Parallel()
			s := leasehold(t, "me", 1, fence{}.all(1))
			must(t, s.Commit(t.Context(), version(&store.Source{Name: "orders"}, "ops")))
			renamed := make(chan error, 1)
			err := s.write(t.Context(), []string{lease}, func(ctx context.Context, tx pgx.Tx) error {
				go func() { renamed <- s.Rename(t.Context(), "orders", "sales") }()
				waiting(t, s, renamed)
				for _, query := range []string{
					"UPDATE sources SET etag = 'x' WHERE name = 'orders'",
					"UPDATE deliveries SET posts = 1 WHERE endpoint = 'ops'",
				} {
					if _, err := tx.Exec(ctx, query); err != nil {
						return err
					}
				}
				return nil
			})
			must(t, err)
			must(t, <-renamed)
			src, err := s.Source(t.Context(), "sales")
			must(t, err)
			if src.State.ETag != "x" {
				t.Errorf("renamed %+v", src)
			}
		})
	}
}

// TestRenameTakesNothingInVain: a source that has been renamed already stays whose it
// is, and nobody who writes under its lease is waited for.
func TestRenameTakesNothingInVain(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "me", 1, fence{}.all(1))
	err := s.write(t.Context(), []string{store.SourceResource("orders")}, func(ctx context.Context, _ pgx.Tx) error {
		mustBe(t, s.Rename(ctx, "older", "orders"), store.ErrNotFound)
		return nil
	})
	must(t, err)
}
