package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/eventlog"
	"github.com/pollwire/pollwire/internal/history"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// openDatabase opens the database of the configuration.
func (d *Daemon) openDatabase(ctx context.Context) (database, error) {
	if d.cfg.Storage.Engine() == config.PostgreSQL {
		return d.openPostgres(ctx)
	}
	return sqlite.Open(ctx, sqlite.Options{Path: d.cfg.Storage.Path(), Version: d.o.Version, Logger: d.logger})
}

func (d *Daemon) openStore(ctx context.Context) error {
	s, err := d.open(ctx)
	if err != nil {
		return err
	}
	d.log = eventlog.New(s)
	d.store = &loggedDatabase{&countedDatabase{s, d.metrics}, d.log}
	d.started("store", func(context.Context) error { return s.Close() })
	// Whoever posts what it cannot record would post it again at the next start,
	// and a supervisor starts it every few seconds.
	if err := s.Ping(ctx); err != nil {
		return err
	}
	d.background(ctx, "watch over the store", func(ctx context.Context) { d.watchStore(ctx, s) })
	return nil
}

// takeOver gives sources the state of the names that they had before. It comes
// before everything that reads state.
func (d *Daemon) takeOver(ctx context.Context) error {
	formerly := make(map[string]string)
	for i := range d.cfg.Sources {
		if s := &d.cfg.Sources[i]; s.Formerly != "" {
			formerly[s.Name] = s.Formerly
		}
	}
	return bridge.TakeOver(ctx, d.store, formerly, d.logger)
}

// wireSetup makes what all further steps go by.
func (d *Daemon) wireSetup(context.Context) error {
	s, err := newSetup(d.cfg, d.tokens, nil)
	if err != nil {
		return err
	}
	d.setup.Store(s)
	d.history, d.activity = history.New(len(s.sources)), newActivity(d.store)
	d.watchBy(s)
	return nil
}

// wireDispatcher makes the dispatcher, which is given endpoints with those who
// subscribed; it starts when the bridge is there.
func (d *Daemon) wireDispatcher(context.Context) error {
	s := d.setup.Load()
	d.dispatcher = notify.NewDispatcher(notify.DispatcherOptions{
		Queue:     d.store,
		Sender:    d.sender,
		PublicURL: s.link,
		Logger:    d.logger,
		Passes:    store.Passes,
		Leased:    d.leased(),
		Holds:     d.holdsEndpoint,
		Lost:      lost,
		OnFatal:   d.fail,
		Alert:     d.endpointAlert, // what it uses is there, and stays, when the dispatcher starts
		Done:      d.metrics.Told,
	})
	for i := range s.configured.endpoints {
		d.namePublicKeys(&s.configured.endpoints[i])
	}
	return nil
}

// wireBridge makes the bridge.
func (d *Daemon) wireBridge(ctx context.Context) (err error) {
	wake := func(...string) {} // a preview tells nobody
	if d.dispatcher != nil {
		wake = d.dispatcher.Wake
	}
	s := d.setup.Load()
	d.bridge, err = bridge.New(ctx, bridge.Options{
		Store: d.store, Sources: s.judged(), Endpoints: s.configured.bridged, KeepSnapshots: s.retention.Snapshots, Wake: wake, Logger: d.logger,
		Leased: d.leased(), Holds: d.holdsEndpoint, FirstGrace: d.firstGrace(),
	})
	return err
}

// startTelling starts to deliver, once the bridge exists that alerts go to.
func (d *Daemon) startTelling(ctx context.Context) error {
	if err := d.dispatcher.Start(ctx); err != nil {
		return fmt.Errorf("start dispatcher: %w", err)
	}
	d.started("dispatcher", d.dispatcher.Stop)
	return nil
}

// startReplays carries out what is told besides what happens now.
func (d *Daemon) startReplays(ctx context.Context) error {
	d.background(ctx, "replays", d.bridge.RunReplays)
	return nil
}

func (d *Daemon) startLimiter(ctx context.Context) error {
	d.limiter = poller.NewLimiter(poller.LimiterOptions{Store: d.store, Leased: d.leased(), Lost: lost, Logger: d.logger})
	d.limiter.Apply(d.setup.Load().limits)
	if err := d.limiter.Start(ctx); err != nil {
		return fmt.Errorf("start limiter: %w", err)
	}
	d.started("limiter", d.limiter.Stop)
	return nil
}

// wirePoller makes what asks the sources.
func (d *Daemon) wirePoller(context.Context) error {
	s := d.setup.Load()
	d.fetcher = poller.NewFetcher(poller.FetcherOptions{
		Version: d.o.Version, Tokens: d.tokens, Secrets: s.secrets, Heed: d.limiter.Heed, Extender: d.limiter,
		Holds: d.holdsSource, RoundTripper: d.o.Upstream,
	})
	d.started("connections", func(context.Context) error {
		d.fetcher.CloseIdle()
		return nil
	})
	d.poller = poller.NewPoller(poller.PollerOptions{Fetcher: d.fetcher, Observer: d.bridge, Detailer: d.bridge, Pauses: d.limiter, Done: d.keepAccount, Logger: d.logger})
	d.started("polls", func(context.Context) error {
		d.poller.Close()
		return nil
	})
	if d.leased() {
		return nil // each has its state when it is adopted
	}
	for name := range s.sources {
		d.poller.SetState(name, d.bridge.InitialState(name))
	}
	return nil
}

func (d *Daemon) startScheduler(ctx context.Context) error {
	d.scheduler = poller.NewScheduler(poller.SchedulerOptions{
		Poll: d.poll, Gate: d.poller, Limiter: d.limiter, Runs: d.store, Begun: d.metrics.Begun, Logger: d.logger,
		Leased: d.leased(), SaveEvery: d.saveEvery(),
	})
	d.pauses = &pauses{store: d.store, scheduler: d.scheduler}
	if err := d.pauses.load(ctx); err != nil {
		return err
	}
	d.scheduler.Apply(d.setup.Load().enabled())
	if err := d.scheduler.Start(ctx); err != nil {
		return fmt.Errorf("start scheduler: %w", err)
	}
	d.started("scheduler", d.scheduler.Stop)
	return nil
}

func (d *Daemon) startJanitor(ctx context.Context) error {
	retention := d.setup.Load().retention
	d.janitor = bridge.NewJanitor(bridge.JanitorOptions{
		Store:   d.store,
		Events:  time.Duration(retention.Events),
		Waiting: time.Duration(retention.Waiting),
		Teller:  d.bridge,
		Holds:   func() bool { return d.holds(store.TaskPrune) },
		Logger:  d.logger,
	})
	d.background(ctx, "janitor", d.janitor.Run)
	return nil
}

func (d *Daemon) startServer(ctx context.Context) error {
	s := d.setup.Load()
	ctl := &control{d}
	d.server = server.New(server.Options{
		Listen:        s.fixed.listen,
		Socket:        SocketPath(d.cfg, d.o.Node),
		PublicURL:     s.publicURL,
		Token:         s.token,
		Metrics:       d.metrics.Handler(),
		MetricsToken:  s.metricsToken,
		Controller:    ctl,
		Subscriptions: subscriptions{d.subscriptions},
		Pokes:         s.pokes(),
		Poker:         ctl,
		Dashboard:     d.dashboard(ctl),
		Reloader:      ctl,
		Ready:         d.checks(),
		Logger:        d.logger,
	})
	if err := d.server.Start(ctx); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	d.started("server", d.server.Stop)
	return nil
}
