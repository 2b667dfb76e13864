package daemon

import (
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// endpoints are the endpoints as the dispatcher knows them. Without tokens they
// have no credentials.
func endpoints(cfg *config.Config, tokens *poller.Tokens) ([]notify.Endpoint, error) {
	list := make([]notify.Endpoint, len(cfg.Endpoints))
	for i := range cfg.Endpoints {
		e := &cfg.Endpoints[i]
		list[i] = notify.Endpoint{
			Name:         e.Name,
			URL:          e.URL.Reveal(),
			Enabled:      e.Enabled,
			Header:       e.Headers.Header(),
			Timeout:      time.Duration(e.Timeout),
			MaxInFlight:  e.MaxInFlight,
			Order:        notify.Order(e.Order),
			Batch:        notify.Batch{MaxEvents: e.Batch.MaxEvents, MaxWait: time.Duration(e.Batch.MaxWait)},
			Retry:        retryPolicy(&e.Retry),
			Breaker:      breaker(&e.Breaker),
			DisableAfter: time.Duration(e.DisableAfter),
			Format:       notify.Format(e.Format),
			Payload:      notify.Payload{Thin: e.Payload.Thin, Fields: e.Payload.Fields},
			MaxBody:      int64(e.MaxBody),
			Route:        notify.Route(route(e.ProxyURL, &e.TLS)),
			// The operator wrote the URL himself, so it may lead to private networks.
			Foreign:       false,
			AllowNetworks: e.AllowNetworks,
			AllowKey:      "allow_networks of endpoint " + e.Name,
		}
		if r := e.RateLimit; r != nil {
			list[i].RateLimit = notify.RateLimit{Requests: r.Requests, Per: time.Duration(r.Per), Burst: min(r.Burst, r.Requests)}
		}
		for _, provider := range e.AlsoSign {
			list[i].AlsoSign = append(list[i].AlsoSign, notify.Provider(provider))
		}
		var err error
		if list[i].Auth, err = credentials(e, tokens); err != nil {
			return nil, fmt.Errorf("endpoint %q: auth: %w", e.Name, err)
		}
		if list[i].Secrets, err = secrets(e.Secrets); err != nil {
			return nil, fmt.Errorf("endpoint %q: secrets: %w", e.Name, err)
		}
		if t := e.Template; t != nil {
			if list[i].Template, err = notify.ParseTemplate(t.ContentType, t.Body.Reveal()); err != nil {
				return nil, fmt.Errorf("endpoint %q: template: %w", e.Name, err)
			}
			list[i].Mask = cfg.RequestSecrets()
		}
	}
	return list, nil
}

// credentials are those of an endpoint, nil for none.
func credentials(e *config.Endpoint, tokens *poller.Tokens) (notify.Auth, error) {
	written, err := auth(&e.Auth)
	if err != nil || written == nil || tokens == nil {
		return nil, err
	}
	return tokens.Credentials(written, route(e.ProxyURL, &e.TLS), time.Duration(e.Timeout))
}

// bridgeEndpoints are the endpoints as the bridge knows them.
func bridgeEndpoints(cfg *config.Config) ([]bridge.Endpoint, error) {
	list := make([]bridge.Endpoint, len(cfg.Endpoints))
	conditions := make(conditions)
	for i := range cfg.Endpoints {
		e := &cfg.Endpoints[i]
		filter, err := conditions.compile(expression.OfChange, e.Filter)
		if err != nil {
			return nil, fmt.Errorf("endpoint %q: filter: %w", e.Name, err)
		}
		list[i] = bridge.Endpoint{
			Name:   e.Name,
			Events: e.Events,
			Filter: filter,
			Order:  notify.Order(e.Order),
			Latest: e.Coalesce == "latest",
			Past:   e.From != config.From{},
			Since:  e.From.Time,
		}
	}
	return list, nil
}

func secrets(written []config.SigningSecret) ([]notify.Secret, error) {
	var list []notify.Secret
	for _, s := range written {
		secret, err := notify.ParseSecret(s.Value.Reveal())
		if err != nil {
			return nil, err
		}
		secret.Until = s.Until
		list = append(list, secret)
	}
	return list, nil
}

func retryPolicy(r *config.EndpointRetry) notify.RetryPolicy {
	policy := notify.RetryPolicy{Jitter: r.Jitter, MaxRetryAfter: time.Duration(r.MaxRetryAfter)}
	for _, wait := range r.Schedule {
		policy.Schedule = append(policy.Schedule, time.Duration(wait))
	}
	return policy
}

func breaker(b *config.Breaker) notify.Breaker {
	return notify.Breaker{Failures: b.Failures, Cooldown: time.Duration(b.Cooldown), MaxCooldown: time.Duration(b.MaxCooldown)}
}
