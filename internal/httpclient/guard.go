package httpclient

import (
	"fmt"
	"net/netip"
	"slices"
)

// Guard says which addresses may be dialled. Its zero value lets only public
// ones through.
type Guard struct {
	// Private lets through all but link-local and metadata addresses: for URLs
	// that the operator wrote himself.
	Private bool
	// Allow opens ranges. Link-local and metadata addresses are opened only by
	// a prefix that names them: one within the link-local range, or the single
	// address. 0.0.0.0/0 does not open them.
	Allow []netip.Prefix
	// Key is the configuration key that a refusal names as the way out.
	Key string
}

// ForbiddenAddressError says that a guard refused an address.
type ForbiddenAddressError struct {
	Addr netip.Addr
	// Class says what kind of address it is, such as "private".
	Class string
	// Key is the configuration key that can open it; empty where only writing
	// the address itself into the URL does.
	Key string
}

// Error names the address, its class and the way out.
func (e *ForbiddenAddressError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("address %s (%s) is refused: it is reached only where the url names the address itself", e.Addr, e.Class)
	}
	return fmt.Sprintf("address %s (%s) is refused: to reach it from here, add \"%s/%d\" to %s",
		e.Addr, e.Class, e.Addr, e.Addr.BitLen(), e.Key)
}

// Check returns nil if addr may be dialled, else a *ForbiddenAddressError.
//
// An IPv4 address that stands inside an IPv6 one (mapped, compatible, NAT64,
// 6to4) is checked as that IPv4 address.
func (g Guard) Check(addr netip.Addr) error {
	addr = embedded(addr)
	c := classify(addr)
	switch {
	case c == classPublic:
		return nil
	case c == classLinkLocal || c == classMetadata:
		if g.names(addr) {
			return nil
		}
	case g.Private || g.contains(addr):
		return nil
	}
	return &ForbiddenAddressError{Addr: addr, Class: string(c), Key: g.Key}
}

// For returns the guard of connections to a host as it stands in a URL. Where the
// operator wrote the URL, an address that it holds is opened by that. A name that
// resolves to a metadata service does not name it.
func (g Guard) For(host string) Guard {
	if addr, err := netip.ParseAddr(host); err == nil && g.Private {
		addr = embedded(addr)
		// The guard's own list must not be written to.
		g.Allow = append(slices.Clip(g.Allow), netip.PrefixFrom(addr, addr.BitLen()))
	}
	return g
}

func (g Guard) contains(addr netip.Addr) bool {
	for _, p := range g.Allow {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// names reports whether a prefix is about addr, and does not only include it.
func (g Guard) names(addr netip.Addr) bool {
	for _, p := range g.Allow {
		if p.Contains(addr) && (p.IsSingleIP() || classifyPrefix(p) == classLinkLocal) {
			return true
		}
	}
	return false
}
