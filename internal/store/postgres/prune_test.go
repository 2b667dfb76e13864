package postgres

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// TestPruneSweepsPages removes the pages of a node that died while it committed, and
// those whose versions are gone, but none of one that lives.
func TestPruneSweepsPages(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "me", 1, fence{}.all(1))
	for _, query := range []string{
		`INSERT INTO nodes (id, name, host, pid, version, config, started_at, configured_at, seen_at)
			SELECT n, n, '', 0, '', '', 0, 0, now() FROM unnest(ARRAY['me', 'other']) n`,
		`INSERT INTO pages SELECT n, '', 0, 0, 0, '' FROM generate_series(1, 5) n`,
		`INSERT INTO loose_pages VALUES (1, 'dead'), (2, ''), (3, 'other'), (4, 'me')`,
	} {
		_, err := s.pool.Exec(t.Context(), query)
		must(t, err)
	}
	must(t, pruneAll(t.Context(), s))
	left, err := list(t.Context(), s, scanID, "SELECT id FROM pages ORDER BY id")
	must(t, err)
	if !slices.Equal(left, []int64{3, 4, 5}) {
		t.Errorf("left %v, want those of nodes that live and those of versions", left)
	}
}

// waiting returns when a statement of the database waits for a lock. What ends
// before has not waited.
func waiting(t *testing.T, s *Store, ended chan error) {
	t.Helper()
	for {
		select {
		case err := <-ended:
			t.Errorf("ended without a wait: %v", err)
			ended <- err
			return
		default:
		}
		found, err := list(t.Context(), s, scanID, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
		must(t, err)
		if found[0] > 0 {
			return
		}
	}
}

// TestPruneWaitsForTelling lets retention come to an event that is just being told
// again: it waits, and sees what was told.
func TestPruneWaitsForTelling(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "me", 1, fence{}.all(1))
	pruned := make(chan error, 1)
	_, err := s.writeLast(t.Context(), nil, func(ctx context.Context, tx pgx.Tx, last *script) error {
		tell, err := chooseTellable(ctx, tx, "ops", []notify.Delivery{{Position: 5}})
		if err != nil {
			return err
		}
		addTelling(last, "ops", tell, 9)
		go func() {
			_, err := s.Prune(t.Context(), store.Retention{Events: time.Unix(9, 0)})
			pruned <- err
		}()
		waiting(t, s, pruned)
		return nil
	})
	must(t, err)
	must(t, <-pruned)
	_, err = s.Event(t.Context(), 5)
	must(t, err)
	told, err := s.Waiting(t.Context(), "ops", 5, 10)
	must(t, err)
	if len(told) != 1 || told[0].Position != 5 {
		t.Errorf("told %+v", told)
	}
}

// TestTellingWaitsForPrune is the other way round: what was removed meanwhile is not
// told.
func TestTellingWaitsForPrune(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "me", 1, fence{}.all(1))
	told := make(chan error, 1)
	must(t, s.prune(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := selectRows(ctx, tx, scanID, lockEvents, []int64{5}); err != nil {
			return err
		}
		go func() {
			_, err := s.Retell(t.Context(), 5)
			told <- err
		}()
		waiting(t, s, told)
		for _, query := range []string{"DELETE FROM deliveries WHERE event = 5", "DELETE FROM events WHERE position = 5"} {
			if _, err := tx.Exec(ctx, query); err != nil {
				return err
			}
		}
		return nil
	}))
	mustBe(t, <-told, store.ErrConflict)
	left, err := list(t.Context(), s, scanID, "SELECT id FROM deliveries WHERE event = 5")
	must(t, err)
	if len(left) != 0 {
		t.Errorf("deliveries %v of an event that is gone", left)
	}
}
