package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// findOldWaiting uses the index that holds only what waits, however long the
	// history is.
	findOldWaiting = `SELECT d.endpoint, d.id FROM deliveries d
		WHERE d.state = 'waiting' AND (d.endpoint, d.id) > ($1, $2) AND d.created_at < $3
		AND (d.batch = '' OR NOT EXISTS (SELECT 1 FROM deliveries m
			WHERE m.state = 'waiting' AND m.batch <> '' AND m.batch = d.batch AND m.created_at >= $3))
		ORDER BY d.endpoint, d.id LIMIT $4`
	// expireBatches ends further members of a batch at once with those that are given.
	expireBatches = `UPDATE deliveries SET state = 'dead', not_before = $2 WHERE state = 'waiting' AND batch <> '' AND batch = ANY(ARRAY(
		SELECT DISTINCT o.batch FROM deliveries o WHERE o.batch <> '' AND o.id = ANY($1)))`
)

// expire makes waiting deliveries dead that were created before a time.
func (s *Store) expire(ctx context.Context, before int64, done *store.Pruned) error {
	type place struct {
		endpoint string
		id       int64
	}
	scan := func(rows pgx.Rows) (p place, err error) {
		err = rows.Scan(&p.endpoint, &p.id) // as it is kept, to go on behind it
		return p, err
	}
	for last := (place{}); ; {
		old, err := list(ctx, s, scan, findOldWaiting, last.endpoint, last.id, before, pruneBatch)
		if err != nil || len(old) == 0 {
			return err
		}
		last = old[len(old)-1]
		ids := make([]int64, len(old))
		for i, p := range old {
			ids[i] = p.id
		}
		var expired int64
		err = s.prune(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
			expired, err = expireDeliveries(ctx, tx, ids)
			return err
		})
		if err != nil {
			return err
		}
		done.Expired += expired
	}
}

// expireDeliveries makes those dead that still wait, as of now, and counts them.
func expireDeliveries(ctx context.Context, tx pgx.Tx, ids []int64) (int64, error) {
	var expired int64
	now := store.Micros(time.Now())
	for _, query := range []string{expireBatches, endWaiting} {
		tag, err := tx.Exec(ctx, query, ids, now)
		if err != nil {
			return 0, err
		}
		expired += tag.RowsAffected()
	}
	return expired, nil
}
