package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

// commit is a commit that waits for its group.
type commit struct {
	*blob.Commit
	// held is the lease that it is under, nil for none.
	held *holding
	// loosened are the pages that went with their versions.
	loosened []int64
	// err is why it is not written, though others of its group are.
	err error
}

// Commit writes a commit.
func (s *Store) Commit(ctx context.Context, c *store.Commit) error {
	name, resource := "alerts", c.Lease
	if c.Source != nil {
		name, resource = "source "+c.Source.Name, store.SourceResource(c.Source.Name)
	}
	if err := s.commit(ctx, c, resource); err != nil {
		return fmt.Errorf("commit %s: %w", name, err)
	}
	return nil
}

func (s *Store) commit(ctx context.Context, c *store.Commit, resource string) error {
	if s.readOnly {
		return store.ErrReadOnly
	}
	var resources []string
	if resource != "" {
		resources = []string{resource}
	}
	held, err := s.held(resources) // before anything takes time
	if err != nil {
		return err
	}
	packed, err := s.codec.Pack(ctx, c, time.Now(), s.Snapshot)
	if err != nil {
		return err
	}
	if packed.Size > maxCommit {
		return fmt.Errorf("%d MiB are more than a message to the server holds (%d MiB): lower request.max_body_size, or ask in pages", packed.Size>>20, maxCommit>>20)
	}
	w := &commit{Commit: packed, held: held}
	if err = s.stage(ctx, c, w); err == nil {
		err = s.writer.Do(ctx, w, w.Size)
	}
	s.tidy(ctx, w, err)
	if err != nil {
		return err
	}
	w.Adopt(c)
	return nil
}
