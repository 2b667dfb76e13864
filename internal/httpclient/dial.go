package httpclient

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// dialFunc connects to an address, like net.Dialer.DialContext.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// dialer connects under the guard that it finds for each call.
type dialer struct {
	timeout  time.Duration
	resolver *net.Resolver
	// replace stands in for the network in tests.
	replace dialFunc
	// guard returns the guard of a connection to host, as it stands in the URL.
	guard func(ctx context.Context, host string) Guard
}

// openDialer takes the guard of the options for all requests.
func openDialer(o Options) *dialer {
	guard := o.guard()
	return &dialer{
		timeout:  cmp.Or(o.DialTimeout, defaultDialTimeout),
		resolver: o.Resolver,
		replace:  o.Dial,
		guard:    func(_ context.Context, host string) Guard { return guard.For(host) },
	}
}

// guardedDialer takes the guard from the context.
func guardedDialer(o Options) *dialer {
	return &dialer{
		timeout:  cmp.Or(o.DialTimeout, defaultDialTimeout),
		resolver: o.Resolver,
		replace:  o.Dial,
		guard:    func(ctx context.Context, _ string) Guard { return guardFrom(ctx) },
	}
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("split address: %w", err)
	}
	guard := d.guard(ctx, host)
	if d.replace != nil {
		return d.replace(ctx, network, addr)
	}
	nd := net.Dialer{
		Timeout:  d.timeout,
		Resolver: d.resolver,
		// Control runs after the name was resolved and before the connection is
		// made, so a name cannot resolve to one address for the check and to
		// another for the connection.
		Control: func(_, address string, _ syscall.RawConn) error { return checkDialled(guard, address) },
	}
	return nd.DialContext(ctx, network, addr)
}

// checkDialled checks the address and port that a socket is about to connect to.
func checkDialled(guard Guard, address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("parse dialled address: %w", err)
	}
	return guard.Check(ap.Addr())
}

type guardKey struct{}

func withGuard(ctx context.Context, g Guard) context.Context {
	return context.WithValue(ctx, guardKey{}, g)
}

// guardFrom returns the guard of the request; without one, the strictest.
func guardFrom(ctx context.Context) Guard {
	g, _ := ctx.Value(guardKey{}).(Guard)
	return g
}
