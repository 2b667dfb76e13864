package bridge

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/pollwire/pollwire/internal/store"
)

// handovers is how many failures are saved beside each other, so that they are
// committed together.
const handovers = 64

// SaveFailures saves how often sources have failed in a row of which nobody was
// told yet, for whoever observes them next: that one goes on counting. Else a
// source would never be told of whose owners change more often than it fails. It
// is called before [Bridge.Release], and not for what was lost. It ends with ctx,
// and with the first error.
func (b *Bridge) SaveFailures(ctx context.Context, sources []string) error {
	r := b.roster.Load()
	saves, ctx := errgroup.WithContext(ctx)
	saves.SetLimit(handovers)
	for _, source := range sources {
		saves.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return b.saveFailures(ctx, r, source)
		})
	}
	if err := saves.Wait(); err != nil {
		return fmt.Errorf("save failures of sources: %w", err)
	}
	return nil
}

// saveFailures saves those of one source.
func (b *Bridge) saveFailures(ctx context.Context, r *roster, source string) error {
	st, err := b.lock(source)
	if err != nil {
		return nil // it is not known, or not observed here
	}
	defer st.mu.Unlock()
	if st.failures == 0 || st.row.Alert.Failures == st.failures {
		return nil
	}
	if err := b.settle(ctx, st); err != nil {
		return err
	}
	if st.row.Alert.Told() {
		return nil // the next reminder counts on from there
	}
	row := st.row
	row.Alert = store.SourceAlert{Since: st.failingSince, Failures: st.failures, Reason: st.reason}
	err = b.commit(ctx, st, &store.Commit{Source: &row}, r)
	if errors.Is(err, ErrElsewhere) {
		return nil // its next owner has begun
	}
	return err
}
