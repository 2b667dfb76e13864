package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/pollwire/pollwire/internal/store"
)

// Renamer is the part of the store that gives sources other names.
type Renamer interface {
	// Rename gives all that is kept of a source to another name. It fails with
	// store.ErrNotFound where there is nothing, and with store.ErrConflict where
	// the other name has something of its own.
	Rename(ctx context.Context, from, to string) error
}

// TakeOver gives sources the state of the names that they had before; formerly
// has those by the names that they have now. It is done once: what a source has
// under its own name already stays, and the older state is left alone.
func TakeOver(ctx context.Context, s Renamer, formerly map[string]string, logger *slog.Logger) error {
	for _, name := range slices.Sorted(maps.Keys(formerly)) {
		if err := takeOver(ctx, s, name, formerly[name], logger); err != nil && !isTaken(err) {
			return err
		}
	}
	return nil
}

func takeOver(ctx context.Context, s Renamer, name, old string, logger *slog.Logger) error {
	err := s.Rename(ctx, old, name)
	switch {
	case err == nil:
		logger.Info("source took over the state of its older name", "source", name, "formerly", old)
		return nil
	case errors.Is(err, store.ErrNotFound):
		logger.Debug("source has nothing to take over", "source", name, "formerly", old)
	case errors.Is(err, store.ErrConflict):
		logger.Warn("source has a state of its own, so that of its older name is left alone", "source", name, "formerly", old)
	}
	return fmt.Errorf("take over the state of %s for source %s: %w", old, name, err)
}

// isTaken says whether there was nothing to take over, or nobody to take it.
func isTaken(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict)
}

// Renames returns those of the sources, with the names that they had before, that
// would take over a state of that name now.
func (b *Bridge) Renames(ctx context.Context, formerly map[string]string) (map[string]string, error) {
	var names []string
	for name, old := range formerly {
		names = append(names, name, old)
	}
	rows, err := b.rows(ctx, names)
	if err != nil {
		return nil, &StoreError{Err: err}
	}
	found := make(map[string]string)
	for name, old := range formerly {
		_, has := rows[name]
		if _, had := rows[old]; had && !has {
			found[name] = old
		}
	}
	return found, nil
}
