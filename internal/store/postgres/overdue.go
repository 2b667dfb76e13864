package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const findOverdue = `SELECT d.endpoint, count(*), min(d.created_at),
	EXISTS (SELECT 1 FROM overdue_told t WHERE t.endpoint = d.endpoint)
	FROM deliveries d WHERE d.state = 'waiting' AND d.created_at < $1 GROUP BY d.endpoint ORDER BY d.endpoint`

// Overdue returns what waits of the deliveries that were created before a time.
func (s *Store) Overdue(ctx context.Context, before time.Time) ([]store.Overdue, error) {
	scan := func(rows pgx.Rows) (o store.Overdue, err error) {
		err = rows.Scan((*stored)(&o.Endpoint), &o.Count, (*moment)(&o.Since), &o.Told)
		return o, err
	}
	found, err := list(ctx, s, scan, findOverdue, store.Micros(before))
	if err != nil {
		return nil, fmt.Errorf("read overdue deliveries: %w", err)
	}
	return found, nil
}

// SaveOverdueTold replaces the names of the endpoints of which it was told. It is
// part of the task of retention.
func (s *Store) SaveOverdueTold(ctx context.Context, endpoints []string) error {
	err := s.write(ctx, []string{store.TaskPrune}, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM overdue_told"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO overdue_told (endpoint) SELECT DISTINCT unnest($1::text[])", texts(endpoints))
		return err
	})
	if err != nil {
		return fmt.Errorf("save endpoints with overdue deliveries: %w", err)
	}
	return nil
}
