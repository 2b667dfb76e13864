package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
)

// drainTimeout is how long running polls and deliveries may take to end. The
// unit's TimeoutStopSec is longer.
const drainTimeout = 20 * time.Second

func newRunCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon",
		Long: "Run polls the sources of the configuration and posts what changed, until SIGTERM or SIGINT; at a\n" +
			"SIGHUP it reloads the configuration, as pollwire reload does.\n" +
			"Polls and deliveries under way then have 20 seconds to end; what is not delivered waits on disk.",
		Args: noArgs,
	}
	path, written := configFlag(cmd), levelFlag(cmd)
	node := cmd.Flags().String("node", "", "the `name` of this node among those on one PostgreSQL database (default: the host's)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := daemon.CheckNodeName(*node); err != nil {
			return &usageError{fmt.Errorf("--node: %w", err)}
		}
		var level slog.LevelVar
		follow := &level
		if *written != "" {
			fixed, err := parseLevel(*written)
			if err != nil {
				return &usageError{fmt.Errorf("--log-level: %w", err)}
			}
			level.Set(fixed)
			follow = nil // whatever the configuration says, now and when it is reloaded
		}
		// From here on a SIGHUP ends nothing: one that comes too early is obeyed later.
		hangups := make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
		cfg, err := loadConfig(*path)
		if err != nil {
			return err
		}
		logger := newLogger(cmd.ErrOrStderr(), cfg.Log.Format, &level)
		return runDaemon(cmd.Context(), cfg, daemon.Options{
			Version: version(), Node: *node, Logger: logger, LogLevel: follow,
			Load:      func() (*config.Config, error) { return config.Load(*path) },
			Reloading: func() func(server.Reload) { return reloading(logger) },
		}, hangups)
	}
	return cmd
}

// reloading tells systemd that a reload begins, and returns what tells it of the
// end.
func reloading(logger *slog.Logger) func(server.Reload) {
	tellSystemd(logger, systemd.SdNotifyReloading+"\n"+systemd.SdNotifyMonotonicUsec())
	return func(server.Reload) {
		tellSystemd(logger, systemd.SdNotifyReady)
		releaseStartMemory()
	}
}

// runDaemon runs the daemon until ctx ends or the daemon cannot go on. It reloads
// its configuration at each hangup.
func runDaemon(ctx context.Context, cfg *config.Config, o daemon.Options, hangups <-chan os.Signal) error {
	tuneMemory()
	d, logger := daemon.New(cfg, o), o.Logger
	if err := d.Start(ctx); err != nil {
		if ctx.Err() != nil { // told to stop: what that broke off is no failure
			logger.Info("stopped before the start was complete", "err", err)
			return nil
		}
		return err
	}
	logger.Info("pollwire started", "version", version(), "sources", len(cfg.Sources), "endpoints", len(cfg.Endpoints), "dashboard", d.DashboardURL(), "listen", d.Addr())
	if daemon.SocketPath(cfg, o.Node) == "" {
		logger.Warn("commands cannot reach this daemon: the path of its socket is too long",
			"database", cfg.Storage.Name(), "max_length", daemon.MaxSocketPath)
	}
	tellSystemd(logger, systemd.SdNotifyReady)
	releaseStartMemory()
	var beside sync.WaitGroup
	running, stopBeside := context.WithCancel(ctx)
	beside.Go(func() { feedWatchdog(running, d, logger) })
	beside.Go(func() { obey(running, d, hangups) })

	var fatal error
	select {
	case <-ctx.Done():
		logger.Info("stopping", "timeout", drainTimeout)
	case fatal = <-d.Fatal():
		logger.Error("cannot go on", "err", fatal)
	}
	tellSystemd(logger, systemd.SdNotifyStopping)
	stopBeside()
	defer beside.Wait() // a reload under way ends with the daemon, in the time that this has
	// A context of its own: ctx has ended, that is why the daemon stops.
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := d.Stop(drain); err != nil && fatal == nil {
		return fmt.Errorf("stop: %w", err)
	}
	if fatal == nil {
		logger.Info("stopped")
	}
	return fatal
}

// obey reloads the configuration at each hangup, one after the other. What comes
// of it is logged, and told to who asks for it.
func obey(ctx context.Context, d *daemon.Daemon, hangups <-chan os.Signal) {
	for {
		select {
		case <-hangups:
			_, _ = d.Reload(ctx) // there is an error only where ctx has ended
		case <-ctx.Done():
			return
		}
	}
}

// feedWatchdog tells systemd's watchdog that the loops go round, as long as
// they do. Where there is no watchdog it returns at once.
func feedWatchdog(ctx context.Context, d *daemon.Daemon, logger *slog.Logger) {
	interval, err := systemd.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return
	}
	ticker := time.NewTicker(interval / 3)
	defer ticker.Stop()
	unheard := false
	for {
		if err := alive(ctx, d, interval/3); err == nil {
			unheard = feed(ctx, logger, unheard)
		} else if ctx.Err() == nil {
			logger.Error("a loop does not answer", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// feed tells systemd's watchdog once, and returns whether that did not reach it.
// Where it did not reach it the last time either, that is known.
func feed(ctx context.Context, logger *slog.Logger, unheard bool) bool {
	_, err := systemd.SdNotify(false, systemd.SdNotifyWatchdog)
	switch {
	case err != nil && unheard:
		logger.DebugContext(ctx, "notify systemd again", "err", err)
	case err != nil:
		logger.WarnContext(ctx, "notify systemd", "err", err)
	case unheard:
		logger.InfoContext(ctx, "systemd is notified again")
	}
	return err != nil
}

// alive asks the daemon's loops for a sign of life.
func alive(ctx context.Context, d *daemon.Daemon, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return d.Alive(ctx)
}

func tellSystemd(logger *slog.Logger, state string) {
	if _, err := systemd.SdNotify(false, state); err != nil {
		logger.Warn("notify systemd", "err", err)
	}
}
