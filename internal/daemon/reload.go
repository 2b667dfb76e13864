package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/subscription"
)

const (
	// changeTimeout bounds what a reload waits for once it has begun to change
	// anything.
	changeTimeout = time.Minute
	// renameTimeout bounds how long deliveries under way may take before sources get
	// other names. One that is cut short is made again.
	renameTimeout = 5 * time.Second
)

// startReloads lets reloads begin. It is the last thing that starts, and the first
// that is stopped.
func (d *Daemon) startReloads(context.Context) error {
	d.reloads.open()
	d.started("reload", d.reloads.close)
	return nil
}

// Reload changes over to the configuration that Options.Load gives, as a whole or,
// where anything of it cannot be used, not at all: all that can fail comes first.
// What stays as it is goes on undisturbed: timers, connections, limits, tokens, and
// polls and deliveries under way.
//
// What is wrong with the configuration is in its answer. One reload runs at a time;
// others wait for it and come after. The error is that of ctx, or a
// *[server.Refusal] where there can be no reload.
func (d *Daemon) Reload(ctx context.Context) (server.Reload, error) {
	if d.o.Load == nil {
		return server.Reload{}, &server.Refusal{Reason: "this daemon has no configuration file that it could read again"}
	}
	number, end, err := d.reloads.begin(ctx)
	if err != nil {
		return server.Reload{}, err
	}
	reported := func(server.Reload) {}
	if d.o.Reloading != nil {
		reported = d.o.Reloading()
	}
	result := d.reload(ctx)
	result.Number, result.Begun = number, number
	now := time.Now().UTC()
	result.At = &now
	if result.OK {
		d.logger.Info("configuration reloaded", "added", len(result.Added), "changed", len(result.Changed), "removed", len(result.Removed))
	} else {
		d.logger.Error("configuration not reloaded, going on as before", "errors", result.Errors)
	}
	d.metrics.Reloaded(result.OK, now)
	reported(result)
	end(result)
	return result, nil
}

// badConfiguration is what comes of a configuration that cannot be used.
func badConfiguration(err error) server.Reload {
	r := server.Reload{BadConfiguration: true}
	if list, ok := errors.AsType[config.Errors](err); ok {
		for _, one := range list {
			r.Errors = append(r.Errors, one.Error())
		}
		return r
	}
	r.Errors = []string{err.Error()}
	return r
}

// reload tries all that can fail, and then changes over.
func (d *Daemon) reload(ctx context.Context) server.Reload {
	cfg, err := d.o.Load()
	if err == nil {
		err = checkTemplates(cfg)
	}
	if err != nil {
		return badConfiguration(err)
	}
	before := d.setup.Load()
	next, err := newSetup(cfg, d.tokens, before)
	if err != nil {
		return badConfiguration(err)
	}
	if reasons := before.fixed.refuse(next.fixed); reasons != nil {
		return server.Reload{BadConfiguration: true, Errors: reasons}
	}
	if err := d.server.Check(next.serverChanges()); err != nil {
		return badConfiguration(err)
	}
	if ctx.Err() != nil {
		return server.Reload{Errors: []string{"nobody waits for it any more: " + context.Cause(ctx).Error()}}
	}
	// Once begun it is brought to its end, whether who asked still waits or not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
	defer cancel()
	defer context.AfterFunc(d.reloads.ctx, cancel)()
	if err := d.changeOver(ctx, before, next); err != nil {
		return server.Reload{Errors: []string{err.Error()}}
	}
	result := before.difference(next)
	result.OK = true
	return result
}

// changeOver makes another setup the one that holds. With an error the old one
// does.
func (d *Daemon) changeOver(ctx context.Context, before, next *setup) error {
	formerly, err := d.bridge.Renames(ctx, next.formerly(before))
	if err != nil {
		return err
	}
	if len(formerly) > 0 && !d.leased() { // else the store takes their leases from all that tell of them
		// The lanes of what waits are named after their sources. They are read anew.
		restart, err := d.holdDeliveries(ctx)
		if err != nil {
			return err
		}
		defer restart()
	}
	// No error may show a secret of the new sources, nor one of the old ones, whose
	// polls may be under way for a while.
	d.fetcher.SetSecrets(append(before.secrets[:len(before.secrets):len(before.secrets)], next.secrets...))
	var renamed map[string]string
	err = d.subscriptions.Change(ctx, d.subscriptionRules(next), formerly, func(ctx context.Context, list []subscription.Endpoint) (err error) {
		told := d.everybody(next, list)
		renamed, err = d.bridge.Apply(ctx, bridge.Configuration{
			Sources: next.judged(), Endpoints: told.bridged, KeepSnapshots: next.retention.Snapshots, Formerly: formerly,
		})
		if err != nil {
			return err
		}
		d.setup.Store(next)
		d.dispatcher.Apply(told.endpoints)
		d.subscribe(list)
		return nil
	})
	if err != nil {
		if errors.Is(err, bridge.ErrTorn) {
			d.fail(err)
		}
		return err
	}
	d.askAnew(before, next, renamed)
	d.applySettings(before, next)
	d.shareOut()
	return nil
}

// holdDeliveries stops deliveries, and returns what starts them again.
func (d *Daemon) holdDeliveries(ctx context.Context) (restart func(), err error) {
	// What came of earlier attempts would have to be given up.
	if err := d.dispatcher.Blocked(); err != nil {
		return nil, fmt.Errorf("hold deliveries, as a source gets another name: they wait: reload when they go on: %w", err)
	}
	draining, cancel := context.WithTimeout(ctx, renameTimeout)
	defer cancel()
	restart = func() {
		if err := d.dispatcher.Start(context.WithoutCancel(ctx)); err != nil {
			d.fail(fmt.Errorf("start deliveries again: %w", err))
		}
	}
	if err := d.dispatcher.Stop(draining); err != nil && draining.Err() == nil {
		restart()
		return nil, fmt.Errorf("hold deliveries: %w", err)
	}
	return restart, nil
}

// askAnew lets the sources of a setup be asked. Nothing of it can fail.
func (d *Daemon) askAnew(before, next *setup, renamed map[string]string) {
	for name, old := range renamed {
		d.limiter.Rename(store.OwnLimit(old), store.OwnLimit(name))
		d.scheduler.Rename(old, name)
		d.pauses.rename(old, name)
		d.history.Rename(old, name)
	}
	// First the limits, so that nothing is sent beyond them, and last who is asked.
	d.limiter.Apply(next.limits)
	for name, s := range next.sources {
		old := before.sources[name]
		if old == nil || renamed[name] != "" || old.judged != s.judged && !old.judged.SameAnswers(s.judged) {
			d.poller.SetState(name, d.bridge.InitialState(name))
		}
	}
	d.scheduler.Apply(next.enabled())
	for name := range before.sources {
		if next.sources[name] == nil {
			d.poller.Forget(name)
		}
	}
	d.history.Keep(next.names())
}

// applySettings takes over all that is not about sources and endpoints.
func (d *Daemon) applySettings(before, next *setup) {
	d.dispatcher.SetPublicURL(next.link)
	d.janitor.Keep(time.Duration(next.retention.Events), time.Duration(next.retention.Waiting))
	d.watchBy(next)
	d.server.Change(next.serverChanges())
	for i := range next.configured.endpoints {
		if e := &next.configured.endpoints[i]; before.prints[e.Name] != next.prints[e.Name] {
			d.namePublicKeys(e)
		}
	}
}
