package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const deliveryColumns = "id, endpoint, lane, event, posts, attempts, not_before, replay, key, batch"

// Waiting returns up to limit waiting deliveries of an endpoint whose ID is
// greater than after, by ID.
func (s *Store) Waiting(ctx context.Context, endpoint string, after int64, limit int) ([]notify.Delivery, error) {
	found, err := list(ctx, s.reader, scanDelivery, "SELECT "+deliveryColumns+` FROM deliveries
		WHERE state = 'waiting' AND endpoint = ? AND id > ? ORDER BY id LIMIT ?`, endpoint, after, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read waiting deliveries of endpoint %s: %w", endpoint, err)
	}
	return found, nil
}

// WaitingInLane is Waiting for one lane of the endpoint.
func (s *Store) WaitingInLane(ctx context.Context, endpoint, lane string, after int64, limit int) ([]notify.Delivery, error) {
	found, err := list(ctx, s.reader, scanDelivery, "SELECT "+deliveryColumns+` FROM deliveries
		WHERE state = 'waiting' AND endpoint = ? AND lane = ? AND id > ? ORDER BY id LIMIT ?`,
		endpoint, lane, after, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read waiting deliveries of endpoint %s, lane %s: %w", endpoint, lane, err)
	}
	return found, nil
}

// Hasten makes a waiting delivery of an endpoint due at once, with the others of
// its batch, and returns it.
func (s *Store) Hasten(ctx context.Context, endpoint string, delivery int64) (notify.Delivery, error) {
	var hastened []notify.Delivery
	err := s.write(ctx, 64, func(s *session) (err error) {
		hastened, err = selectRows(s, scanDelivery, `UPDATE deliveries SET not_before = 0
			WHERE id = ? AND endpoint = ? AND state = 'waiting' RETURNING `+deliveryColumns, delivery, endpoint)
		if err == nil && len(hastened) == 1 && hastened[0].Batch != "" {
			_, err = s.exec(`UPDATE deliveries INDEXED BY deliveries_batch SET not_before = 0
				WHERE state = 'waiting' AND batch <> '' AND batch = ? AND endpoint = ?`, hastened[0].Batch, endpoint)
		}
		return err
	})
	if err == nil && len(hastened) == 0 {
		err = notify.ErrNotWaiting
	}
	if err != nil {
		return notify.Delivery{}, fmt.Errorf("hasten delivery %d: %w", delivery, err)
	}
	return hastened[0], nil
}

func scanDelivery(rows *sql.Rows) (notify.Delivery, error) {
	var d notify.Delivery
	var notBefore int64
	err := rows.Scan(&d.ID, &d.Endpoint, &d.Lane, &d.Position, &d.Posts, &d.Attempts, &notBefore, &d.Replay, &d.Key, &d.Batch)
	d.NotBefore = store.FromMicros(notBefore)
	return d, err
}
