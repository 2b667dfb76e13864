package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
)

// sweepBatch bounds the pages that one transaction removes.
const sweepBatch = 16

const deleteLoose = "DELETE FROM pages WHERE EXISTS (SELECT 1 FROM loose_pages l WHERE l.id = pages.id) AND id IN "

// sweep removes the loose pages that nobody is about to list. What it did not
// come to is left for the next time.
func (s *Store) sweep(ctx context.Context) error {
	for {
		ids := s.loose.Take(sweepBatch)
		if len(ids) == 0 {
			return nil
		}
		err := s.write(ctx, 4096*len(ids), func(s *session) error {
			if _, err := removeRows(s, deleteLoose, ids); err != nil {
				return err
			}
			_, err := removeRows(s, "DELETE FROM loose_pages WHERE id IN ", ids)
			return err
		})
		if err != nil {
			s.loose.Add(ids...)
			return fmt.Errorf("remove pages: %w", err)
		}
	}
}

// openPages removes all loose pages, and goes on behind their numbers. Nothing
// is being committed yet, so what is loose was left by a process that ended. A
// full disk is no reason not to start.
func (s *Store) openPages(ctx context.Context) error {
	scan := func(rows *sql.Rows) (id int64, err error) {
		err = rows.Scan(&id)
		return id, err
	}
	last, err := list(ctx, s.reader, scan, "SELECT seq FROM sqlite_sequence WHERE name = 'pages'")
	if err != nil {
		return fmt.Errorf("read last numbers: %w", err)
	}
	if len(last) > 0 {
		s.lastPage.Store(last[0])
	}
	ids, err := list(ctx, s.reader, scan, "SELECT id FROM loose_pages")
	if err != nil {
		return fmt.Errorf("read loose pages: %w", err)
	}
	s.loose.Add(ids...)
	if err := s.sweep(ctx); err != nil && !errors.Is(err, store.ErrFull) {
		return err
	}
	return nil
}

// tidy ends what a commit began: pages that were staged in vain are loose for
// good, and those that it replaced may become differences.
func (s *Store) tidy(ctx context.Context, r *commitRows, err error) {
	if r.Staging != nil {
		if err != nil {
			s.loose.Add(r.Staging.Staged...)
		} else {
			s.codec.Settle(ctx, r.Staging.Replaced, s.page, s.settle)
		}
	}
	if (r.Staging != nil || err == nil && r.loosened) && ctx.Err() == nil {
		_ = s.sweep(ctx) // the next one goes on
	}
}
