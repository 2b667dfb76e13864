// Package demo shows the whole way of a change in one process: a small shop's
// API that changes by itself, the daemon that watches it, and a receiver that
// verifies what it is told.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/notify"
)

// Options are what a demo needs.
type Options struct {
	Version string
	// Out gets what happens, Log what goes wrong.
	Out, Log io.Writer
	// Color paints with ANSI colours.
	Color bool
	// Seed makes what happens in the shop repeatable; 0 takes one at random.
	Seed uint64
	// Interval is the time between two changes in the shop.
	Interval time.Duration
	// For is after which time the demo ends by itself, counted from when it has begun;
	// 0 for never.
	For time.Duration
}

const (
	// settle is how long the demo waits at its end for the last webhooks.
	settle = 20 * time.Second
	// pollEvery is the schedule of the demo's source.
	pollEvery = "@every 1s"
)

// Run runs the demo until its time is over or ctx is done, which is no error.
func Run(ctx context.Context, o Options) (err error) {
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	dir, err := os.MkdirTemp("", "pollwire-demo-")
	if err != nil {
		return fmt.Errorf("create temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	secret := notify.GenerateSecret()
	parsed, err := notify.ParseSecret(secret)
	if err != nil {
		return err
	}
	screen := newScreen(o.Out, o.Color)
	shop := newShop(o.Seed)
	api, err := serve(ctx, shop)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	hooks, err := serve(ctx, receiver.New([]notify.Secret{parsed}, screen.webhook))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, hooks.stop()) }()

	cfg, err := config.Parse("demo.yaml", configuration(filepath.Join(dir, "demo.db"), api.url, hooks.url, secret), config.Lookup{})
	if err != nil {
		return fmt.Errorf("configure demo: %w", err)
	}
	d := daemon.New(cfg, daemon.Options{Version: o.Version, Logger: slog.New(slog.NewTextHandler(o.Log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err := d.Start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // the demo was ended before it had begun
		}
		return err
	}
	screen.welcome(api.url+"/orders", hooks.url, d.DashboardURL())
	if o.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.For)
		defer cancel()
	}
	fatal := changeUntilDone(ctx, shop, screen, o.Interval, d.Fatal())
	// A context of its own: ctx has ended, that is why the demo stops.
	stopping, cancel := context.WithTimeout(context.Background(), settle)
	defer cancel()
	err = errors.Join(fatal, d.Stop(stopping))
	screen.goodbye()
	return err
}

// changeUntilDone lets things happen in the shop until ctx is done or the
// daemon cannot go on.
func changeUntilDone(ctx context.Context, s *shop, out *screen, interval time.Duration, fatal <-chan error) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-fatal:
			return err
		case <-ticker.C:
			out.shop(s.change())
		}
	}
}

// configuration is what a user would write to watch the shop.
func configuration(database, api, hooks, secret string) []byte {
	return fmt.Appendf(nil, `
storage: {dsn: "sqlite:%s"}
server: {listen: "127.0.0.1:0"}
sources:
  - name: orders
    schedule: "%s"
    request: {url: "%s/orders"}
    items: {path: orders, key: id}
    detect: {ignore: [viewed_at]}
    event_type: shop.order
endpoints:
  - name: you
    url: "%s/webhooks"
    secrets: ["%s"]
`, database, pollEvery, api, hooks, secret)
}

// service is an HTTP server on a loopback port of its own.
type service struct {
	url    string
	server *http.Server
	done   chan error
}

func serve(ctx context.Context, h http.Handler) (*service, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &service{
		url:    "http://" + l.Addr().String(),
		server: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second},
		done:   make(chan error, 1),
	}
	go func() { s.done <- s.server.Serve(l) }()
	return s, nil
}

func (s *service) stop() error {
	err := s.server.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
