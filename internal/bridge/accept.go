package bridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
)

// ErrNoAnswer says that no answer of a source has been accepted yet, so that
// nothing can have vanished from it.
var ErrNoAnswer = errors.New("no answer has been accepted yet")

// AcceptRemoval lets the next answer of a source remove more items than
// max_removed allows. That answer uses it up whether it needs it or not: an
// operator speaks of what has vanished now, and not of what may vanish later.
// The error is ErrUnknownSource, ErrElsewhere, ErrNoAnswer or a *StoreError.
func (b *Bridge) AcceptRemoval(ctx context.Context, source string) error {
	st, err := b.lock(source)
	if err != nil {
		return err
	}
	defer st.mu.Unlock()
	if err := b.settle(ctx, st); err != nil {
		return err
	}
	if st.row.Version == 0 {
		return fmt.Errorf("source %q: %w", source, ErrNoAnswer)
	}
	if err := b.store.AcceptRemoval(ctx, source); err != nil {
		st.doubtful = true
		if errors.Is(err, store.ErrNotHeld) {
			return fmt.Errorf("source %q: %w: %w", source, ErrElsewhere, err)
		}
		return &StoreError{Err: fmt.Errorf("accept removal: %w", err)}
	}
	st.row.AcceptRemoval = true
	return nil
}
