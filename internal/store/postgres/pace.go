package postgres

import (
	"context"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// Pace returns what was saved last of the rate limit of an endpoint.
func (s *Store) Pace(ctx context.Context, endpoint string) (notify.Pace, error) {
	return store.ReadPace(ctx, s, endpoint)
}

// SavePaces replaces those of the same endpoints and returns when they are durable.
// Where the lease of one of them is not held none is saved.
func (s *Store) SavePaces(ctx context.Context, paces []notify.Pace) error {
	return store.SavePaces(ctx, s, paces)
}
