package httpclient

import (
	"context"
	"fmt"
	"net/netip"
)

// Resolver looks up the addresses of names. [net.Resolver] is one.
type Resolver interface {
	// LookupNetIP returns the addresses of a host; network is "ip".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// CheckHost gives the verdict that a dial to host, a name or an address, would
// come to now: a dial takes the first address that it is let to, so the error is
// a *ForbiddenAddressError where there is none. It is for what is said ahead of
// time only, since a name may resolve to something else by then. Where it does
// not resolve, the error is the resolver's.
func (g Guard) CheckHost(ctx context.Context, r Resolver, host string) error {
	g = g.For(host)
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.Check(addr)
	}
	addrs, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return fmt.Errorf("look up host: %w", err)
	}
	var refused error
	for _, addr := range addrs {
		err := g.Check(addr)
		if err == nil {
			return nil
		}
		if refused == nil {
			refused = err
		}
	}
	return refused
}
