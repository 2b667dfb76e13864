package sqlite

import (
	"context"
	"database/sql"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// findOldWaiting uses the index that holds only what waits, however long the
// history is.
const findOldWaiting = `SELECT endpoint, id FROM deliveries INDEXED BY deliveries_waiting
			WHERE state = 'waiting' AND (endpoint, id) > (?, ?) AND created_at < ?
			ORDER BY endpoint, id LIMIT ?`

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
		var expired []notify.Delivery
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
		done.Expired = append(done.Expired, expired...)
	}
}

func expireDeliveries(s *session, found []int64) ([]notify.Delivery, error) {
	var expired []notify.Delivery
	for args := range chunks(found) {
		rows, err := s.query(`UPDATE deliveries SET state = 'dead' WHERE state = 'waiting'
			AND id IN (`+placeholders(len(args))+") RETURNING "+deliveryColumns, args...)
		if err != nil {
			return nil, err
		}
		part, err := collect(rows, scanDelivery)
		if err != nil {
			return nil, err
		}
		expired = append(expired, part...)
	}
	return expired, nil
}
