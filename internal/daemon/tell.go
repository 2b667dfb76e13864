package daemon

import (
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/notify"
)

// endpoints are the endpoints as the dispatcher knows them.
func endpoints(cfg *config.Config) ([]notify.Endpoint, error) {
	list := make([]notify.Endpoint, len(cfg.Endpoints))
	for i := range cfg.Endpoints {
		e := &cfg.Endpoints[i]
		list[i] = notify.Endpoint{
			Name:        e.Name,
			URL:         e.URL.Reveal(),
			Enabled:     e.Enabled,
			Header:      e.Headers.Header(),
			Timeout:     time.Duration(e.Timeout),
			MaxInFlight: e.MaxInFlight,
			Retry: notify.RetryPolicy{
				Jitter:        e.Retry.Jitter,
				MaxRetryAfter: time.Duration(e.Retry.MaxRetryAfter),
			},
		}
		for _, wait := range e.Retry.Schedule {
			list[i].Retry.Schedule = append(list[i].Retry.Schedule, time.Duration(wait))
		}
		for _, s := range e.Secrets {
			secret, err := notify.ParseSecret(s.Value.Reveal())
			if err != nil {
				return nil, fmt.Errorf("endpoint %q: secrets: %w", e.Name, err)
			}
			secret.Until = s.Until
			list[i].Secrets = append(list[i].Secrets, secret)
		}
	}
	return list, nil
}

// listeners are the endpoints as the bridge knows them.
func listeners(cfg *config.Config) []bridge.Endpoint {
	list := make([]bridge.Endpoint, len(cfg.Endpoints))
	for i := range cfg.Endpoints {
		e := &cfg.Endpoints[i]
		list[i] = bridge.Endpoint{Name: e.Name, Events: e.Events, Order: notify.OrderSource}
	}
	return list
}

// newSender returns what posts to endpoints. Their URLs come from the
// configuration, so they may be on private networks.
func newSender(o Options) *notify.Sender {
	return notify.NewSender(notify.SenderOptions{Transport: o.Transport, Version: o.Version})
}
