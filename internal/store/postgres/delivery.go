package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	deliveryRow = "id, endpoint, lane, event, posts, attempts, not_before, replay, key, batch"

	selectWaiting = "SELECT " + deliveryRow + ` FROM deliveries
		WHERE state = 'waiting' AND endpoint = $1 AND id > $2 ORDER BY id LIMIT $3`
	selectWaitingInLane = "SELECT " + deliveryRow + ` FROM deliveries
		WHERE state = 'waiting' AND endpoint = $1 AND lane = $2 AND id > $3 ORDER BY id LIMIT $4`

	hasten = `UPDATE deliveries SET not_before = 0
		WHERE id = $1 AND endpoint = $2 AND state = 'waiting' RETURNING ` + deliveryRow
	hastenBatch = `UPDATE deliveries SET not_before = 0
		WHERE state = 'waiting' AND batch <> '' AND batch = $1 AND endpoint = $2`
)

// Waiting returns up to limit waiting deliveries of an endpoint whose ID is
// greater than after, by ID.
func (s *Store) Waiting(ctx context.Context, endpoint string, after int64, limit int) ([]notify.Delivery, error) {
	found, err := list(ctx, s, scanDelivery, selectWaiting, text(endpoint), after, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read waiting deliveries of endpoint %s: %w", endpoint, err)
	}
	return found, nil
}

// WaitingInLane is Waiting for one lane of the endpoint.
func (s *Store) WaitingInLane(ctx context.Context, endpoint, lane string, after int64, limit int) ([]notify.Delivery, error) {
	found, err := list(ctx, s, scanDelivery, selectWaitingInLane, text(endpoint), text(lane), after, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read waiting deliveries of endpoint %s, lane %s: %w", endpoint, lane, err)
	}
	return found, nil
}

// Hasten makes a waiting delivery of an endpoint due at once, with the others of
// its batch, and returns it.
func (s *Store) Hasten(ctx context.Context, endpoint string, delivery int64) (notify.Delivery, error) {
	var hastened []notify.Delivery
	err := s.write(ctx, []string{store.EndpointResource(endpoint)}, func(ctx context.Context, tx pgx.Tx) (err error) {
		hastened, err = selectRows(ctx, tx, scanDelivery, hasten, delivery, text(endpoint))
		if err == nil && len(hastened) == 1 && hastened[0].Batch != "" {
			_, err = tx.Exec(ctx, hastenBatch, text(hastened[0].Batch), text(endpoint))
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

func scanDelivery(rows pgx.Rows) (notify.Delivery, error) {
	var d notify.Delivery
	err := rows.Scan(&d.ID, (*stored)(&d.Endpoint), (*stored)(&d.Lane), &d.Position, &d.Posts, &d.Attempts,
		(*moment)(&d.NotBefore), (*flag)(&d.Replay), (*stored)(&d.Key), (*stored)(&d.Batch))
	return d, err
}
