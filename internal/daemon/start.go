package daemon

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/eventlog"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

func (d *Daemon) openSQLite(ctx context.Context) (database, error) {
	return sqlite.Open(ctx, sqlite.Options{Path: d.cfg.Storage.Path(), Version: d.o.Version, Logger: d.logger})
}

func (d *Daemon) openStore(ctx context.Context) error {
	s, err := d.open(ctx)
	if err != nil {
		return err
	}
	d.log = eventlog.New(s)
	d.store = &loggedDatabase{s, d.log}
	d.started("store", func(context.Context) error { return s.Close() })
	d.background(ctx, "watch over the store", func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-s.Fatal():
			d.fail(s.Err())
		}
	})
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

// wireRoster makes the endpoints of the configuration, which those who tell share.
func (d *Daemon) wireRoster(context.Context) (err error) {
	d.configured, err = newRoster(d.cfg, d.tokens)
	return err
}

// wireDispatcher makes the dispatcher, which is given endpoints with those who
// subscribed; it starts when the bridge is there.
func (d *Daemon) wireDispatcher(context.Context) error {
	d.dispatcher = notify.NewDispatcher(notify.DispatcherOptions{
		Queue:     d.store,
		Sender:    d.sender,
		PublicURL: d.cfg.Server.PublicURL.Reveal(),
		Logger:    d.logger,
		OnFatal:   d.fail,
		Alert:     d.endpointAlert, // what it uses is there, and stays, when the dispatcher starts
	})
	for i := range d.configured.endpoints {
		d.namePublicKeys(&d.configured.endpoints[i])
	}
	return nil
}

// wireSources makes the sources that bridge and poller share.
func (d *Daemon) wireSources(context.Context) (err error) {
	d.sources, err = sources(d.cfg)
	return err
}

// wireBridge makes the bridge.
func (d *Daemon) wireBridge(ctx context.Context) (err error) {
	wake := func(...string) {} // a preview tells nobody
	if d.dispatcher != nil {
		wake = d.dispatcher.Wake
	}
	d.bridge, err = newBridge(ctx, d.cfg, d.sources, d.configured.bridged, d.store, wake, d.logger)
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
	d.limiter = poller.NewLimiter(poller.LimiterOptions{Store: d.store, Logger: d.logger})
	d.limiter.Apply(limits(d.cfg))
	if err := d.limiter.Start(ctx); err != nil {
		return fmt.Errorf("start limiter: %w", err)
	}
	d.started("limiter", d.limiter.Stop)
	return nil
}

// wirePoller makes what asks the sources.
func (d *Daemon) wirePoller(context.Context) error {
	d.fetcher = poller.NewFetcher(poller.FetcherOptions{
		Version: d.o.Version, Tokens: d.tokens, Secrets: d.cfg.RequestSecrets(), Heed: d.limiter.Heed, Extender: d.limiter,
	})
	d.started("connections", func(context.Context) error {
		d.fetcher.CloseIdle()
		return nil
	})
	d.poller = poller.NewPoller(poller.PollerOptions{Fetcher: d.fetcher, Observer: d.bridge, Detailer: d.bridge, Pauses: d.limiter, Logger: d.logger})
	d.started("polls", func(context.Context) error {
		d.poller.Close()
		return nil
	})
	for name := range d.sources {
		d.poller.SetState(name, d.bridge.InitialState(name))
	}
	return nil
}

func (d *Daemon) startScheduler(ctx context.Context) error {
	var enabled []*poller.Source
	for i := range d.cfg.Sources {
		if s := &d.cfg.Sources[i]; s.Enabled {
			enabled = append(enabled, d.sources[s.Name])
		}
	}
	d.scheduler = poller.NewScheduler(poller.SchedulerOptions{Poll: d.poller.Poll, Gate: d.poller, Limiter: d.limiter, Runs: d.store, Logger: d.logger})
	d.scheduler.Apply(enabled)
	if err := d.scheduler.Start(ctx); err != nil {
		return fmt.Errorf("start scheduler: %w", err)
	}
	d.started("scheduler", d.scheduler.Stop)
	d.pokes = pokes(d.cfg)
	// All that the configuration says of sources is known elsewhere by now, and
	// of thousands it would be the largest part of what stays in memory.
	own := *d.cfg
	own.Sources = nil
	d.cfg = &own
	return nil
}

func (d *Daemon) startJanitor(ctx context.Context) error {
	j := bridge.NewJanitor(bridge.JanitorOptions{
		Store:   d.store,
		Events:  time.Duration(d.cfg.Storage.Retention.Events),
		Waiting: time.Duration(d.cfg.Storage.Retention.Waiting),
		Teller:  d.bridge,
		Logger:  d.logger,
	})
	d.background(ctx, "janitor", j.Run)
	return nil
}

func (d *Daemon) startServer(ctx context.Context) error {
	var public *url.URL
	if text := d.cfg.Server.PublicURL.Reveal(); text != "" {
		var err error
		if public, err = url.Parse(text); err != nil {
			return fmt.Errorf("parse server.public_url: %w", err)
		}
	}
	ctl := &control{d}
	d.server = server.New(server.Options{
		Listen:        d.cfg.Server.Listen,
		Socket:        SocketPath(d.cfg),
		PublicURL:     public,
		Token:         d.cfg.Server.Token.Reveal(),
		Controller:    ctl,
		Subscriptions: subscriptions{d.subscriptions},
		Pokes:         d.pokes,
		Poker:         ctl,
		Ready:         []server.Check{{Name: "database", Func: d.store.Ping}},
		Logger:        d.logger,
	})
	if err := d.server.Start(ctx); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	d.started("server", d.server.Stop)
	return nil
}
