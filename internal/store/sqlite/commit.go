package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// Commit writes a commit.
func (s *Store) Commit(ctx context.Context, c *store.Commit) error {
	name := "alerts"
	if c.Source != nil {
		name = "source " + c.Source.Name
	}
	packed, err := s.codec.Pack(ctx, c, time.Now(), s.Snapshot)
	if err != nil {
		return fmt.Errorf("commit %s: %w", name, err)
	}
	rows := &commitRows{Commit: packed, paged: s.lastPage.Load() > 0, loose: &s.loose}
	if err = s.stage(ctx, c, rows); err == nil {
		err = s.write(ctx, rows.Size, rows.write)
	}
	s.tidy(ctx, rows, err)
	if err != nil {
		return fmt.Errorf("commit %s: %w", name, err)
	}
	rows.Adopt(c)
	return nil
}
