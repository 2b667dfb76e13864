package daemon

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
	"github.com/pollwire/pollwire/internal/subscription"
	"github.com/pollwire/pollwire/notify"
)

const (
	// allowSubscribed is the key that opens networks to subscriptions.
	allowSubscribed = "server.subscriptions.allow_networks"
	// lookupTimeout bounds the resolution of a name that a client has sent.
	lookupTimeout = 5 * time.Second
)

// receivers are the servers that subscriptions name. They are reached as they
// will be when they are told something.
type receivers struct {
	sender *notify.Sender
	// endpoint is how a subscription is told.
	endpoint func(*subscription.Endpoint) notify.Endpoint
	allow    []netip.Prefix
	resolver httpclient.Resolver
}

var (
	_ subscription.Receivers = (*receivers)(nil)
	_ httpclient.Resolver    = (*net.Resolver)(nil)
)

// Check refuses a URL that leads where subscriptions may not. A name that does
// not resolve may do so later, as any receiver may be away for a while.
func (r *receivers) Check(ctx context.Context, u *url.URL) error {
	looking, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	guard := httpclient.Guard{Allow: r.allow, Key: allowSubscribed}
	err := guard.CheckHost(looking, r.resolver, u.Hostname())
	var forbidden *httpclient.ForbiddenAddressError
	switch {
	case errors.As(err, &forbidden):
		return forbidden
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nil
}

// Challenge posts a challenge once, signed and under the address guard.
func (r *receivers) Challenge(ctx context.Context, e *subscription.Endpoint, id string, body []byte) ([]byte, error) {
	endpoint := r.endpoint(e)
	attempt, verdict := r.sender.Send(ctx, &endpoint, notify.Message{ID: id, Body: body, Number: 1})
	if verdict.Action != notify.Deliver {
		return nil, errors.New(attempt.Error)
	}
	return attempt.Response, nil
}
