package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// findOverdue passes the index that holds only what waits, as findOldWaiting does.
const findOverdue = `SELECT endpoint, count(*), min(created_at),
	EXISTS (SELECT 1 FROM overdue_told t WHERE t.endpoint = d.endpoint)
	FROM deliveries d INDEXED BY deliveries_waiting
	WHERE state = 'waiting' AND endpoint > '' AND created_at < ? GROUP BY endpoint ORDER BY endpoint`

// Overdue returns what waits of the deliveries that were created before a time.
func (s *Store) Overdue(ctx context.Context, before time.Time) ([]store.Overdue, error) {
	scan := func(rows *sql.Rows) (o store.Overdue, err error) {
		var since int64
		err = rows.Scan(&o.Endpoint, &o.Count, &since, &o.Told)
		o.Since = store.FromMicros(since)
		return o, err
	}
	found, err := list(ctx, s.reader, scan, findOverdue, store.Micros(before))
	if err != nil {
		return nil, fmt.Errorf("read overdue deliveries: %w", err)
	}
	return found, nil
}

// SaveOverdueTold replaces the names of the endpoints of which it was told.
func (s *Store) SaveOverdueTold(ctx context.Context, endpoints []string) error {
	values := make([]any, len(endpoints))
	for i, name := range endpoints {
		values[i] = name
	}
	err := s.write(ctx, 64*len(values), func(s *session) error {
		if _, err := s.exec("DELETE FROM overdue_told"); err != nil {
			return err
		}
		return s.insert(&bulk{into: "INSERT INTO overdue_told (endpoint)", columns: 1}, values)
	})
	if err != nil {
		return fmt.Errorf("save endpoints with overdue deliveries: %w", err)
	}
	return nil
}
