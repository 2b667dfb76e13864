package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// Preview asks a source once, without a running daemon, and says what would
// come of it. It holds a database that is a file while it runs, is refused where nodes
// run on one of a server, and changes nothing in either but the request budget and
// refresh tokens. Of the endpoints it names those of the configuration.
func Preview(ctx context.Context, cfg *config.Config, o Options, source string) (preview *server.Preview, err error) {
	d := New(cfg, o)
	defer func() {
		// A context of its own, so that the store is closed when ctx has ended.
		err = errors.Join(err, d.Stop(context.WithoutCancel(ctx)))
	}()
	for _, step := range []func(context.Context) error{d.openStore, d.checkAlone, d.wireSender, d.wireSetup, d.wireBridge, d.startLimiter, d.wirePoller} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return d.preview(ctx, source)
}

// checkAlone fails where nodes run on the database: they alone know what is left of
// their limits, and have the tokens that go with them.
func (d *Daemon) checkAlone(ctx context.Context) error {
	if d.shared == nil {
		return nil
	}
	members, err := d.shared.Members(ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Age < cluster.Silence {
			return fmt.Errorf("node %s on %s runs on %s: ask it, or another node, by --url", m.Name, m.Host, d.cfg.Storage.Name())
		}
	}
	return nil
}

// preview asks a source within its limit, always for the whole answer.
func (d *Daemon) preview(ctx context.Context, name string) (*server.Preview, error) {
	found, ok := d.setup.Load().sources[name]
	if !ok {
		return nil, fmt.Errorf("source %q: %w", name, store.ErrNotFound)
	}
	source := found.asked
	preview := &server.Preview{Source: name, Request: d.fetcher.Describe(source), Webhooks: []server.Webhook{}}
	o, err := d.visit(ctx, source)
	var failure *poller.FetchError
	switch {
	case ctx.Err() != nil:
		o.Release()
		return nil, context.Cause(ctx)
	case errors.Is(err, poller.ErrElsewhere):
		return nil, err
	case errors.As(err, &failure):
		preview.Outcome, preview.Reason, preview.Status = server.Failed, err.Error(), failure.Status
		return preview, nil
	case err != nil:
		return nil, err
	}
	defer o.Release()
	preview.Status, preview.DurationMS, preview.ContentType = o.Status, o.Duration.Milliseconds(), o.ContentType
	if preview.Bytes, err = size(o); err != nil {
		return nil, err
	}
	return preview, d.judge(ctx, o, preview)
}

// visit makes one poll, each request of which waits for the limit.
func (d *Daemon) visit(ctx context.Context, source *poller.Source) (*poller.Observation, error) {
	v := d.fetcher.Begin(source, poller.State{})
	defer v.Close()
	for detailed := source.Detail == nil; ; {
		release, err := d.limiter.Take(ctx, source.Limit, source.Cost)
		if err != nil {
			return nil, fmt.Errorf("wait for limit: %w", err)
		}
		o, err := v.Next(ctx)
		release()
		failure, failed := errors.AsType[*poller.FetchError](err)
		if failed && failure.Renewed {
			continue
		}
		if failed && v.Gathering() && ctx.Err() == nil {
			o, err = v.Pass(failure)
		}
		if o != nil && err == nil && !detailed {
			detailed = true
			if o, err = d.gather(ctx, v, o); err == nil && o == nil {
				continue
			}
		}
		if o != nil || err != nil {
			return o, err
		}
	}
}

// previewDetails is how many details a preview fetches at the most.
const previewDetails = 5

// gather goes on with the first details that are wanted of a list. It returns
// the list where there are none, nil where there are.
func (d *Daemon) gather(ctx context.Context, v *poller.Visit, o *poller.Observation) (*poller.Observation, error) {
	wants, err := d.bridge.Wanted(ctx, o)
	var storeErr *bridge.StoreError
	switch {
	case errors.As(err, &storeErr):
		o.Release()
		return nil, err
	case err != nil:
		return o, nil //nolint:nilerr // judging the list says it again
	}
	more, err := v.Gather(o, wants[:min(len(wants), previewDetails)])
	if more || err != nil {
		return nil, err
	}
	return o, nil
}

// size counts the bytes of an answer.
func size(o *poller.Observation) (int64, error) {
	if o.Pages == nil {
		return int64(len(o.Body)), nil
	}
	var n int64
	for i := range o.Pages.Len() {
		page, err := o.Pages.Page(i)
		if err != nil {
			return 0, err
		}
		n += int64(len(page))
	}
	return n, nil
}

// judge fills in what an answer would come to.
func (d *Daemon) judge(ctx context.Context, o *poller.Observation, preview *server.Preview) error {
	judged, err := d.bridge.Preview(ctx, o)
	var storeErr *bridge.StoreError
	switch {
	case errors.As(err, &storeErr):
		return err
	case err != nil:
		preview.Outcome, preview.Reason = server.Failed, err.Error()
		return nil //nolint:nilerr // the preview says it
	}
	preview.Outcome, preview.DetailsLeft = server.Outcome(judged.Outcome), judged.Waiting
	for i := range judged.Events {
		event := &judged.Events[i]
		body, err := notify.Envelope(&event.Event, d.setup.Load().link)
		if err != nil {
			return err
		}
		webhook := server.Webhook{ID: event.ID, Body: body, Endpoints: []string{}, Untold: judged.Untold[i]}
		for _, delivery := range event.Tell {
			webhook.Endpoints = append(webhook.Endpoints, delivery.Endpoint)
		}
		preview.Webhooks = append(preview.Webhooks, webhook)
	}
	return nil
}

// SendTest posts one webhook of a preview to an endpoint, once. A refresh token
// can be used by the daemon only, which keeps the one that follows it.
func SendTest(ctx context.Context, cfg *config.Config, o Options, endpoint string, webhook *server.Webhook) (attempt notify.Attempt, err error) {
	tokens := poller.NewTokens(poller.TokensOptions{Version: o.Version, Logger: o.Logger})
	sender := newSender(o)
	defer func() {
		sender.Close()
		err = errors.Join(err, tokens.Stop(ctx))
	}()
	only := *cfg
	only.Endpoints = slices.DeleteFunc(slices.Clone(cfg.Endpoints), func(e config.Endpoint) bool { return e.Name != endpoint })
	list, err := endpoints(&only, tokens)
	if err != nil {
		return notify.Attempt{}, err
	}
	if len(list) == 0 {
		return notify.Attempt{}, fmt.Errorf("unknown endpoint %q", endpoint)
	}
	event, err := notify.ParseEnvelope(webhook.Body)
	if err != nil {
		return notify.Attempt{Error: err.Error()}, nil
	}
	message, err := notify.NewMessage(&list[0], event, cfg.Server.PublicURL.Reveal())
	if err != nil {
		return notify.Attempt{Error: err.Error()}, nil
	}
	message.ID = webhook.ID // by which the caller knows it
	attempt, _ = sender.Send(ctx, &list[0], message)
	return attempt, nil
}
