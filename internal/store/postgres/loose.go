package postgres

import (
	"context"
	"fmt"
)

const (
	// sweepBatch bounds the pages that one statement removes, orphanBatch those that
	// are looked up at a time.
	sweepBatch  = 256
	orphanBatch = 10_000
)

const (
	// sweepPages removes those of the pages that are loose, and that no other node is
	// about to list. A commit that lists one meanwhile waits for this, or this for it.
	sweepPages = `WITH loose AS (DELETE FROM loose_pages l WHERE l.id = ANY($1) AND (l.node IN ('', $2) OR NOT EXISTS
			(SELECT 1 FROM nodes n WHERE n.id = l.node)) RETURNING l.id)
		DELETE FROM pages p USING loose WHERE p.id = loose.id`
	// selectOrphans selects what nobody remembers: the pages that went with their
	// versions, and those of nodes that are gone.
	selectOrphans = `SELECT l.id FROM loose_pages l WHERE l.node = '' OR l.node <> $1 AND NOT EXISTS
			(SELECT 1 FROM nodes n WHERE n.id = l.node) LIMIT $2`
)

// life is whose the pages are that are staged now: the node's, or of one who writes
// alone an own name, which no other has.
func (s *Store) life() string {
	if t := s.tenant.Load(); t != nil {
		return t.node
	}
	return s.alone
}

// sweep removes the loose pages that nobody is about to list. What it did not
// come to is left for the next time.
func (s *Store) sweep(ctx context.Context) error {
	for {
		ids := s.loose.Take(sweepBatch)
		if len(ids) == 0 {
			return nil
		}
		if err := s.exec(ctx, sweepPages, ids, s.life()); err != nil {
			s.loose.Add(ids...)
			return fmt.Errorf("remove pages: %w", err)
		}
	}
}

// sweepOrphans removes the loose pages that nobody remembers: who made them loose
// may have ended since. One node does it at a time.
func (s *Store) sweepOrphans(ctx context.Context) error {
	for {
		ids, err := list(ctx, s, scanID, selectOrphans, s.life(), orphanBatch)
		if err != nil {
			return fmt.Errorf("read loose pages: %w", err)
		}
		s.loose.Add(ids...)
		if err := s.sweep(ctx); err != nil || len(ids) < orphanBatch {
			return err
		}
	}
}

// tidy ends what a commit began: pages that were staged in vain are loose for
// good, and those that it replaced may become differences.
func (s *Store) tidy(ctx context.Context, c *commit, err error) {
	switch {
	case c.Staging != nil && err != nil:
		s.loose.Add(c.Staging.Staged...)
	case err == nil:
		s.loose.Add(c.loosened...)
		if c.Staging != nil {
			s.codec.Settle(ctx, c.Staging.Replaced, s.page, s.settle)
		}
	}
	if (c.Staging != nil || err == nil && len(c.loosened) > 0) && ctx.Err() == nil {
		_ = s.sweep(ctx) // the next one goes on
	}
}
