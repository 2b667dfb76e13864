package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// TestServerDies kills the server while many commit, and starts it again: what was
// acknowledged is there, nothing is there twice, and the store goes on by itself.
func TestServerDies(t *testing.T) {
	t.Parallel()
	server := postgrestest.Own(t, postgrestest.Options{Durable: true})
	dsn, err := server.Create()
	must(t, err)
	s := mustOpen(t, dsn)

	const sources, deaths = 16, 3
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	var acknowledged, doubts atomic.Int64
	versions := make([]int64, sources)
	var group errgroup.Group
	for i := range sources {
		group.Go(func() error {
			src := &store.Source{Name: fmt.Sprintf("s%d", i)}
			for ctx.Err() == nil {
				wrote, err := commitOnce(t.Context(), s, src, &doubts)
				if err != nil {
					return err
				}
				versions[i] = src.Version
				acknowledged.Add(wrote)
			}
			return nil
		})
	}
	for range deaths {
		for begun := acknowledged.Load(); acknowledged.Load() < begun+200; {
			must(t, t.Context().Err())
			if _, err := s.LastPosition(t.Context()); err != nil && !store.Passes(err) {
				t.Fatal(err)
			}
		}
		must(t, server.Kill())
		must(t, server.Restart())
	}
	for begun := acknowledged.Load(); acknowledged.Load() < begun+200; {
		if _, err := s.LastPosition(t.Context()); err != nil && !store.Passes(err) {
			t.Fatal(err)
		}
	}
	enough()
	must(t, group.Wait())
	storetest.VerifyLog(t, s)
	var all int64
	for i, last := range versions {
		src, err := s.Source(t.Context(), fmt.Sprintf("s%d", i))
		must(t, err)
		if src.Version != last || src.Sequence != last {
			t.Errorf("source s%d is at version %d with %d changes, %d were acknowledged", i, src.Version, src.Sequence, last)
		}
		all += last
	}
	last, err := s.LastPosition(t.Context())
	must(t, err)
	if last != all {
		t.Errorf("the log ends at %d after %d changes", last, all)
	}
	t.Logf("%d commits, %d in doubt", all, doubts.Load())
}

// commitOnce commits the next version of a source, as often as it takes: where
// nobody knows what came of it, it reads again.
func commitOnce(ctx context.Context, s *Store, src *store.Source, doubts *atomic.Int64) (int64, error) {
	next := src.Version + 1
	for {
		err := s.Commit(ctx, version(src, "ops"))
		if err == nil {
			return 1, nil
		}
		if !store.Passes(err) {
			return 0, err
		}
		for {
			now, err := s.Source(ctx, src.Name)
			if errors.Is(err, store.ErrNotFound) {
				now, err = *src, nil
			}
			if err != nil {
				if !store.Passes(err) {
					return 0, err
				}
				continue // the server is not back
			}
			if now.Version == next {
				doubts.Add(1)
				*src = now
				return 1, nil
			}
			break
		}
	}
}
