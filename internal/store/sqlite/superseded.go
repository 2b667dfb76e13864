package sqlite

import (
	"context"
	"fmt"
)

// findSuperseded ends in the IDs that are asked for.
const findSuperseded = `SELECT d.id FROM deliveries d
	WHERE d.endpoint = ? AND d.state = 'waiting' AND d.key <> '' AND d.posts = 0 AND d.batch = '' AND d.replay = 0
	AND EXISTS (SELECT 1 FROM deliveries l INDEXED BY deliveries_key WHERE l.state = 'waiting' AND l.key <> ''
		AND l.endpoint = d.endpoint AND l.key = d.key AND l.id > d.id AND l.replay = 0)
	AND d.id IN `

// Superseded returns those of an endpoint's deliveries that a later one of the
// same key takes the place of.
func (s *Store) Superseded(ctx context.Context, endpoint string, deliveries []int64) ([]int64, error) {
	var all []int64
	for args := range chunks(deliveries) {
		found, err := list(ctx, s.reader, scanID, findSuperseded+"("+placeholders(len(args))+")", append([]any{endpoint}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("read superseded deliveries of endpoint %s: %w", endpoint, err)
		}
		all = append(all, found...)
	}
	return all, nil
}
