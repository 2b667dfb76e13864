package bridge

import (
	"context"
	"log/slog"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// pruneInterval is how often old rows are looked for.
const pruneInterval = 10 * time.Minute

// Pruner is the part of the store that forgets.
type Pruner interface {
	// Prune removes what retention allows to.
	Prune(ctx context.Context, r store.Retention) (store.Pruned, error)
}

// JanitorOptions are what a Janitor is made of.
type JanitorOptions struct {
	Store Pruner
	// Events is how long the log is kept, Waiting how long an undelivered
	// delivery waits before it is dead.
	Events, Waiting time.Duration
	// Expired is told of deliveries that have become dead for their age.
	Expired func(ctx context.Context, deliveries []notify.Delivery)
	Logger  *slog.Logger
}

// Janitor removes from the store what is older than its retention.
type Janitor struct{ o JanitorOptions }

// NewJanitor returns a janitor; Run sets it to work.
func NewJanitor(o JanitorOptions) *Janitor { return &Janitor{o: o} }

// Run works until ctx is done.
func (j *Janitor) Run(ctx context.Context) {
	ticker := time.NewTicker(pruneInterval)
	defer ticker.Stop()
	start := time.Now()
	c := newCaution(reading{wall: start.Round(0)})
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		j.look(ctx, &c, reading{wall: now.Round(0), up: now.Sub(start)})
	}
}

// look prunes where the clock has earned trust.
func (j *Janitor) look(ctx context.Context, c *caution, now reading) {
	if c.jumped(now) {
		j.o.Logger.Warn("clock jumped forward: retention waits", "wait", pruneWait)
	}
	if c.trusts(now) {
		j.prune(ctx, now.wall)
	}
}

func (j *Janitor) prune(ctx context.Context, now time.Time) {
	pruned, err := j.o.Store.Prune(ctx, store.Retention{
		Events:  now.Add(-j.o.Events),
		Waiting: now.Add(-j.o.Waiting),
	})
	if len(pruned.Expired) > 0 {
		j.o.Expired(ctx, pruned.Expired)
	}
	if ctx.Err() != nil {
		return // stopped on the way; the rest is for the next run
	}
	if err != nil {
		j.o.Logger.Error("prune store", "err", err)
		return
	}
	if pruned.Events > 0 || len(pruned.Expired) > 0 {
		j.o.Logger.Info("pruned store", "events", pruned.Events, "deliveries", pruned.Deliveries, "expired", len(pruned.Expired))
	}
}
