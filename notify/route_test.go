package notify

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient/httpclienttest"
)

// secured starts a receiver whose certificate ends at a time and which asks for
// client certificates, and returns an endpoint for it.
func secured(tb testing.TB, ca *httpclienttest.Authority, end time.Time, clients tls.ClientAuthType, h http.HandlerFunc) Endpoint {
	tb.Helper()
	e := testEndpoint(tb, "ops")
	e.URL = ca.Serve(tb, "hooks.internal", end, clients, h).URL + "/secret-path-of-the-hook"
	return e
}

func TestSendTakesTheRouteOfItsEndpoint(t *testing.T) {
	t.Parallel()
	ca, stranger := httpclienttest.NewAuthority(t), httpclienttest.NewAuthority(t)
	soon := time.Now().Add(time.Hour)
	certFile, keyFile := ca.Issue(t, "pollwire", soon)
	client := func(w http.ResponseWriter, r *http.Request) {
		for _, cert := range r.TLS.PeerCertificates {
			_, _ = io.WriteString(w, cert.Subject.CommonName)
		}
	}
	open := secured(t, ca, soon, tls.NoClientCert, client)
	closed := secured(t, ca, soon, tls.RequireAndVerifyClientCert, client)
	expired := secured(t, ca, time.Now().Add(-time.Hour), tls.NoClientCert, client)
	s := ownSender(t)
	for name, tc := range map[string]struct {
		endpoint Endpoint
		route    Route
		foreign  bool
		action   Action
		want     string // a part of the error, or the client that the receiver sees
	}{
		"unknown authority":       {open, Route{}, false, Retry, "signed by unknown authority"},
		"another authority":       {open, Route{CAFile: stranger.File}, false, Retry, "signed by unknown authority"},
		"authority":               {open, Route{CAFile: ca.File}, false, Deliver, ""},
		"expired":                 {expired, Route{CAFile: ca.File}, false, Retry, "certificate has expired"},
		"expired, not verified":   {expired, Route{InsecureSkipVerify: true}, false, Deliver, ""},
		"server name":             {open, Route{CAFile: ca.File, ServerName: "hooks.internal"}, false, Deliver, ""},
		"another server name":     {open, Route{CAFile: ca.File, ServerName: "hooks.external"}, false, Retry, "not hooks.external"},
		"no client certificate":   {closed, Route{CAFile: ca.File}, false, Retry, "tls: "},
		"client certificate":      {closed, Route{CAFile: ca.File, CertFile: certFile, KeyFile: keyFile}, false, Deliver, "pollwire"},
		"certificate, foreign":    {closed, Route{CAFile: ca.File, CertFile: certFile, KeyFile: keyFile}, true, Retry, "tls: "},
		"not verified, foreign":   {open, Route{InsecureSkipVerify: true}, true, Retry, "signed by unknown authority"},
		"authority of foreigners": {open, Route{CAFile: ca.File}, true, Deliver, ""},
	} {
		e := tc.endpoint
		e.Route, e.Foreign = tc.route, tc.foreign
		if tc.foreign {
			e.AllowNetworks = append(e.AllowNetworks, loopback)
		}
		attempt, verdict := s.Send(t.Context(), &e, testMessage)
		if verdict.Action != tc.action || !strings.Contains(attempt.Error+string(attempt.Response), tc.want) {
			t.Errorf("%s: Send gave %+v, %s, %+v", name, attempt, attempt.Response, verdict)
		}
		if strings.Contains(attempt.Error, "secret-path") {
			t.Errorf("%s: the error is %q", name, attempt.Error)
		}
	}
}

// What was wrong with the files of a route is said, uses up no attempt, and is
// over when they are there.
func TestSendWaitsForTheFilesOfItsRoute(t *testing.T) {
	t.Parallel()
	ca := httpclienttest.NewAuthority(t)
	e := secured(t, ca, time.Now().Add(time.Hour), tls.NoClientCert, func(http.ResponseWriter, *http.Request) {})
	late := filepath.Join(t.TempDir(), "late.pem")
	e.Route.CAFile = late
	s := ownSender(t)
	attempt, verdict := s.Send(t.Context(), &e, testMessage)
	if verdict != (Verdict{}) || !strings.Contains(attempt.Error, "tls.ca_file") || !strings.Contains(attempt.Error, late) {
		t.Errorf("Send gave %+v, %+v", attempt, verdict)
	}
	pem, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(late, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	if attempt, verdict := s.Send(t.Context(), &e, testMessage); verdict.Action != Deliver {
		t.Errorf("Send gave %+v, %+v", attempt, verdict)
	}
}

const proxyPassword = "proxy-p@ss/word"

// newProxy starts a proxy that wants a password and counts the requests in plain
// HTTP that it answers itself, and the connections that it refuses to make.
func newProxy(t *testing.T) (proxy string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
		if user, password, _ := r.BasicAuth(); user != "joe" || password != proxyPassword {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		asked.Add(1)
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://"), asked
}

func TestSendGoesByItsProxy(t *testing.T) {
	t.Parallel()
	proxy, asked := newProxy(t)
	s := ownSender(t)
	for name, tc := range map[string]struct {
		url, proxy string
		want       string // a part of the error; empty where it is delivered
	}{
		"plain":            {"http://hooks.internal/secret-path", "http://joe:proxy-p%40ss%2Fword@" + proxy, ""},
		"connect":          {"https://hooks.internal/secret-path", "http://joe:proxy-p%40ss%2Fword@" + proxy, "proxy answered 403 Forbidden"},
		"another password": {"https://hooks.internal/secret-path", "http://joe:proxy-p%40ss@" + proxy, "proxy answered 407"},
		"no proxy there":   {"http://hooks.internal/secret-path", "http://joe:proxy-p%40ss@127.0.0.1:1", "connection refused"},
		"no URL":           {"http://hooks.internal/secret-path", "http://joe:proxy-p%zz@" + proxy, "parse proxy_url"},
	} {
		e := testEndpoint(t, "ops")
		e.URL, e.Route.Proxy = tc.url, tc.proxy
		attempt, verdict := s.Send(t.Context(), &e, testMessage)
		if (verdict.Action == Deliver) != (tc.want == "") || !strings.Contains(attempt.Error, tc.want) {
			t.Errorf("%s: Send gave %+v, %+v", name, attempt, verdict)
		}
		for _, leak := range []string{"p@ss", "p%40ss", "p%zz", "secret-path"} {
			if strings.Contains(attempt.Error, leak) {
				t.Errorf("%s: the error is %q", name, attempt.Error)
			}
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the proxy was asked %d times, want 2", n)
	}
}

func TestRouteNeverPrintsItsPassword(t *testing.T) {
	t.Parallel()
	e := Endpoint{Name: "ops", Route: Route{Proxy: "http://joe:proxy-word@proxy.example:3128"}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&out, verb, e.Route)
		fmt.Fprintf(&out, verb, e)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("route", "r", e.Route, "e", e)
	encoded, err := json.Marshal(map[string]any{"r": e.Route, "e": e})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	if got := out.String(); strings.Contains(got, "proxy-word") || !strings.Contains(got, "by proxy proxy.example:3128") {
		t.Errorf("printed %s", got)
	}
}

// Closing lets go of what is idle, and of nothing else.
func TestSenderCloseClosesIdleConnections(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 4)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	s := NewSender(SenderOptions{})
	own, guarded := testEndpoint(t, "ops"), testEndpoint(t, "guarded")
	own.URL, guarded.URL = srv.URL, srv.URL
	guarded.AllowNetworks = append(guarded.AllowNetworks, loopback)
	for _, e := range []*Endpoint{&own, &guarded} {
		if attempt, verdict := s.Send(t.Context(), e, testMessage); verdict.Action != Deliver {
			t.Fatalf("Send gave %+v", attempt)
		}
	}
	s.Close()
	<-closed
	<-closed
	if attempt, verdict := s.Send(t.Context(), &own, testMessage); verdict.Action != Deliver {
		t.Errorf("Send after Close gave %+v", attempt)
	}
	s.Close()
}
