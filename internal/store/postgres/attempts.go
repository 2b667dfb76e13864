package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

// countRecentAttempts goes back from the newest delivery, by the keys of both
// tables: an index of attempts by time would cost each of them a write. Its
// percentiles are by the nearest rank.
const countRecentAttempts = `SELECT d.endpoint, count(*), count(*) FILTER (WHERE a.error <> ''), min(a.at),
	percentile_disc(0.5) WITHIN GROUP (ORDER BY a.duration), percentile_disc(0.95) WITHIN GROUP (ORDER BY a.duration)
	FROM (SELECT id, endpoint FROM deliveries ORDER BY id DESC LIMIT $1) d JOIN attempts a ON a.delivery = d.id
	WHERE a.at >= $2 GROUP BY d.endpoint ORDER BY d.endpoint`

// AttemptStats returns what came of the attempts since a time.
func (s *Store) AttemptStats(ctx context.Context, since time.Time, deliveries int) ([]store.AttemptStats, error) {
	scan := func(rows pgx.Rows) (a store.AttemptStats, err error) {
		err = rows.Scan((*stored)(&a.Endpoint), &a.Attempts, &a.Failed, (*moment)(&a.Oldest), (*span)(&a.P50), (*span)(&a.P95))
		return a, err
	}
	found, err := list(ctx, s, scan, countRecentAttempts, max(deliveries, 0), store.Micros(since))
	if err != nil {
		return nil, fmt.Errorf("read recent attempts: %w", err)
	}
	return found, nil
}
