package notify

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// TypePing is the type of the event that tests an endpoint.
const TypePing = "pollwire.ping"

// Test posts an event to an endpoint, once and at once, beside its deliveries and
// whatever they wait for, and returns what came of it. It is posted as the
// endpoint's events are; one that cannot be made into a message is an attempt that
// failed. The error is [ErrUnknownEndpoint] where there is no such endpoint, and
// [ErrElsewhere] where it is not served here, or may not be posted to now: its
// credentials may be renewed by who serves it only.
func (d *Dispatcher) Test(ctx context.Context, endpoint string, e *Event) (Attempt, error) {
	to := d.configured(endpoint)
	switch {
	case to == nil:
		return Attempt{}, fmt.Errorf("test endpoint %s: %w", endpoint, ErrUnknownEndpoint)
	case d.elsewhere(endpoint), !d.options.Holds(endpoint):
		return Attempt{}, fmt.Errorf("test endpoint %s: %w", endpoint, ErrElsewhere)
	}
	m, err := NewMessage(to, e, d.publicURL())
	if err != nil {
		return Attempt{Number: 1, At: time.Now(), Error: err.Error()}, nil //nolint:nilerr // the attempt says it
	}
	m.gate = func() bool { return d.options.Holds(endpoint) }
	attempt, verdict := d.options.Sender.Send(ctx, to, m)
	switch {
	case ctx.Err() != nil:
		return Attempt{}, context.Cause(ctx)
	case verdict.Action == Drop:
		return Attempt{}, fmt.Errorf("test endpoint %s: %w", endpoint, ErrElsewhere)
	}
	return attempt, nil
}

// Origin returns scheme and host of an endpoint's URL, which is all of it that
// is ever shown; empty where there is no such endpoint.
func (d *Dispatcher) Origin(endpoint string) string {
	e := d.configured(endpoint)
	if e == nil {
		return ""
	}
	u, err := url.Parse(e.URL)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

func (d *Dispatcher) configured(endpoint string) *Endpoint {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.endpoints[endpoint]
}
