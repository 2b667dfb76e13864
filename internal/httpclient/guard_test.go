package httpclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func prefixes(tb testing.TB, texts ...string) []netip.Prefix {
	tb.Helper()
	var ps []netip.Prefix
	for _, s := range texts {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

func TestGuardCheck(t *testing.T) {
	t.Parallel()
	// For each address: its class, and which of the guards let it through: the
	// zero one, the operator's own, one that allows everything by 0/0, and one
	// that names exactly this address.
	tests := []struct {
		addr                      string
		class                     string
		public, private, all, own bool
	}{
		{"93.184.216.34", "public", true, true, true, true},
		{"2606:2800:220:1::1", "public", true, true, true, true},
		{"::ffff:93.184.216.34", "public", true, true, true, true},
		{"64:ff9b::5db8:d822", "public", true, true, true, true},
		{"2002:5db8:d822::1", "public", true, true, true, true},

		{"127.0.0.1", "loopback", false, true, true, true},
		{"127.255.255.254", "loopback", false, true, true, true},
		{"::1", "loopback", false, true, true, true},
		{"::ffff:127.0.0.1", "loopback", false, true, true, true},
		{"::127.0.0.1", "loopback", false, true, true, true},
		{"64:ff9b::7f00:1", "loopback", false, true, true, true},
		{"0.0.0.0", "unspecified", false, true, true, true},
		{"0.1.2.3", "unspecified", false, true, true, true},
		{"::", "unspecified", false, true, true, true},
		{"10.0.0.1", "private", false, true, true, true},
		{"172.16.0.1", "private", false, true, true, true},
		{"172.31.255.255", "private", false, true, true, true},
		{"172.32.0.1", "public", true, true, true, true},
		{"192.168.1.1", "private", false, true, true, true},
		{"::ffff:10.0.0.1", "private", false, true, true, true},
		{"64:ff9b::a00:1", "private", false, true, true, true},
		{"2002:a00:1::1", "private", false, true, true, true},
		{"2002:c0a8:101::", "private", false, true, true, true},
		{"fc00::1", "private", false, true, true, true},
		{"fd12:3456::1", "private", false, true, true, true},
		{"fec0::1", "private", false, true, true, true},
		{"100.64.0.1", "carrier-grade NAT", false, true, true, true},
		{"100.127.255.255", "carrier-grade NAT", false, true, true, true},
		{"100.128.0.1", "public", true, true, true, true},
		{"192.0.2.1", "documentation", false, true, true, true},
		{"198.51.100.7", "documentation", false, true, true, true},
		{"203.0.113.9", "documentation", false, true, true, true},
		{"2001:db8::1", "documentation", false, true, true, true},
		{"3fff::1", "documentation", false, true, true, true},
		{"198.18.0.1", "reserved", false, true, true, true},
		{"192.88.99.1", "reserved", false, true, true, true},
		{"240.0.0.1", "reserved", false, true, true, true},
		{"2001::1", "reserved", false, true, true, true},
		{"64:ff9b:1::1", "reserved", false, true, true, true},
		{"64:ff9b:1::a9fe:a9fe", "cloud metadata", false, false, false, true},
		{"64:ff9b:1::a9fe:101", "link-local", false, false, false, true},
		{"64:ff9b:1::808:808", "reserved", false, true, true, true},
		{"::ffff:0:169.254.169.254", "cloud metadata", false, false, false, true},
		{"4000::1", "reserved", false, true, true, true},
		{"255.255.255.255", "broadcast", false, true, true, true},
		{"224.0.0.1", "multicast", false, true, true, true},
		{"ff02::1", "multicast", false, true, true, true},

		{"169.254.1.1", "link-local", false, false, false, true},
		{"fe80::1", "link-local", false, false, false, true},
		{"169.254.169.254", "cloud metadata", false, false, false, true},
		{"::ffff:169.254.169.254", "cloud metadata", false, false, false, true},
		{"64:ff9b::a9fe:a9fe", "cloud metadata", false, false, false, true},
		{"2002:a9fe:a9fe::1", "cloud metadata", false, false, false, true},
		{"169.254.170.2", "cloud metadata", false, false, false, true},
		{"100.100.100.200", "cloud metadata", false, false, false, true},
		{"168.63.129.16", "cloud metadata", false, false, false, true},
		{"fd00:ec2::254", "cloud metadata", false, false, false, true},
	}
	for _, tt := range tests {
		addr := netip.MustParseAddr(tt.addr)
		exact := embedded(addr)
		guards := []struct {
			name  string
			guard Guard
			want  bool
		}{
			{"zero", Guard{Key: "allow_networks"}, tt.public},
			{"private", Guard{Private: true, Key: "allow_networks"}, tt.private},
			{"all", Guard{Allow: prefixes(t, "0.0.0.0/0", "::/0"), Key: "allow_networks"}, tt.all},
			{"own", Guard{Allow: []netip.Prefix{netip.PrefixFrom(exact, exact.BitLen())}}, tt.own},
		}
		for _, g := range guards {
			err := g.guard.Check(addr)
			if (err == nil) != g.want {
				t.Errorf("%s guard: Check(%s) = %v, want allowed: %t", g.name, tt.addr, err, g.want)
			}
			if err == nil {
				continue
			}
			refusal, ok := errors.AsType[*ForbiddenAddressError](err)
			if !ok || refusal.Class != tt.class {
				t.Errorf("%s guard: Check(%s) = %v, want class %s", g.name, tt.addr, err, tt.class)
			}
			if g.guard.Key != "" && !strings.Contains(err.Error(), "allow_networks") {
				t.Errorf("%s guard: refusal %q does not name its key", g.name, err)
			}
		}
	}
}

func TestGuardNamesLinkLocal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		allow, addr string
		want        bool
	}{
		{"169.254.0.0/16", "169.254.7.7", true},
		{"169.254.169.0/24", "169.254.169.254", true},
		{"169.254.169.254/32", "169.254.169.254", true},
		{"169.254.169.254/32", "169.254.169.253", false},
		{"169.0.0.0/8", "169.254.7.7", false},
		{"fe80::/10", "fe80::1%eth0", true},
		{"fe80::/9", "fe80::1", false},
		{"fd00:ec2::/32", "fd00:ec2::254", false},
		{"100.64.0.0/10", "100.100.100.200", false},
	}
	for _, tt := range tests {
		err := Guard{Allow: prefixes(t, tt.allow)}.Check(netip.MustParseAddr(tt.addr))
		if (err == nil) != tt.want {
			t.Errorf("allow %s: Check(%s) = %v, want allowed: %t", tt.allow, tt.addr, err, tt.want)
		}
	}
}

// oracle is the verdict on an address as the registries of special addresses have
// it, by other means than a table of prefixes.
func oracle(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		b := addr.As16()
		switch {
		case [12]byte(b[:]) == [12]byte{0, 0x64, 0xff, 0x9b}, [12]byte(b[:]) == [12]byte{} && addr.Compare(netip.MustParseAddr("::2")) >= 0:
			return oracle(netip.AddrFrom4([4]byte(b[12:])))
		case b[0] == 0x20 && b[1] == 0x02:
			return oracle(netip.AddrFrom4([4]byte(b[2:6])))
		case b[0]>>5 != 1: // not 2000::/3
			return false
		case b[0] == 0x20 && b[1] == 0x01 && (b[2] < 2 || b[2] == 0x0d && b[3] == 0xb8):
			return false
		case b[0] == 0x3f && b[1] == 0xff && b[2]>>4 == 0:
			return false
		}
		return true
	}
	b := addr.As4()
	switch {
	case addr == netip.AddrFrom4([4]byte{168, 63, 129, 16}):
		return false
	case addr.IsPrivate(), addr.IsLoopback(), addr.IsLinkLocalUnicast(), b[0] == 0, b[0] >= 224:
		return false
	case b[0] == 100 && b[1]&0xc0 == 64, b[0] == 198 && b[1]&0xfe == 18:
		return false
	}
	for _, net := range [][3]byte{{192, 0, 0}, {192, 0, 2}, {192, 88, 99}, {198, 51, 100}, {203, 0, 113}} {
		if [3]byte(b[:]) == net {
			return false
		}
	}
	return true
}

// anyAddress draws addresses of which many are special, or nearly so.
func anyAddress() *rapid.Generator[netip.Addr] {
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		if rapid.Bool().Draw(t, "special") {
			p := rapid.SampledFrom(ranges).Draw(t, "range").prefix
			first := p.Masked().Addr()
			b := first.As16()
			if p.Addr().Is4() {
				b = netip.AddrFrom4(first.As4()).As16()
			}
			bits := p.Bits()
			if p.Addr().Is4() {
				bits += 96
			}
			for i := bits; i < 128; i++ {
				b[i/8] |= byte(rapid.IntRange(0, 1).Draw(t, "bit")) << (7 - i%8)
			}
			if rapid.Bool().Draw(t, "flip") && bits > 96 {
				b[(bits-1)/8] ^= 1 << (7 - (bits-1)%8)
			}
			return netip.AddrFrom16(b).Unmap()
		}
		var b [16]byte
		copy(b[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
		if rapid.Bool().Draw(t, "v4") {
			return netip.AddrFrom4([4]byte(b[:4]))
		}
		b[0] = rapid.SampledFrom([]byte{b[0], 0x20, 0x26, 0x2a, 0xfd, 0xfe}).Draw(t, "first")
		return netip.AddrFrom16(b)
	})
}

func TestGuardAgreesWithTheRegistries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		addr := anyAddress().Draw(rt, "addr")
		if err := (Guard{}).Check(addr); (err == nil) != oracle(addr) {
			rt.Fatalf("Check(%s) = %v, want allowed: %t", addr, err, oracle(addr))
		}
	})
}

// However an IPv4 address is written, the verdict is the same, under any guard.
func TestGuardSeesThroughEmbeddings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		v4 := anyAddress().Filter(netip.Addr.Is4).Draw(rt, "addr")
		b := v4.As4()
		guard := Guard{Private: rapid.Bool().Draw(rt, "private")}
		if rapid.Bool().Draw(rt, "allow") {
			guard.Allow = append(guard.Allow, netip.PrefixFrom(v4, rapid.IntRange(0, 32).Draw(rt, "bits")).Masked())
		}
		want := guard.Check(v4) == nil
		tail := fmt.Sprintf("%02x%02x:%02x%02x", b[0], b[1], b[2], b[3])
		for _, text := range []string{"::ffff:" + tail, "64:ff9b::" + tail, "2002:" + tail + "::1", "2002:" + tail + ":7:8::9"} {
			if err := guard.Check(netip.MustParseAddr(text)); (err == nil) != want {
				rt.Fatalf("Check(%s) = %v, but %s is allowed: %t", text, err, v4, want)
			}
		}
	})
}

// A wider list never refuses what a narrower one lets through, and no list but
// one that names it opens a link-local address.
func TestGuardListsOnlyOpen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		addr, other := anyAddress().Draw(rt, "addr"), anyAddress().Draw(rt, "other")
		p := netip.PrefixFrom(other, rapid.IntRange(0, other.BitLen()).Draw(rt, "bits")).Masked()
		narrow, wide := Guard{}, Guard{Allow: []netip.Prefix{p}}
		if narrow.Check(addr) == nil && wide.Check(addr) != nil {
			rt.Fatalf("%s is refused because of %s", addr, p)
		}
		if c := classify(embedded(addr)); (c == classLinkLocal || c == classMetadata) && wide.Check(addr) == nil &&
			!p.IsSingleIP() && classifyPrefix(p) != classLinkLocal {
			rt.Fatalf("%s is opened by %s, which does not name it", addr, p)
		}
	})
}

func TestGuardFor(t *testing.T) {
	t.Parallel()
	list := make([]netip.Prefix, 0, 4)
	g := Guard{Private: true, Allow: list}
	if g.For("169.254.169.254").Check(netip.MustParseAddr("169.254.169.254")) != nil {
		t.Error("an address that the operator wrote is refused")
	}
	if g.For("metadata.example").Check(netip.MustParseAddr("169.254.169.254")) == nil {
		t.Error("a name opened a metadata address")
	}
	if (Guard{}).For("127.0.0.1").Check(netip.MustParseAddr("127.0.0.1")) == nil {
		t.Error("an address that somebody else wrote opened itself")
	}
	if list[:1][0].IsValid() {
		t.Error("the list of the guard was written to")
	}
}

func TestGuardInvalidAddress(t *testing.T) {
	t.Parallel()
	if err := (Guard{}).Check(netip.Addr{}); err == nil {
		t.Error("the invalid address was let through")
	}
}

// What the operator's URL resolves to is checked when the socket connects.
func TestOpenDialerRefusesNamesOfLinkLocal(t *testing.T) {
	t.Parallel()
	d := openDialer(Options{})
	tests := []struct {
		host, dialled string
		want          bool
	}{
		{"metadata.example", "169.254.169.254:80", false},
		{"nas.example", "10.0.0.9:80", true},
		{"localhost", "127.0.0.1:80", true},
		{"169.254.169.254", "169.254.169.254:80", true},
		{"169.254.169.254", "169.254.1.1:80", false},
		{"fe80::1%eth0", "[fe80::1%eth0]:80", true},
	}
	for _, tt := range tests {
		err := checkDialled(d.guard(t.Context(), tt.host), tt.dialled)
		if (err == nil) != tt.want {
			t.Errorf("host %s at %s: %v, want allowed: %t", tt.host, tt.dialled, err, tt.want)
		}
	}
	if err := checkDialled(Guard{Private: true}, "no address"); err == nil {
		t.Error("an address that cannot be read was let through")
	}
}

// Without a guard in the context, the guarded dialer is at its strictest.
func TestGuardedDialerFailsClosed(t *testing.T) {
	t.Parallel()
	d := guardedDialer(Options{})
	if err := checkDialled(d.guard(t.Context(), "localhost"), "127.0.0.1:80"); err == nil {
		t.Error("loopback was let through without a guard")
	}
	ctx := withGuard(t.Context(), Guard{Allow: prefixes(t, "127.0.0.0/8")})
	if err := checkDialled(d.guard(ctx, "localhost"), "127.0.0.1:80"); err != nil {
		t.Errorf("an allowed address was refused: %v", err)
	}
}

// A name that resolves to a private address is refused by the real dialer, at
// the socket, and one that is allowed is reached.
func TestDoGuardedChecksResolvedAddress(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	byName := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	c := New(Options{Proxy: noProxy})
	_, err := c.DoGuarded(newRequest(t, byName), Guard{Key: "allow_networks"})
	refusal, ok := errors.AsType[*ForbiddenAddressError](err)
	if !ok || refusal.Class != "loopback" || !strings.Contains(err.Error(), "allow_networks") {
		t.Fatalf("DoGuarded(%s) = %v, want a refusal that names allow_networks", byName, err)
	}
	resp, err := c.DoGuarded(newRequest(t, byName), Guard{Allow: prefixes(t, "127.0.0.0/8", "::1/128")})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusTeapot {
		t.Errorf("status = %d", resp.StatusCode)
	}
}

// A connection that one guard allowed must not serve a request whose guard
// would refuse it.
func TestDoGuardedReusesNoConnection(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(http.ResponseWriter, *http.Request) {})
	byName := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	c := New(Options{Proxy: noProxy})
	do := func(send func(*http.Request) (*http.Response, error)) error {
		resp, err := send(newRequest(t, byName))
		if err != nil {
			return err
		}
		Drain(resp)
		return resp.Body.Close()
	}
	if err := do(c.Do); err != nil {
		t.Fatal(err)
	}
	open := Guard{Allow: prefixes(t, "127.0.0.0/8", "::1/128")}
	if err := do(func(r *http.Request) (*http.Response, error) { return c.DoGuarded(r, open) }); err != nil {
		t.Fatal(err)
	}
	err := do(func(r *http.Request) (*http.Response, error) { return c.DoGuarded(r, Guard{}) })
	if _, ok := errors.AsType[*ForbiddenAddressError](err); !ok {
		t.Errorf("a pooled connection served a forbidden request: %v", err)
	}
}

func TestDoGuardedRefusesProxies(t *testing.T) {
	t.Parallel()
	proxy := func(*http.Request) (*url.URL, error) { return url.Parse("http://127.0.0.1:3128") }
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req := newRequest(t, "http://host.example/").WithContext(ctx)
	if _, err := New(Options{Proxy: proxy}).DoGuarded(req, Guard{}); !errors.Is(err, ErrProxied) {
		t.Errorf("DoGuarded = %v, want ErrProxied", err)
	}
}
