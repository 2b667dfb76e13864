package bridge

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// pruneInterval is how often old rows are looked for.
const pruneInterval = 10 * time.Minute

// Pruner is the part of the store that forgets.
type Pruner interface {
	// Prune removes what retention allows to.
	Prune(ctx context.Context, r store.Retention) (store.Pruned, error)
	// Overdue returns, by endpoint, what waits since before a time.
	Overdue(ctx context.Context, before time.Time) ([]store.Overdue, error)
	// SaveOverdueTold replaces the names of the endpoints that Overdue says were
	// told of.
	SaveOverdueTold(ctx context.Context, endpoints []string) error
}

// OverdueTeller tells others of what waits for an endpoint for too long. What
// it could not tell it is asked to tell again later.
type OverdueTeller interface {
	// Overdue says that deliveries wait for long, and when the oldest will be dead.
	Overdue(ctx context.Context, o store.Overdue, dead time.Time) error
	// Expiring says that deliveries are dead now, which happens once it returns.
	Expiring(ctx context.Context, o store.Overdue) error
}

// JanitorOptions are what a Janitor is made of.
type JanitorOptions struct {
	Store Pruner
	// Events is how long the log is kept, Waiting how long an undelivered
	// delivery waits before it is dead.
	Events, Waiting time.Duration
	Teller          OverdueTeller
	// Holds says whether this is the node that forgets, where others work on the same
	// store; nil for yes. It is asked each time that there is something to do.
	Holds  func() bool
	Logger *slog.Logger
}

// Janitor removes from the store what is older than its retention. It never
// removes what is undelivered: that becomes dead first, which is told ahead of
// time and when it happens.
type Janitor struct {
	o JanitorOptions
	// retention holds from the next time on that it works.
	retention atomic.Pointer[retention]
	// expired is when deliveries were last made dead.
	expired time.Time
	// failing says that it could not do its work the last time, and said so.
	failing bool
	// told are the endpoints that were saved as told of, nil before the first time.
	told []string
}

// retention is how long the log is kept, and how long deliveries wait.
type retention struct{ events, waiting time.Duration }

// NewJanitor returns a janitor; Run sets it to work.
func NewJanitor(o JanitorOptions) *Janitor {
	if o.Holds == nil {
		o.Holds = func() bool { return true }
	}
	j := &Janitor{o: o}
	j.Keep(o.Events, o.Waiting)
	return j
}

// Keep changes how long the log is kept, and how long an undelivered delivery
// waits before it is dead. It may be called while the janitor works.
func (j *Janitor) Keep(events, waiting time.Duration) {
	j.retention.Store(&retention{events: events, waiting: waiting})
}

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
	switch {
	case !j.o.Holds():
		j.told = nil // whoever does it meanwhile may tell of others
	case c.trusts(now):
		j.prune(ctx, now.wall)
	}
}

func (j *Janitor) prune(ctx context.Context, now time.Time) {
	keep := j.retention.Load()
	r := store.Retention{Events: now.Add(-keep.events)}
	warnErr := j.warn(ctx, now, keep.waiting)
	expires, expireErr := j.expire(ctx, now, keep.waiting)
	if expires {
		r.Waiting = now.Add(-keep.waiting)
	}
	pruned, pruneErr := j.o.Store.Prune(ctx, r)
	err := errors.Join(warnErr, expireErr, pruneErr)
	if ctx.Err() != nil || errors.Is(err, store.ErrNotHeld) {
		return // stopped on the way; the rest is for the next run, or another node's
	}
	if err != nil {
		level := slog.LevelError
		if j.failing {
			level = slog.LevelDebug
		}
		j.failing = true
		j.o.Logger.Log(ctx, level, "store could not be pruned", "err", err, "again_in", pruneInterval)
		return
	}
	if j.failing {
		j.failing = false
		j.o.Logger.Info("store is pruned again")
	}
	if pruned.Events > 0 || pruned.Expired > 0 {
		j.o.Logger.Info("pruned store", "events", pruned.Events, "deliveries", pruned.Deliveries, "expired", pruned.Expired)
	}
}
