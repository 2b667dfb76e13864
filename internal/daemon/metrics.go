package daemon

import (
	"context"
	"log/slog"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/metrics"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// newMetrics makes the account of a daemon, which asks its parts when it is asked.
func newMetrics(d *Daemon) *metrics.Metrics {
	parts := parts{d}
	o := metrics.Options{
		Version: d.o.Version, Database: d.cfg.Storage.Path(), Logger: d.logger,
		Schedule: parts, Limits: parts, Endpoints: parts, Queue: parts,
	}
	if d.cfg.Storage.Engine() == config.PostgreSQL {
		o.Nodes = parts
	}
	return metrics.New(o)
}

// watchBy lets those who watch the daemon follow a configuration: the metrics, and
// the level of the log.
func (d *Daemon) watchBy(s *setup) {
	d.metrics.SetSources(s.names())
	d.metrics.SetEndpoints(s.configured.names())
	d.setLevel(s.logLevel)
}

// setLevel sets the level of the log, where it follows the configuration.
func (d *Daemon) setLevel(level slog.Level) {
	if d.o.LogLevel != nil {
		d.o.LogLevel.Set(level)
	}
}

// logLevel is the level that a configuration asks for.
func logLevel(c *config.Log) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return slog.LevelInfo // it was validated; a configuration made in a test may have none
	}
	return level
}

// parts are those of a daemon that its metrics ask. The server, which asks for
// them, starts after them and stops before them.
type parts struct{ d *Daemon }

var (
	_ metrics.Schedule  = parts{}
	_ metrics.Limits    = parts{}
	_ metrics.Endpoints = parts{}
	_ metrics.Queue     = parts{}
)

// Dropped is a [metrics.Schedule]'s.
func (p parts) Dropped() int64 { return p.d.scheduler.Dropped() }

// Limits is a [metrics.Limits]'s.
func (p parts) Limits() []poller.LimitStatus { return p.d.limiter.Limits() }

// Status is a [metrics.Endpoints]'s.
func (p parts) Status() []notify.EndpointStatus { return p.d.dispatcher.Status() }

// Depths is a [metrics.Queue]'s.
func (p parts) Depths(ctx context.Context) ([]store.Depth, error) { return p.d.store.Depths(ctx) }

// countedDatabase tells the metrics of what is written.
type countedDatabase struct {
	database
	metrics *metrics.Metrics
}

// Commit commits, and counts it.
func (d *countedDatabase) Commit(ctx context.Context, c *store.Commit) error {
	begun := time.Now()
	err := d.database.Commit(ctx, c)
	d.metrics.Committed(c, time.Since(begun), err)
	return err
}

// Record records, and counts it.
func (d *countedDatabase) Record(ctx context.Context, outcomes []notify.Outcome) error {
	begun := time.Now()
	err := d.database.Record(ctx, outcomes)
	d.metrics.Recorded(time.Since(begun), err)
	return err
}

// Prune prunes, and counts the deliveries that became dead by it.
func (d *countedDatabase) Prune(ctx context.Context, r store.Retention) (store.Pruned, error) {
	pruned, err := d.database.Prune(ctx, r)
	d.metrics.Expired(pruned.Expired)
	return pruned, err
}
