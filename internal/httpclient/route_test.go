package httpclient

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

func TestRoutesShareClients(t *testing.T) {
	t.Parallel()
	r := NewRoutes(Options{Proxy: noProxy})
	client := func(route Route, guard *Guard) *Client {
		t.Helper()
		c, err := r.Client(route)
		if guard != nil {
			c, err = r.Guarded(route, *guard)
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	skip := Route{InsecureSkipVerify: true}
	allow := &Guard{Allow: prefixes(t, "10.0.0.0/8"), Key: "one"}
	all := []*Client{
		client(Route{}, nil), client(skip, nil), client(Route{}, &Guard{}), client(Route{}, &Guard{Private: true}),
		client(Route{}, allow), client(skip, allow),
	}
	for i, c := range all {
		for j, other := range all {
			if (c == other) != (i == j) {
				t.Errorf("clients %d and %d are the same: %t", i, j, c == other)
			}
		}
	}
	if all[0] != r.Own() || client(skip, nil) != all[1] || client(Route{}, &Guard{Allow: prefixes(t, "10.0.0.0/8"), Key: "two"}) != all[4] {
		t.Error("a client was made twice")
	}
}

func TestRoutesRefuse(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none.pem")
	r := NewRoutes(Options{})
	for name, tt := range map[string]struct {
		route Route
		want  string
	}{
		"proxy":       {Route{Proxy: "http://joe:pass%zzword@proxy"}, "parse proxy_url: it is no url with a host"},
		"no host":     {Route{Proxy: "proxyword"}, "parse proxy_url: it is no url with a host"},
		"authority":   {Route{CAFile: missing}, "prepare tls: read tls.ca_file"},
		"certificate": {Route{CertFile: missing}, "tls.cert_file and tls.key_file belong together"},
	} {
		if _, err := r.Client(tt.route); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "word") {
			t.Errorf("%s: error %v, want %q in it", name, err, tt.want)
		}
	}
	certFile, keyFile := mustPair(t, filepath.Dir(missing), "late")
	route := Route{CAFile: missing, CertFile: certFile, KeyFile: keyFile}
	if _, err := r.Client(route); err == nil {
		t.Fatal("a file that is missing is no error")
	}
	mustWrite(t, missing, mustRead(t, certFile))
	if _, err := r.Client(route); err != nil {
		t.Errorf("a file that was missing is an error for ever: %v", err)
	}
}

func TestRouteShowsNoPassword(t *testing.T) {
	t.Parallel()
	for proxy, want := range map[string]string{
		"": "direct", "http://joe:password@proxy.example:3128": "by proxy proxy.example:3128", "http://joe:pass%zzword@h": "by proxy",
	} {
		r := Route{Proxy: proxy}
		if got := r.String(); got != want {
			t.Errorf("%q is shown as %q, want %q", proxy, got, want)
		}
	}
	if got := fmt.Sprint((Route{Proxy: "http://joe:password@h"}).Secrets(), (Route{Proxy: "://"}).Secrets()); got != "[password joe:password] []" {
		t.Errorf("secrets %s", got)
	}
}

// A client under a guard of its own reuses its connections, reaches what that
// guard lets through, and nothing by a proxy or with a certificate.
func TestGuardedRoute(t *testing.T) {
	t.Parallel()
	conns := make(map[string]bool)
	srv := newServer(t, func(_ http.ResponseWriter, r *http.Request) { conns[r.RemoteAddr] = true })
	byName := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	post := func(c *Client, url string) error {
		resp, err := c.Do(newRequest(t, url))
		if err != nil {
			return err
		}
		Drain(resp)
		return resp.Body.Close()
	}
	r := NewRoutes(Options{Proxy: noProxy})
	t.Cleanup(r.CloseIdle)
	strict, err := r.Guarded(Route{}, Guard{})
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{srv.URL, byName, "http://169.254.169.254/", "http://[::ffff:127.0.0.1]:1/"} {
		if _, ok := errors.AsType[*ForbiddenAddressError](post(strict, url)); !ok {
			t.Errorf("%s is reached by the strictest guard", url)
		}
	}
	open, err := r.Guarded(Route{}, Guard{Allow: prefixes(t, "127.0.0.0/8", "::1/128")})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := post(open, byName); err != nil {
			t.Fatal(err)
		}
	}
	if len(conns) != 1 {
		t.Errorf("%d connections for three requests under one guard", len(conns))
	}
	proxied, err := NewRoutes(Options{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(srv.URL) }}).Guarded(Route{}, Guard{})
	if err != nil {
		t.Fatal(err)
	}
	if err := post(proxied, "http://host.example/"); !errors.Is(err, ErrProxied) {
		t.Errorf("a proxy of the environment: %v, want ErrProxied", err)
	}
	byRoute, err := r.Guarded(Route{Proxy: srv.URL}, Guard{})
	if err != nil {
		t.Fatal(err)
	}
	if err := post(byRoute, "http://host.example/"); !errors.Is(err, ErrProxied) {
		t.Errorf("a proxy of the route: %v, want ErrProxied", err)
	}
}

// Whoever chose a URL is shown no certificate, and is verified.
func TestGuardedRouteShowsNoCertificate(t *testing.T) {
	t.Parallel()
	certFile, keyFile := mustPair(t, t.TempDir(), "pollwire")
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	srv.Config.ErrorLog = nil
	r := NewRoutes(Options{Proxy: noProxy})
	c, err := r.Guarded(Route{CertFile: certFile, KeyFile: keyFile, InsecureSkipVerify: true}, Guard{Allow: prefixes(t, "127.0.0.0/8")})
	if err != nil {
		t.Fatal(err)
	}
	if config := c.open.(*http.Transport).TLSClientConfig; config.GetClientCertificate != nil {
		t.Error("the certificate would be shown")
	}
	if resp, err := c.Do(newRequest(t, srv.URL)); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		if err == nil {
			resp.Body.Close()
		}
		t.Errorf("the server was not verified: %v", err)
	}
}

// TestRoutesReadAuthoritiesAgain: with another version, and then nobody gets a
// client any more that trusts what the file held before.
func TestRoutesReadAuthoritiesAgain(t *testing.T) {
	t.Parallel()
	r := NewRoutes(Options{})
	authorities, _ := mustPair(t, t.TempDir(), "authorities")
	client := func(route Route) *Client {
		t.Helper()
		c, err := r.Guarded(route, Guard{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	other := client(Route{ServerName: "other", CAFile: authorities, CAVersion: "1"})
	first := client(Route{CAFile: authorities, CAVersion: "1"})
	if client(Route{CAFile: authorities, CAVersion: "1"}) != first {
		t.Error("the same version is read twice")
	}
	if client(Route{CAFile: authorities, CAVersion: "2"}) == first {
		t.Error("another version is not read")
	}
	if len(r.clients) != 3 {
		t.Errorf("%d clients are kept: those of the zero route, of the other one and of the newest version have to be", len(r.clients))
	}
	if client(Route{ServerName: "other", CAFile: authorities, CAVersion: "1"}) != other {
		t.Error("the client of another route is gone")
	}
}
