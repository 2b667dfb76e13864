package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	selectNextRuns = "SELECT source, at FROM next_runs"

	saveNextRuns = `INSERT INTO next_runs (source, at) SELECT * FROM unnest($1::text[], $2::bigint[])
		ON CONFLICT (source) DO UPDATE SET at = excluded.at`
	// saveHeldRuns looks at the leases without locking them, which would cost as much
	// as the times do: one that changes hands at this moment may have a time of its
	// old owner, which costs a poll.
	saveHeldRuns = `INSERT INTO next_runs (source, at)
		SELECT n.source, n.at FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) AS n (source, at, resource, epoch)
		JOIN leases l ON l.resource = n.resource AND l.epoch = n.epoch AND l.node = $5
		ON CONFLICT (source) DO UPDATE SET at = excluded.at`
)

// NextRuns returns the next run times that were saved, of some sources or of all,
// by source.
func (s *Store) NextRuns(ctx context.Context, sources ...string) (map[string]time.Time, error) {
	if len(sources) == 0 {
		return s.times(ctx, "next runs", selectNextRuns)
	}
	return s.times(ctx, "next runs", selectNextRuns+" WHERE source = ANY($1)", texts(sources))
}

// SaveNextRuns adds to and replaces what was saved, except of sources that are
// another node's by now.
func (s *Store) SaveNextRuns(ctx context.Context, next map[string]time.Time) error {
	query, node := saveNextRuns, s.tenant.Load()
	var names, resources []string
	var times, epochs []int64
	for _, name := range slices.Sorted(maps.Keys(next)) {
		if node != nil {
			resource := store.SourceResource(name)
			epoch, held := node.fence.Epoch(resource)
			if !held {
				continue
			}
			resources, epochs = append(resources, text(resource)), append(epochs, epoch)
		}
		names, times = append(names, text(name)), append(times, store.Micros(next[name]))
	}
	if len(names) == 0 {
		return nil
	}
	args := []any{names, times}
	if node != nil {
		query, args = saveHeldRuns, append(args, resources, epochs, node.node)
	}
	err := s.write(ctx, nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("save next runs: %w", err)
	}
	return nil
}
