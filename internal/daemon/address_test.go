package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/config"
)

// names resolve to addresses; what is not among them does not exist, and slow ones
// are never answered.
type names struct {
	addresses map[string][]string

	mu    sync.Mutex
	asked map[string]int
}

func (n *names) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	if n.asked == nil {
		n.asked = make(map[string]int)
	}
	n.asked[host]++
	n.mu.Unlock()
	if strings.HasPrefix(host, "slow") {
		<-ctx.Done()
		return nil, &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true}
	}
	list, ok := n.addresses[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, Server: "127.0.0.53:53", IsNotFound: true}
	}
	var addresses []netip.Addr
	for _, text := range list {
		addresses = append(addresses, netip.MustParseAddr(text))
	}
	return addresses, nil
}

func noProxy(*http.Request) (*url.URL, error) { return nil, nil } //nolint:nilnil // as http.ProxyFromEnvironment does

// told is a configuration with endpoints of these keys.
func told(endpoints ...string) string {
	text := "sources: [{name: s, schedule: \"@hourly\", request: {url: \"https://api.example.com/\"}}]\nendpoints:\n"
	for i, keys := range endpoints {
		text += fmt.Sprintf("  - {name: e%d, format: slack, %s}\n", i, keys)
	}
	return text
}

func TestCheckAddresses(t *testing.T) {
	t.Parallel()
	n := &names{addresses: map[string][]string{
		"public.example.com":   {"93.184.216.34", "2606:2800:220:1::1"},
		"private.example.com":  {"10.1.2.3"},
		"metadata.example.com": {"169.254.169.254"},
		"mapped.example.com":   {"::ffff:169.254.169.254"},
		"nat64.example.com":    {"64:ff9b::a9fe:a9fe"},
		"both.example.com":     {"93.184.216.34", "fe80::1"},
		"empty.example.com":    nil,
	}}
	for name, test := range map[string]struct {
		keys     string
		bad      []string
		warnings []string
	}{
		"public":                               {`url: "https://public.example.com/topsecret"`, nil, nil},
		"private, by name":                     {`url: "https://private.example.com/topsecret"`, nil, nil},
		"private":                              {`url: "http://192.168.1.7/topsecret"`, nil, nil},
		"metadata, which the URL itself names": {`url: "http://169.254.169.254/topsecret"`, nil, nil},
		"metadata by a name": {
			`url: "https://metadata.example.com/topsecret"`,
			[]string{"test.yaml:3:36: endpoints[0].url: webhooks are not sent to metadata.example.com: ", "169.254.169.254", "allow_networks of endpoint e0"},
			nil,
		},
		"mapped":                        {`url: "https://mapped.example.com/topsecret"`, []string{"endpoints[0].url", "169.254.169.254"}, nil},
		"behind NAT64":                  {`url: "https://nat64.example.com/topsecret"`, []string{"endpoints[0].url", "169.254.169.254"}, nil},
		"metadata that is allowed":      {`url: "https://metadata.example.com/topsecret", allow_networks: [169.254.169.254]`, nil, nil},
		"metadata of a range":           {`url: "https://metadata.example.com/topsecret", allow_networks: [0.0.0.0/0]`, []string{"169.254.169.254"}, nil},
		"some addresses":                {`url: "https://both.example.com/topsecret"`, nil, []string{"endpoints[0].url: webhooks are sent to some addresses of both.example.com only: ", "fe80::1"}},
		"no such name":                  {`url: "https://gone.example.com/topsecret"`, nil, []string{"endpoints[0].url: the name gone.example.com does not resolve now (no such host): the webhooks of e0 wait until it does"}},
		"a name without addresses":      {`url: "https://empty.example.com/topsecret"`, nil, []string{"the name empty.example.com does not resolve now (it has no address)"}},
		"disabled":                      {`url: "https://metadata.example.com/topsecret", enabled: false`, nil, nil},
		"behind a proxy":                {`url: "https://metadata.example.com/topsecret", proxy_url: "http://proxy.example.com:3128"`, nil, nil},
		"name with a port and capitals": {`url: "https://public.example.com:8443/topsecret"`, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := mustConfig(t, told(test.keys))
			warnings, err := CheckAddresses(t.Context(), cfg, AddressOptions{Resolver: n, Proxy: noProxy})
			mustHold(t, fmt.Sprint(err), test.bad)
			if (err != nil) != (test.bad != nil) {
				t.Errorf("error %v", err)
			}
			if len(warnings) > 0 != (test.warnings != nil) {
				t.Errorf("warnings %v", warnings)
			}
			mustHold(t, fmt.Sprint(warnings), test.warnings)
			if strings.Contains(fmt.Sprint(err, warnings), "topsecret") {
				t.Errorf("a secret is shown: %v %v", err, warnings)
			}
		})
	}
}

func mustHold(t *testing.T, text string, parts []string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %s", part, text)
		}
	}
}

// TestCheckAddressesTellsAll: one endpoint that is refused hides no other, and a
// host is asked for once.
func TestCheckAddressesTellsAll(t *testing.T) {
	t.Parallel()
	n := &names{addresses: map[string][]string{"a.example.com": {"169.254.169.254"}, "b.example.com": {"93.184.216.34"}}}
	cfg := mustConfig(t, told(
		`url: "https://a.example.com/1"`, `url: "https://b.example.com/1"`, `url: "https://a.example.com/2"`, `url: "https://gone.example.com/"`,
		`url: "https://a.example.com/3", allow_networks: [169.254.0.0/16]`,
	))
	warnings, err := CheckAddresses(t.Context(), cfg, AddressOptions{Resolver: n, Proxy: noProxy})
	var bad config.Errors
	if !errors.As(err, &bad) || len(bad) != 2 || bad[0].Path != "endpoints[0].url" || bad[1].Path != "endpoints[2].url" {
		t.Errorf("mistakes %v", err)
	}
	if len(warnings) != 1 || warnings[0].Path != "endpoints[3].url" {
		t.Errorf("warnings %v", warnings)
	}
	if diff := cmp.Diff(map[string]int{"a.example.com": 1, "b.example.com": 1, "gone.example.com": 1}, n.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// TestCheckAddressesByProxy: where the environment names a proxy, that resolves.
func TestCheckAddressesByProxy(t *testing.T) {
	t.Parallel()
	n := &names{}
	cfg := mustConfig(t, told(`url: "https://a.example.com/"`, `url: "http://b.example.com/"`))
	httpsOnly := func(r *http.Request) (*url.URL, error) {
		if r.URL.Scheme == "https" {
			return url.Parse("http://proxy.example.com:3128")
		}
		return nil, nil //nolint:nilnil // as http.ProxyFromEnvironment does
	}
	warnings, err := CheckAddresses(t.Context(), cfg, AddressOptions{Resolver: n, Proxy: httpsOnly})
	if err != nil || len(warnings) != 1 || n.asked["a.example.com"] != 0 || n.asked["b.example.com"] != 1 {
		t.Errorf("warnings %v, error %v, asked %v", warnings, err, n.asked)
	}
}

// TestCheckAddressesEnds: names whose servers do not answer are waited for
// together, and not for long.
func TestCheckAddressesEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all []string
		for i := range 3 * resolvers {
			all = append(all, fmt.Sprintf(`url: "https://slow%d.example.com/"`, i))
		}
		cfg := mustConfig(t, told(append(all, `url: "https://gone.example.com/"`)...))
		warnings, err := CheckAddresses(t.Context(), cfg, AddressOptions{Resolver: &names{}, Proxy: noProxy})
		if err != nil || len(warnings) != len(all)+1 {
			t.Fatalf("%d warnings, error %v", len(warnings), err)
		}
		for i, want := range map[int]string{0: "(no answer within 5s)", len(all): "(no such host)"} {
			if !strings.Contains(warnings[i].Message, want) {
				t.Errorf("%s lacks %s", warnings[i], want)
			}
		}
	})
}
