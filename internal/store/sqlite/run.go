package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// NextRuns returns the next run times that were saved, by source.
func (s *Store) NextRuns(ctx context.Context) (map[string]time.Time, error) {
	type run struct {
		source string
		at     int64
	}
	scan := func(rows *sql.Rows) (r run, err error) {
		err = rows.Scan(&r.source, &r.at)
		return r, err
	}
	found, err := list(ctx, s.reader, scan, "SELECT source, at FROM next_runs")
	if err != nil {
		return nil, fmt.Errorf("read next runs: %w", err)
	}
	next := make(map[string]time.Time, len(found))
	for _, r := range found {
		next[r.source] = store.FromMicros(r.at)
	}
	return next, nil
}

// SaveNextRuns adds to and replaces what was saved.
func (s *Store) SaveNextRuns(ctx context.Context, next map[string]time.Time) error {
	replaceRuns := bulk{into: "REPLACE INTO next_runs (source, at)", columns: 2}
	values := make([]any, 0, 2*len(next))
	for source, at := range next {
		values = append(values, source, store.Micros(at))
	}
	if len(values) == 0 {
		return nil
	}
	if err := s.write(ctx, 64*len(next), func(s *session) error { return s.insert(&replaceRuns, values) }); err != nil {
		return fmt.Errorf("save next runs: %w", err)
	}
	return nil
}
