package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	saveBatch = `UPDATE deliveries SET batch = $1
		WHERE endpoint = $2 AND state = 'waiting' AND batch IN ('', $1) AND id = ANY($3) RETURNING id`
	findBatch = "SELECT " + deliveryRow + ` FROM deliveries
		WHERE state = 'waiting' AND batch <> '' AND batch = $1 AND endpoint = $2 ORDER BY id`
)

// SaveBatch gives those of an endpoint's deliveries the ID of a batch that wait
// and have no other yet, and returns their IDs.
func (s *Store) SaveBatch(ctx context.Context, endpoint, batch string, deliveries []int64) ([]int64, error) {
	saved := []int64{}
	if len(deliveries) == 0 {
		return saved, nil
	}
	err := s.write(ctx, []string{store.EndpointResource(endpoint)}, func(ctx context.Context, tx pgx.Tx) (err error) {
		saved, err = selectRows(ctx, tx, scanID, saveBatch, text(batch), text(endpoint), deliveries)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("save batch %s of endpoint %s: %w", batch, endpoint, err)
	}
	slices.Sort(saved)
	return saved, nil
}

// Batch returns the waiting deliveries of a batch, by ID.
func (s *Store) Batch(ctx context.Context, endpoint, batch string) ([]notify.Delivery, error) {
	found, err := list(ctx, s, scanDelivery, findBatch, text(batch), text(endpoint))
	if err != nil {
		return nil, fmt.Errorf("read batch %s of endpoint %s: %w", batch, endpoint, err)
	}
	return found, nil
}
