package daemon

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

const (
	// attemptsWindow and attemptsDeliveries bound what the statistics of endpoints
	// are of: 10,000 deliveries are read in less than a tenth of a second.
	attemptsWindow     = 24 * time.Hour
	attemptsDeliveries = 10_000
	// attemptsAge is how old they may be. A page that shows them asks for them at
	// every event.
	attemptsAge = 10 * time.Second
)

// recentAttempts keeps the statistics of the endpoints' attempts for a while.
type recentAttempts struct {
	mu sync.Mutex
	at time.Time
	of []store.AttemptStats
}

// read returns the statistics. Those who ask meanwhile wait for one read.
func (r *recentAttempts) read(ctx context.Context, s store.DeliveryLog) ([]store.AttemptStats, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if !r.at.IsZero() && now.Sub(r.at) < attemptsAge {
		return r.of, nil
	}
	of, err := s.AttemptStats(ctx, now.Add(-attemptsWindow), attemptsDeliveries)
	if err != nil {
		return nil, err
	}
	r.at, r.of = now, of
	return of, nil
}

// attemptsOf are those of one endpoint, nil where it had none.
func attemptsOf(all []store.AttemptStats, endpoint string) *server.AttemptStats {
	i := slices.IndexFunc(all, func(a store.AttemptStats) bool { return a.Endpoint == endpoint })
	if i < 0 {
		return nil
	}
	return server.NewAttemptStats(&all[i])
}
