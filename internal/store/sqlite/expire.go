package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// findOldWaiting uses the index that holds only what waits, however long the
// history is.
const findOldWaiting = `SELECT endpoint, id FROM deliveries INDEXED BY deliveries_waiting
			WHERE state = 'waiting' AND (endpoint, id) > (?1, ?2) AND created_at < ?3
			AND (batch = '' OR NOT EXISTS (SELECT 1 FROM deliveries m
				WHERE m.state = 'waiting' AND m.batch <> '' AND m.batch = deliveries.batch AND m.created_at >= ?3))
			ORDER BY endpoint, id LIMIT ?4`

// expire makes waiting deliveries dead that were created before a time.
func (s *Store) expire(ctx context.Context, before int64, done *store.Pruned) error {
	type place struct {
		endpoint string
		id       int64
	}
	scan := func(rows *sql.Rows) (p place, err error) {
		err = rows.Scan(&p.endpoint, &p.id)
		return p, err
	}
	for last := (place{}); ; {
		old, err := list(ctx, s.reader, scan, findOldWaiting, last.endpoint, last.id, before, pruneBatch)
		if err != nil || len(old) == 0 {
			return err
		}
		last = old[len(old)-1]
		var expired int64
		err = s.write(ctx, 256*len(old), func(s *session) error {
			found := make([]int64, len(old))
			for i, p := range old {
				found[i] = p.id
			}
			var err error
			expired, err = expireDeliveries(s, found)
			return err
		})
		if err != nil {
			return err
		}
		done.Expired += expired
	}
}

// expireDeliveries makes those dead that still wait, as of now, and counts them.
func expireDeliveries(s *session, found []int64) (int64, error) {
	var expired int64
	now := store.Micros(time.Now())
	for args := range chunks(found) {
		in := "(" + placeholders(len(args)) + ")"
		args = append([]any{now}, args...)
		for _, query := range []string{
			// Where a batch has further members, they end with it at once.
			`UPDATE deliveries SET state = 'dead', not_before = ? WHERE state = 'waiting' AND batch <> '' AND batch IN
				(SELECT o.batch FROM deliveries o WHERE o.batch <> '' AND o.id IN ` + in + ")",
			"UPDATE deliveries SET state = 'dead', not_before = ? WHERE state = 'waiting' AND id IN " + in,
		} {
			n, err := s.change(query, args...)
			if err != nil {
				return 0, err
			}
			expired += n
		}
	}
	return expired, nil
}
