package sqlite

import (
	"context"
	"fmt"

	"github.com/pollwire/pollwire/notify"
)

const findBatch = "SELECT " + deliveryColumns + ` FROM deliveries INDEXED BY deliveries_batch
	WHERE state = 'waiting' AND batch <> '' AND batch = ? AND endpoint = ? ORDER BY id`

// SaveBatch gives those of an endpoint's deliveries the ID of a batch that wait
// and have no other yet, and returns their IDs.
func (s *Store) SaveBatch(ctx context.Context, endpoint, batch string, deliveries []int64) ([]int64, error) {
	ids := append([]int64(nil), deliveries...)
	saved := []int64{}
	err := s.write(ctx, 64*len(ids), func(s *session) error {
		for args := range chunks(ids) {
			found, err := selectRows(s, scanID, `UPDATE deliveries SET batch = ?
				WHERE endpoint = ? AND state = 'waiting' AND batch IN ('', ?) AND id IN (`+placeholders(len(args))+") RETURNING id",
				append([]any{batch, endpoint, batch}, args...)...)
			if err != nil {
				return err
			}
			saved = append(saved, found...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("save batch %s of endpoint %s: %w", batch, endpoint, err)
	}
	return saved, nil
}

// Batch returns the waiting deliveries of a batch, by ID.
func (s *Store) Batch(ctx context.Context, endpoint, batch string) ([]notify.Delivery, error) {
	found, err := list(ctx, s.reader, scanDelivery, findBatch, batch, endpoint)
	if err != nil {
		return nil, fmt.Errorf("read batch %s of endpoint %s: %w", batch, endpoint, err)
	}
	return found, nil
}
