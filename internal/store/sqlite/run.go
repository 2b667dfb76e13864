package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

const selectRuns = "SELECT source, at FROM next_runs"

// NextRuns returns the next run times that were saved of the named sources, by
// source; of all without a name.
func (s *Store) NextRuns(ctx context.Context, sources ...string) (map[string]time.Time, error) {
	next := make(map[string]time.Time, len(sources))
	scan := func(rows *sql.Rows) (struct{}, error) {
		var source string
		var at int64
		err := rows.Scan(&source, &at)
		next[source] = store.FromMicros(at)
		return struct{}{}, err
	}
	if len(sources) == 0 {
		if _, err := list(ctx, s.reader, scan, selectRuns); err != nil {
			return nil, fmt.Errorf("read next runs: %w", err)
		}
	}
	for args := range chunks(sources) {
		if _, err := list(ctx, s.reader, scan, selectRuns+" WHERE source IN ("+placeholders(len(args))+")", args...); err != nil {
			return nil, fmt.Errorf("read next runs: %w", err)
		}
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
