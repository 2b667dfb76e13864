package httpclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

func newServer(tb testing.TB, h http.HandlerFunc) *httptest.Server {
	tb.Helper()
	srv := httptest.NewServer(h)
	tb.Cleanup(srv.Close)
	return srv
}

func newRequest(tb testing.TB, rawURL string) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, rawURL, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	return req
}

func TestDoSendsUserAgent(t *testing.T) {
	t.Parallel()
	var got atomic.Value
	srv := newServer(t, func(_ http.ResponseWriter, r *http.Request) { got.Store(r.UserAgent()) })
	c := New(Options{Version: "1.2.3", Proxy: noProxy})
	for _, tt := range []struct{ set, want string }{{"", "pollwire/1.2.3"}, {"mine/1", "mine/1"}} {
		req := newRequest(t, srv.URL)
		if tt.set != "" {
			req.Header.Set("User-Agent", tt.set)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got.Load() != tt.want {
			t.Errorf("User-Agent = %q, want %q", got.Load(), tt.want)
		}
		if tt.set == "" && req.Header.Get("User-Agent") != "" {
			t.Error("the caller's header was modified")
		}
	}
	if New(Options{}).UserAgent() != "pollwire/dev" {
		t.Error("no User-Agent without a version")
	}
}

func TestDoFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	resp, err := New(Options{Proxy: noProxy}).Do(newRequest(t, srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound || asked.Load() != 1 {
		t.Errorf("status %d after %d requests, want the redirect itself", resp.StatusCode, asked.Load())
	}
}

func TestDoReusesConnections(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("x", 30<<10)))
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	c := New(Options{Proxy: noProxy})
	for range 5 {
		resp, err := c.Do(newRequest(t, srv.URL))
		if err != nil {
			t.Fatal(err)
		}
		if start, cut := c.ReadStart(resp, 10); len(start) != 10 || !cut {
			t.Errorf("ReadStart = %d bytes, cut %t", len(start), cut)
		}
		resp.Body.Close()
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections for five requests, want 1", n)
	}
	c.CloseIdle()
}

func TestDoSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	tls := srv.Client().Transport.(*http.Transport).TLSClientConfig
	c := New(Options{TLS: tls, Proxy: noProxy})
	resp, err := c.Do(newRequest(t, srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Errorf("protocol = %s, want HTTP/2", resp.Proto)
	}
	// A guarded request must have a connection of its own.
	resp, err = c.DoGuarded(newRequest(t, srv.URL), Guard{Private: true})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 1 {
		t.Errorf("guarded protocol = %s, want HTTP/1.1", resp.Proto)
	}
}

func TestDoRefusesOtherURLs(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	for _, raw := range []string{"file:///etc/passwd", "ftp://host/", "http:///path"} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(&http.Request{URL: u}); err == nil {
			t.Errorf("Do(%s) was sent", raw)
		}
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDoStripsURLFromErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("no route")
	c := New(Options{RoundTripper: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: cause}
	})})
	_, err := c.Do(newRequest(t, "https://user:hunter2@api.example.com/v1?token=s3cret"))
	if !errors.Is(err, cause) {
		t.Fatalf("Do = %v, want the cause", err)
	}
	if want := "Get https://api.example.com/v1?token=…: no route"; err.Error() != want {
		t.Errorf("Do = %q, want %q", err, want)
	}
}

// A peer that accepts and then says nothing costs no more than the timeout.
func TestResponseHeaderTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{
			Proxy:                 noProxy,
			ResponseHeaderTimeout: 3 * time.Second,
			Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					buf := make([]byte, 1024)
					for {
						if _, err := theirs.Read(buf); err != nil {
							return
						}
					}
				}()
				return ours, nil
			},
		})
		start := time.Now()
		_, err := c.Do(newRequest(t, "http://silent.example/"))
		if err == nil || time.Since(start) != 3*time.Second {
			t.Errorf("Do = %v after %v, want an error after 3s", err, time.Since(start))
		}
	})
}

func TestHeaderSizeIsBounded(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeaderBytes))
	})
	if resp, err := New(Options{Proxy: noProxy}).Do(newRequest(t, srv.URL)); err == nil {
		resp.Body.Close()
		t.Error("a header beyond the bound was taken")
	}
}
