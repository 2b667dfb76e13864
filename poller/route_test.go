package poller

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"

	"github.com/pollwire/pollwire/internal/httpclient/httpclienttest"
)

// proxyURL is the address of a proxy, with a password.
func proxyURL(scheme, host, password string) string {
	return (&url.URL{Scheme: scheme, Host: host, User: url.UserPassword(proxyUser, password)}).String()
}

// serveTLS starts a server whose certificate is of an authority.
func serveTLS(tb testing.TB, ca *httpclienttest.Authority, name string, clients tls.ClientAuthType, h http.HandlerFunc) *httptest.Server {
	tb.Helper()
	return ca.Serve(tb, name, time.Now().Add(time.Hour), clients, h)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	ca, stranger := httpclienttest.NewAuthority(t), httpclienttest.NewAuthority(t)
	certFile, keyFile := ca.Issue(t, "pollwire", time.Now().Add(time.Hour))
	otherCert, otherKey := stranger.Issue(t, "pollwire", time.Now().Add(time.Hour))
	answer := func(w http.ResponseWriter, r *http.Request) {
		name := "nobody"
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		fmt.Fprintf(w, `{"client": %q}`, name)
	}
	plain := newServer(t, answer)
	open := serveTLS(t, ca, "api.internal", tls.NoClientCert, answer)
	closed := serveTLS(t, ca, "api.internal", tls.RequireAndVerifyClientCert, answer)
	_, proxy := newHTTPProxy(t)
	shown := new(atomic.Bool) // a certificate, to the proxy
	secured := serveTLS(t, ca, "proxy.internal", tls.RequestClientCert, func(w http.ResponseWriter, r *http.Request) {
		shown.Store(shown.Load() || len(r.TLS.PeerCertificates) > 0)
		new(httpProxy).ServeHTTP(w, r)
	})
	socks, _ := newSOCKS(t)
	proxyHost, securedHost := strings.TrimPrefix(proxy.URL, "http://"), strings.TrimPrefix(secured.URL, "https://")
	client := Route{CAFile: ca.File, CertFile: certFile, KeyFile: keyFile}
	via := func(r Route, proxy string) Route {
		r.Proxy = proxy
		return r
	}
	for _, tt := range []struct {
		name, url string
		route     Route
		want      string // the client that the server sees, or a part of the error
		retryable bool
	}{
		{"unknown authority", open.URL, Route{}, "certificate signed by unknown authority", false},
		{"authority", open.URL, Route{CAFile: ca.File}, "nobody", false},
		{"other authority", open.URL, Route{CAFile: stranger.File}, "certificate signed by unknown authority", false},
		{"server name", open.URL, Route{CAFile: ca.File, ServerName: "api.internal"}, "nobody", false},
		{"other server name", open.URL, Route{CAFile: ca.File, ServerName: "api.external"}, "not api.external", false},
		{"no verification", open.URL, Route{InsecureSkipVerify: true}, "nobody", false},
		{"client certificate", closed.URL, client, "pollwire", false},
		{"no client certificate", closed.URL, Route{CAFile: ca.File}, "certificate required", true},
		{"client certificate of a stranger", closed.URL, Route{CAFile: ca.File, CertFile: otherCert, KeyFile: otherKey}, "tls: ", true},
		{"missing file", closed.URL, Route{CertFile: filepath.Join(t.TempDir(), "none.pem"), KeyFile: keyFile}, "none.pem: no such file", false},
		{"http proxy", closed.URL, via(client, proxyURL("http", proxyHost, proxyPassword)), "pollwire", false},
		{"http proxy to plain http", plain.URL, via(Route{}, proxyURL("http", proxyHost, proxyPassword)), "nobody", false},
		{"http proxy with another password", open.URL, via(client, proxyURL("http", proxyHost, "wrong-password")), "proxy answered 407 Proxy Authentication Required", false},
		{"https proxy", closed.URL, via(client, proxyURL("https", securedHost, proxyPassword)), "pollwire", false},
		{"https proxy beside a server name", open.URL, via(Route{CAFile: ca.File, ServerName: "api.internal"}, proxyURL("https", securedHost, proxyPassword)), "nobody", false},
		{"https proxy of an unknown authority", open.URL, via(Route{InsecureSkipVerify: true}, proxyURL("https", securedHost, proxyPassword)), "shake hands with proxy", false},
		{"socks5", closed.URL, via(client, proxyURL("socks5", socks, proxyPassword)), "pollwire", false},
		{"socks5h", plain.URL, via(Route{}, proxyURL("socks5h", socks, proxyPassword)), "nobody", false},
		{"socks5 with another password", plain.URL, via(Route{}, proxyURL("socks5", socks, "wrong-password")), "username/password authentication failed", true},
		{"no proxy there", plain.URL, via(Route{}, proxyURL("http", "127.0.0.1:1", proxyPassword)), "connection refused", true},
		{"no url", plain.URL, via(Route{}, "http://joe:proxy%zz@h"), "request cannot be sent: parse proxy_url", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFetcher(t, FetcherOptions{})
			s := newSource(tt.url)
			s.Request.Route = tt.route
			o, err := f.Fetch(t.Context(), s, State{})
			if err == nil {
				if got := string(o.Body); got != fmt.Sprintf(`{"client": %q}`, tt.want) {
					t.Errorf("body %s, want %s in it", got, tt.want)
				}
				return
			}
			fe := mustFail(t, o, err)
			if !strings.Contains(fe.Error(), tt.want) || fe.Retryable != tt.retryable {
				t.Errorf("error %v, retryable %t, want %q in it", fe, fe.Retryable, tt.want)
			}
			for _, secret := range []string{proxyPassword, url.QueryEscape(proxyPassword), "wrong-password", "proxy%zz"} {
				if strings.Contains(fe.Error(), secret) {
					t.Errorf("%q shows in %v", secret, fe)
				}
			}
		})
	}
	t.Cleanup(func() {
		if shown.Load() {
			t.Error("the proxy was shown the certificate that is meant for the server")
		}
	})
}

// Nothing of a route goes to another origin: neither the client certificate nor
// the leave to skip verification, and behind a proxy nothing at all.
func TestRouteEndsAtItsOrigin(t *testing.T) {
	t.Parallel()
	ca := httpclienttest.NewAuthority(t)
	certFile, keyFile := ca.Issue(t, "pollwire", time.Now().Add(time.Hour))
	var shown, asked atomic.Int32
	elsewhere := serveTLS(t, ca, "elsewhere", tls.RequestClientCert, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		shown.Add(int32(len(r.TLS.PeerCertificates)))
		fmt.Fprint(w, `{}`)
	})
	api := serveTLS(t, ca, "api", tls.RequireAnyClientCert, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	})
	proxy, proxyServer := newHTTPProxy(t)
	fetch := func(route Route) (*Observation, error) {
		s := newSource(api.URL)
		s.Request.Route = route
		s.Request.AllowNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		return newFetcher(t, FetcherOptions{}).Fetch(t.Context(), s, State{})
	}
	if _, err := fetch(Route{CAFile: ca.File, CertFile: certFile, KeyFile: keyFile}); err != nil || asked.Load() != 1 || shown.Load() != 0 {
		t.Errorf("error %v, asked %d times, shown %d certificates", err, asked.Load(), shown.Load())
	}
	o, err := fetch(Route{InsecureSkipVerify: true, CertFile: certFile, KeyFile: keyFile})
	if fe := mustFail(t, o, err); !strings.Contains(fe.Error(), "unknown authority") || asked.Load() != 1 {
		t.Errorf("error %v, asked %d times", fe, asked.Load())
	}
	o, err = fetch(Route{
		CAFile: ca.File, CertFile: certFile, KeyFile: keyFile,
		Proxy: proxyURL("http", strings.TrimPrefix(proxyServer.URL, "http://"), proxyPassword),
	})
	if fe := mustFail(t, o, err); !errors.Is(fe, httpclient.ErrProxied) || fe.Retryable || proxy.connects.Load() != 1 || asked.Load() != 1 {
		t.Errorf("error %v, %d connections by the proxy, asked %d times", fe, proxy.connects.Load(), asked.Load())
	}
}

// Sources with equal routes share their connections, others do not.
func TestRoutesShareConnections(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	f := newFetcher(t, FetcherOptions{})
	for i, route := range []Route{
		{InsecureSkipVerify: true}, {InsecureSkipVerify: true}, {InsecureSkipVerify: true, ServerName: "other"}, {InsecureSkipVerify: true},
	} {
		s := newSource(srv.URL)
		s.Name, s.Request.Route = fmt.Sprint(i), route
		o := mustFetch(t, f, s, State{})
		o.Release()
	}
	if conns.Load() != 2 {
		t.Errorf("%d connections for two routes", conns.Load())
	}
}

func TestRouteHidesItself(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	for _, route := range []Route{{Proxy: "socks5://joe:hunter2@proxy:1080"}, {Proxy: "http://joe:hunter2%zz@proxy"}, {}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(&out, verb+"\n", route)
			fmt.Fprintf(&out, verb+"\n", &Source{Request: Request{Route: route}})
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("asked", "route", route, "request", Request{Route: route})
		dump, err := json.Marshal(route)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(dump)
	}
	if text := out.String(); strings.Contains(text, "hunter2") || !strings.Contains(text, "by proxy proxy:1080") || !strings.Contains(text, "direct") {
		t.Errorf("it shows %s", text)
	}
}

// TestTokensTrustAuthoritiesThatWereRenewed: a refresh token, which is one whatever
// way it goes, is asked for with what the file holds now, and at once.
func TestTokensTrustAuthoritiesThatWereRenewed(t *testing.T) {
	t.Parallel()
	ca, stranger := httpclienttest.NewAuthority(t), httpclienttest.NewAuthority(t)
	srv := ca.Serve(t, "api", time.Now().Add(time.Hour), tls.NoClientCert, &tokenServer{style: "basic", refresh: firstRefresh, rotates: true})
	f := newFetcher(t, FetcherOptions{Tokens: newTokens(t, &memoryStore{})})
	route := Route{CAFile: stranger.File, CAVersion: "1"}
	source := func() *Source {
		s := authSource(srv.URL, refreshToken(srv.URL))
		s.Request.Route = route
		return s
	}
	o, err := f.Fetch(t.Context(), source(), State{})
	if fe := mustFail(t, o, err); !strings.Contains(fe.Error(), "certificate signed by unknown authority") {
		t.Fatal(fe)
	}
	renewed, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stranger.File, renewed, 0o600); err != nil {
		t.Fatal(err)
	}
	route.CAVersion = "2"
	mustFetch(t, f, source(), State{}).Release()
}
