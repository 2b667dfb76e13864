package postgres

import (
	"context"
	"fmt"
)

const selectTold = "SELECT DISTINCT endpoint FROM deliveries WHERE id > $1 AND id <= $2"

// Told returns the endpoints that have deliveries with IDs after one and up to
// another.
func (s *Store) Told(ctx context.Context, after, until int64) ([]string, error) {
	names, err := list(ctx, s, scanName, selectTold, after, until)
	if err != nil {
		return nil, fmt.Errorf("read who is told: %w", err)
	}
	return names, nil
}
