package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/subscription"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// roster is everybody who is told, as those who tell know them.
type roster struct {
	endpoints []notify.Endpoint
	bridged   []bridge.Endpoint
}

// newRoster are the endpoints of a configuration.
func newRoster(cfg *config.Config, tokens *poller.Tokens) (r roster, err error) {
	if r.endpoints, err = endpoints(cfg, tokens); err != nil {
		return roster{}, err
	}
	if r.bridged, err = bridgeEndpoints(cfg); err != nil {
		return roster{}, err
	}
	return r, nil
}

// names are those of the endpoints.
func (r roster) names() []string {
	names := make([]string, len(r.endpoints))
	for i := range r.endpoints {
		names[i] = r.endpoints[i].Name
	}
	return names
}

// endpoint is the endpoint of a name, nil where there is none.
func (r roster) endpoint(name string) *notify.Endpoint {
	for i := range r.endpoints {
		if r.endpoints[i].Name == name {
			return &r.endpoints[i]
		}
	}
	return nil
}

// with is the roster with all subscriptions added, each of which is told as
// an endpoint is of which nothing is configured.
func (r roster) with(subscriptions []subscription.Endpoint, standard roster, allow *config.Subscriptions) roster {
	all := roster{slices.Clone(r.endpoints), slices.Clone(r.bridged)}
	for i := range subscriptions {
		s := &subscriptions[i]
		all.endpoints = append(all.endpoints, subscribed(s, standard.endpoints[0], allow))
		b := standard.bridged[0]
		b.Name, b.Events, b.Filter = s.Name, s.Events, s.Filter
		if len(s.Sources) > 0 {
			b.Sources = s.Sources
		}
		all.bridged = append(all.bridged, b)
	}
	return all
}

// subscribed is a subscription as the dispatcher knows it. Somebody else chose
// its URL.
func subscribed(s *subscription.Endpoint, standard notify.Endpoint, allow *config.Subscriptions) notify.Endpoint {
	e := standard
	e.Name, e.URL, e.Enabled = s.Name, s.URL, s.Readable
	e.Secrets = []notify.Secret{s.Secret}
	e.Foreign, e.AllowNetworks, e.AllowKey = true, allow.AllowNetworks, allowSubscribed
	return e
}

// wireSubscriptions adds those who subscribed to those who are told. By that the
// bridge finds out which endpoints are new, before anything is told.
func (d *Daemon) wireSubscriptions(ctx context.Context) (err error) {
	if d.standard, err = newRoster(&config.Config{Endpoints: []config.Endpoint{config.DefaultEndpoint()}}, nil); err != nil {
		return err
	}
	d.subscriptions = subscription.New(subscription.Options{
		Store: d.store,
		Key:   d.cfg.Storage.EncryptionKey.Reveal(),
		Rules: d.subscriptionRules(d.setup.Load()),
		Apply: func(ctx context.Context, list []subscription.Endpoint) error {
			if err := d.tell(ctx, d.everybody(d.setup.Load(), list)); err != nil {
				return err
			}
			d.subscribe(list)
			d.shareOut()
			return nil
		},
		Logger: d.logger,
	})
	return d.subscriptions.Load(ctx)
}

// subscriptionRules are what a request for a subscription is judged by.
func (d *Daemon) subscriptionRules(s *setup) subscription.Rules {
	return subscription.Rules{
		Receivers: &receivers{
			sender: d.sender,
			endpoint: func(e *subscription.Endpoint) notify.Endpoint {
				return subscribed(e, d.standard.endpoints[0], &s.subscriptions)
			},
			allow:    s.subscriptions.AllowNetworks,
			resolver: d.resolver,
		},
		Verify:   s.subscriptions.Verify == "challenge",
		Sources:  s.names(),
		Reserved: s.configured.names(),
	}
}

// everybody is who is told: the endpoints of a configuration, and who subscribed.
func (d *Daemon) everybody(s *setup, list []subscription.Endpoint) roster {
	return s.configured.with(list, d.standard, &s.subscriptions)
}

// tell makes a roster the one that is told. The bridge comes first: to one
// that has left, nothing more may come, and of one that has come the dispatcher
// reads what there is.
func (d *Daemon) tell(ctx context.Context, r roster) error {
	if err := d.bridge.SetEndpoints(ctx, r.bridged); err != nil {
		return fmt.Errorf("set endpoints: %w", err)
	}
	d.dispatcher.Apply(r.endpoints)
	return nil
}

// sweepSubscriptions ends what an earlier run has left of some.
func (d *Daemon) sweepSubscriptions(ctx context.Context) error { return d.subscriptions.Sweep(ctx) }

// endpointAlert tells others what there is to tell of an endpoint. That a
// subscription, which is none of those configured, is gone is its way to
// unsubscribe, and no alert.
func (d *Daemon) endpointAlert(ctx context.Context, state notify.EndpointState) error {
	gone := state.Untold == notify.EndpointDisabled && state.Reason == notify.ReasonGone
	if !gone || !d.isSubscription(state.Name) {
		return d.bridge.EndpointAlert(ctx, state)
	}
	if err := d.subscriptions.End(ctx, state.Name, state.Reason); !errors.Is(err, subscription.ErrNotFound) {
		return err
	}
	return nil // it was deleted meanwhile
}

// isSubscription says whether an endpoint is one, or was.
func (d *Daemon) isSubscription(name string) bool {
	return strings.HasPrefix(name, subscription.Prefix) && d.setup.Load().configured.endpoint(name) == nil
}

// subscriptions does what the API asks for of subscriptions.
type subscriptions struct{ registry *subscription.Registry }

var _ server.Subscriptions = subscriptions{}

func (s subscriptions) Subscribe(ctx context.Context, n server.NewSubscription) (server.Subscription, bool, error) {
	added, err := s.registry.Add(ctx, subscription.Request(n))
	var invalid *subscription.Invalid
	var refused *subscription.Refused
	switch {
	case errors.As(err, &invalid):
		return server.Subscription{}, false, &server.Refusal{Status: http.StatusUnprocessableEntity, Reason: invalid.Reason}
	case errors.As(err, &refused):
		return server.Subscription{}, false, &server.Refusal{Reason: refused.Reason}
	case err != nil:
		return server.Subscription{}, false, err
	}
	told := tellSubscription(added.Subscription)
	told.Secret = added.Secret
	return told, added.Created, nil
}

func (s subscriptions) Subscriptions(context.Context) ([]server.Subscription, error) {
	all := s.registry.List()
	list := make([]server.Subscription, len(all))
	for i, one := range all {
		list[i] = tellSubscription(one)
	}
	return list, nil
}

func (s subscriptions) Subscription(_ context.Context, id string) (server.Subscription, error) {
	one, err := s.registry.Get(id)
	return tellSubscription(one), noSubscription(err)
}

func (s subscriptions) Unsubscribe(ctx context.Context, id string) error {
	return noSubscription(s.registry.End(ctx, id, "deleted over the API"))
}

// noSubscription makes the registry's error the one that the server knows.
func noSubscription(err error) error { return notFound(err, subscription.ErrNotFound) }

func tellSubscription(s subscription.Subscription) server.Subscription {
	return server.Subscription{
		ID: s.ID, URL: s.URL, Sources: s.Sources, Events: s.Events, Filter: s.Filter, CreatedAt: s.CreatedAt, Problem: s.Problem,
	}
}
