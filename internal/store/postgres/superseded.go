package postgres

import (
	"context"
	"fmt"
)

// findSuperseded looks for a later delivery of the same key in the index of those
// that wait and have one.
const findSuperseded = `SELECT d.id FROM deliveries d
	WHERE d.id = ANY($2) AND d.endpoint = $1 AND d.state = 'waiting' AND d.key <> '' AND d.posts = 0 AND d.batch = '' AND d.replay = 0
	AND EXISTS (SELECT 1 FROM deliveries l WHERE l.state = 'waiting' AND l.key <> ''
		AND l.endpoint = d.endpoint AND l.key = d.key AND l.id > d.id AND l.replay = 0)`

// Superseded returns those of an endpoint's deliveries that a later one of the
// same key takes the place of.
func (s *Store) Superseded(ctx context.Context, endpoint string, deliveries []int64) ([]int64, error) {
	if len(deliveries) == 0 {
		return nil, nil
	}
	found, err := list(ctx, s, scanID, findSuperseded, text(endpoint), deliveries)
	if err != nil {
		return nil, fmt.Errorf("read superseded deliveries of endpoint %s: %w", endpoint, err)
	}
	return found, nil
}
