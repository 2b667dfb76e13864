package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

// The one goes through all of a time in an index that has all it needs, the other
// through the events behind a position, which are few where it is asked often.
const (
	countSince = `SELECT source, time / $4, count(*) FROM events
		WHERE time >= $3 AND position > $1 AND position <= $2 AND sequence > 0 GROUP BY source, time / $4`
	countBehind = `SELECT source, time / $4, count(*) FROM
		(SELECT source, time, sequence FROM events WHERE position > $1 AND position <= $2 OFFSET 0) e
		WHERE time >= $3 AND sequence > 0 GROUP BY source, time / $4`
)

// Activity counts the changes of each source.
func (s *Store) Activity(ctx context.Context, q store.ActivityQuery) ([]store.Activity, error) {
	query, step := countBehind, q.Step.Microseconds()
	if q.After == 0 {
		query = countSince
	}
	scan := func(rows pgx.Rows) (a store.Activity, err error) {
		var span int64
		err = rows.Scan((*stored)(&a.Source), &span, &a.Changes)
		a.Begin = time.UnixMicro(span * step).UTC()
		return a, err
	}
	found, err := list(ctx, s, scan, query, q.After, q.Until, store.Micros(q.Since), step)
	if err != nil {
		return nil, fmt.Errorf("count changes: %w", err)
	}
	return found, nil
}
