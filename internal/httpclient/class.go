package httpclient

import "net/netip"

// class is what kind of address it is, in words for a refusal.
type class string

const (
	classPublic        class = "public"
	classUnspecified   class = "unspecified"
	classLoopback      class = "loopback"
	classPrivate       class = "private"
	classShared        class = "carrier-grade NAT"
	classLinkLocal     class = "link-local"
	classMetadata      class = "cloud metadata"
	classMulticast     class = "multicast"
	classBroadcast     class = "broadcast"
	classDocumentation class = "documentation"
	classReserved      class = "reserved"
)

// ranges are all addresses that are not public, the first match counts. Single
// metadata addresses come first: some lie in ranges that are opened lightly.
var ranges = []struct {
	prefix netip.Prefix
	class  class
}{
	{netip.MustParsePrefix("169.254.169.254/32"), classMetadata},
	{netip.MustParsePrefix("169.254.170.2/32"), classMetadata}, // task credentials on ECS
	{netip.MustParsePrefix("100.100.100.200/32"), classMetadata},
	{netip.MustParsePrefix("168.63.129.16/32"), classMetadata},
	{netip.MustParsePrefix("192.0.0.192/32"), classMetadata},
	{netip.MustParsePrefix("fd00:ec2::254/128"), classMetadata},
	{netip.MustParsePrefix("fd20:ce::254/128"), classMetadata},

	{netip.MustParsePrefix("0.0.0.0/8"), classUnspecified}, // 0.0.0.0 connects to this machine
	{netip.MustParsePrefix("10.0.0.0/8"), classPrivate},
	{netip.MustParsePrefix("100.64.0.0/10"), classShared},
	{netip.MustParsePrefix("127.0.0.0/8"), classLoopback},
	{netip.MustParsePrefix("169.254.0.0/16"), classLinkLocal},
	{netip.MustParsePrefix("172.16.0.0/12"), classPrivate},
	{netip.MustParsePrefix("192.0.0.0/24"), classReserved},
	{netip.MustParsePrefix("192.0.2.0/24"), classDocumentation},
	{netip.MustParsePrefix("192.88.99.0/24"), classReserved}, // 6to4 relays
	{netip.MustParsePrefix("192.168.0.0/16"), classPrivate},
	{netip.MustParsePrefix("198.18.0.0/15"), classReserved}, // benchmarks
	{netip.MustParsePrefix("198.51.100.0/24"), classDocumentation},
	{netip.MustParsePrefix("203.0.113.0/24"), classDocumentation},
	{netip.MustParsePrefix("224.0.0.0/4"), classMulticast},
	{netip.MustParsePrefix("255.255.255.255/32"), classBroadcast},
	{netip.MustParsePrefix("240.0.0.0/4"), classReserved},

	{netip.MustParsePrefix("::/128"), classUnspecified},
	{netip.MustParsePrefix("::1/128"), classLoopback},
	{netip.MustParsePrefix("fc00::/7"), classPrivate},
	{netip.MustParsePrefix("fe80::/10"), classLinkLocal},
	{netip.MustParsePrefix("fec0::/10"), classPrivate}, // the old site-local range
	{netip.MustParsePrefix("ff00::/8"), classMulticast},
	{netip.MustParsePrefix("2001:db8::/32"), classDocumentation},
	{netip.MustParsePrefix("3fff::/20"), classDocumentation},
	{netip.MustParsePrefix("2001::/23"), classReserved}, // Teredo, ORCHID and the like
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour     = netip.MustParsePrefix("2002::/16")
	compatible    = netip.MustParsePrefix("::/96")
	localNAT64    = netip.MustParsePrefix("64:ff9b:1::/48")  // RFC 8215
	translated    = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765
)

// classify takes an address that embedded returned.
func classify(addr netip.Addr) class {
	if !addr.IsValid() {
		return classReserved
	}
	for _, r := range ranges {
		if r.prefix.Contains(addr) {
			return r.class
		}
	}
	// A translator of somebody's own network may take the end for an IPv4 address.
	// Where that is none that even the operator reaches by a name, nor is this.
	if localNAT64.Contains(addr) || translated.Contains(addr) {
		b := addr.As16()
		if c := classify(netip.AddrFrom4([4]byte(b[12:]))); c == classLinkLocal || c == classMetadata {
			return c
		}
	}
	// What is not handed out yet may mean anything on somebody's network.
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return classReserved
	}
	return classPublic
}

// classifyPrefix returns the class that all of a prefix has, or classPublic
// where it has none.
func classifyPrefix(p netip.Prefix) class {
	for _, r := range ranges {
		if r.prefix.Bits() <= p.Bits() && r.prefix.Contains(p.Addr()) {
			return r.class
		}
	}
	return classPublic
}

// embedded returns the IPv4 address that an IPv6 address leads to, or else the
// address itself, without its zone.
func embedded(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case compatible.Contains(addr) && !addr.IsUnspecified() && !addr.IsLoopback():
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr
}
