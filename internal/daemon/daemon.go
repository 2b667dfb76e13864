// Package daemon wires pollwire together and runs it. It is the only place
// where the configuration becomes the options of the other packages; what they
// do with them is theirs.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/eventlog"
	"github.com/pollwire/pollwire/internal/history"
	"github.com/pollwire/pollwire/internal/httpclient"
	"github.com/pollwire/pollwire/internal/metrics"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/subscription"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// Options are what a daemon needs besides its configuration.
type Options struct {
	// Version is told to upstreams and receivers in User-Agent.
	Version string
	// Node is what this daemon is called among those on one database, as [NodeName]
	// takes it; empty for the name of the host.
	Node   string
	Logger *slog.Logger
	// LogLevel is the level of Logger, which follows the configuration; nil for one
	// that stays as it is.
	LogLevel *slog.LevelVar
	// Load gives the configuration to change over to, as config.Load does, each time
	// that Reload asks for it; nil where there is none but the one of the start.
	Load func() (*config.Config, error)
	// Reloading is called when a reload begins, and what it returns when it has
	// ended, with what came of it; nil for nobody.
	Reloading func() (done func(server.Reload))
	// Transport replaces the way to receivers; nil for the real network.
	Transport http.RoundTripper
	// Upstream replaces the way to what is asked, APIs and their tokens; nil for the
	// real network.
	Upstream http.RoundTripper
}

// Daemon is one running pollwire. Several may live in one process, each on a
// SQLite database of its own, or as nodes on the same PostgreSQL database.
type Daemon struct {
	// cfg is nil once all that it says is in the setup: that of thousands of sources
	// would be the largest part of what stays in memory.
	cfg    *config.Config
	o      Options
	logger *slog.Logger

	// open opens the store; tests put their own in its place.
	open  func(ctx context.Context) (database, error)
	store database
	// resolver looks up the names that subscriptions lead to, before they are kept;
	// tests put their own in its place.
	resolver      httpclient.Resolver
	log           *eventlog.Log
	bridge        *bridge.Bridge
	limiter       *poller.Limiter
	fetcher       *poller.Fetcher
	poller        *poller.Poller
	scheduler     *poller.Scheduler
	tokens        *poller.Tokens
	sender        *notify.Sender
	dispatcher    *notify.Dispatcher
	subscriptions *subscription.Registry
	// others are the other nodes; nil where the database can have none.
	others *others
	// What there is besides on a database that many nodes share, else nil: the
	// database itself, this node among the others, and what it has.
	shared  *postgres.Store
	node    *cluster.Node
	tenancy *tenancy
	// sharing is held while the node is told what there is to share out, and guards
	// subscribed, who subscribed.
	sharing    sync.Mutex
	subscribed []subscription.Endpoint
	// standard is an endpoint of which nothing is configured.
	standard roster
	janitor  *bridge.Janitor
	server   *server.Server
	metrics  *metrics.Metrics
	// setup is what the configuration came to; nil before Start.
	setup    atomic.Pointer[setup]
	attempts recentAttempts
	// What those who look are told of.
	self     self
	history  *history.Log
	activity *activity
	pauses   *pauses

	reloads *reloads

	fatal chan error

	// mu is held by all of Start and of Stop, and guards what follows.
	mu    sync.Mutex
	begun bool   // was started or stopped
	stops []stop // what has been started, in that order
}

// database is a store as its engines give it.
type database interface {
	store.Store
	// Fatal returns a channel that is closed when nothing can be written any
	// more; Err says why.
	Fatal() <-chan struct{}
	Err() error
}

// errBegun says that a daemon was used twice.
var errBegun = errors.New("start daemon: it was started or stopped before")

// stop ends one part of the daemon.
type stop struct {
	name string
	end  func(ctx context.Context) error
}

// New returns a daemon for a configuration that config has validated.
func New(cfg *config.Config, o Options) *Daemon {
	d := &Daemon{cfg: cfg, o: o, logger: o.Logger, fatal: make(chan error, 1), resolver: net.DefaultResolver, self: newSelf(o.Node), reloads: newReloads()}
	d.open = d.openDatabase
	d.metrics = newMetrics(d)
	d.setLevel(logLevel(&cfg.Log)) // what opens the store has something to say, too
	return d
}

// Start opens the store and starts every part. The end of ctx ends the start,
// but not what was started: only Stop does that. When Start fails, what had
// been started is stopped again. A daemon starts once.
func (d *Daemon) Start(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.begun {
		return errBegun
	}
	d.begun = true
	steps := []func(context.Context) error{
		d.openStore, d.wireNode, d.takeOver, d.wireSender, d.wireSetup, d.wireDispatcher, d.wireBridge, d.wireSubscriptions, d.sweepSubscriptions,
		d.startTelling, d.startReplays,
		d.startLimiter, d.wirePoller, d.startScheduler, d.startJanitor, d.startNode, d.startServer, d.startRelay, d.startReloads,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			d.abandon(ctx, err)
			return err
		}
	}
	d.cfg = nil
	return nil
}

// abandon ends what was started before the start failed. What is under way is
// cut short, since nothing of it is lost and the error is waited for.
func (d *Daemon) abandon(ctx context.Context, reason error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	cancel(reason)
	if err := d.stop(ctx); err != nil {
		d.logger.Warn("stopped after a start that failed", "err", err)
	}
}

// Stop ends every part in the reverse order of its start: first nothing new
// comes in, then polls and deliveries under way end, or are cancelled when ctx
// is done, and the store is closed last. Stopping twice, or what never started,
// is no error.
func (d *Daemon) Stop(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun = true
	return d.stop(ctx)
}

func (d *Daemon) stop(ctx context.Context) error {
	var errs []error
	for i := len(d.stops) - 1; i >= 0; i-- {
		if err := d.stops[i].end(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", d.stops[i].name, err))
		}
	}
	d.stops = nil
	return errors.Join(errs...)
}

// Fatal gives the error after which the daemon cannot go on and must be
// stopped, such as a disk that fails.
func (d *Daemon) Fatal() <-chan error { return d.fatal }

// Addr is where the server listens, host:port; empty when it does not. It is
// known once Start has returned.
func (d *Daemon) Addr() string {
	if d.server == nil {
		return ""
	}
	return d.server.Addr()
}

// Alive returns when the loops of the daemon, which has started, have given a
// sign of life.
func (d *Daemon) Alive(ctx context.Context) error {
	return errors.Join(d.scheduler.Alive(ctx), d.dispatcher.Alive(ctx))
}

// background runs a part until it is stopped. The start may end meanwhile.
func (d *Daemon) background(ctx context.Context, name string, run func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	d.started(name, func(context.Context) error {
		cancel()
		<-done
		return nil
	})
}

// started registers how to end a part that has just been started.
func (d *Daemon) started(name string, end func(context.Context) error) {
	d.stops = append(d.stops, stop{name, end})
}

// fail reports the first error after which the daemon cannot go on.
func (d *Daemon) fail(err error) {
	select {
	case d.fatal <- err:
	default: // one is enough
	}
}
