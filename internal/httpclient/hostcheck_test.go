package httpclient

import (
	"context"
	"errors"
	"net/netip"
	"testing"
)

// names are a resolver.
type names map[string][]string

var errNoName = errors.New("no such host")

func (n names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if network != "ip" || n[host] == nil {
		return nil, errNoName
	}
	var addrs []netip.Addr
	for _, text := range n[host] {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs, nil
}

func TestCheckHost(t *testing.T) {
	t.Parallel()
	resolver := names{
		"public":   {"1.1.1.1", "2606:4700::1111"},
		"private":  {"10.0.0.1", "::ffff:192.168.0.1"},
		"metadata": {"169.254.169.254"},
		"mixed":    {"127.0.0.1", "1.1.1.1"},
		"opened":   {"127.0.0.1", "10.1.2.3"},
		"nowhere":  {},
	}
	g := Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Key: "server.subscriptions.allow_networks"}
	for host, want := range map[string]string{
		"public": "", "1.1.1.1": "", "mixed": "", "opened": "", "10.1.0.1": "", "nowhere": "",
		"private":                 "10.0.0.1",
		"metadata":                "169.254.169.254",
		"127.0.0.1":               "127.0.0.1",
		"::ffff:a9fe:a9fe":        "169.254.169.254",
		"64:ff9b::7f00:1":         "127.0.0.1",
		"fe80::1%eth0":            "fe80::1",
		"2002:a9fe:a9fe::":        "169.254.169.254",
		"::":                      "::",
		"fd00:ec2::254":           "fd00:ec2::254",
		"0.0.0.0":                 "0.0.0.0",
		"100.100.100.200":         "100.100.100.200",
		"0:0:0:0:0:ffff:10.2.0.1": "10.2.0.1",
	} {
		err := g.CheckHost(t.Context(), resolver, host)
		var forbidden *ForbiddenAddressError
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", host, err)
		case want != "" && (!errors.As(err, &forbidden) || forbidden.Addr.String() != want || forbidden.Key != g.Key):
			t.Errorf("%s: %v, want %s to be refused", host, err, want)
		}
	}
	if err := g.CheckHost(t.Context(), resolver, "unknown"); !errors.Is(err, errNoName) {
		t.Errorf("error %v", err)
	}
}
