package poller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFetchSendsWhatIsConfigured(t *testing.T) {
	t.Parallel()
	type seen struct {
		Method, Host, Query, Body string
		Header                    http.Header
	}
	got := make(chan seen, 1)
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Method, r.Host, r.URL.RawQuery, string(body), r.Header}
		_, _ = io.WriteString(w, "ok")
	})
	f := newFetcher(t, FetcherOptions{Version: "9"})
	s := newSource(strings.Replace(srv.URL, "://", "://u:pw@", 1) + "/?a=1#frag")
	mustFetch(t, f, s, State{}).Release()
	want := seen{"GET", strings.TrimPrefix(srv.URL, "http://"), "a=1", "", http.Header{
		"User-Agent": {"pollwire/9"}, "Accept-Encoding": {"gzip"}, "Authorization": {"Basic dTpwdw=="},
	}}
	if diff := cmp.Diff(want, <-got); diff != "" {
		t.Errorf("plain request (-want +got):\n%s", diff)
	}

	s = newSource(srv.URL)
	s.Request.Method = http.MethodPost
	s.Request.Body = []byte(`{"query":"{x}"}`)
	s.Request.Header = http.Header{
		"content-type": {"application/json"}, "Host": {"api.example"}, "User-Agent": {"me"}, "Accept-Encoding": {"identity"},
	}
	s.Request.Auth = Bearer{Token: "tok"}
	mustFetch(t, f, s, State{ETag: `"x"`}).Release()
	want = seen{"POST", "api.example", "", `{"query":"{x}"}`, http.Header{
		"User-Agent": {"me"}, "Accept-Encoding": {"identity"}, "Content-Type": {"application/json"},
		"Content-Length": {"15"}, "Authorization": {"Bearer tok"},
	}}
	if diff := cmp.Diff(want, <-got); diff != "" {
		t.Errorf("full request (-want +got):\n%s", diff)
	}
}

// A date is sent only where there is no ETag, which is exact; neither is sent
// with a request that is no read.
func TestFetchValidators(t *testing.T) {
	t.Parallel()
	const date = "Sun, 01 Mar 2026 12:00:00 GMT"
	got := make(chan [2]string, 1)
	f := newFetcher(t, FetcherOptions{RoundTripper: fakeNetwork(func(r *http.Request) (*http.Response, error) {
		got <- [2]string{r.Header.Get("If-None-Match"), r.Header.Get("If-Modified-Since")}
		return fakeAnswer(200, "x", nil), nil
	})})
	tests := []struct {
		name, method string
		state        State
		want         [2]string
	}{
		{"none", "GET", State{}, [2]string{}},
		{"both", "GET", State{ETag: `"a"`, LastModified: date}, [2]string{`"a"`, ""}},
		{"other etag", "GET", State{ETag: `"b"`}, [2]string{`"b"`, ""}},
		{"date", "GET", State{LastModified: date}, [2]string{"", date}},
		{"empty method", "", State{ETag: `"a"`}, [2]string{`"a"`, ""}},
		{"post", "POST", State{ETag: `"a"`, LastModified: date}, [2]string{}},
	}
	for _, tt := range tests {
		s := newSource("http://api.example/")
		s.Request.Method = tt.method
		for range 2 {
			mustFetch(t, f, s, tt.state).Release()
			if g := <-got; g != tt.want {
				t.Errorf("%s: validators %q, want %q", tt.name, g, tt.want)
			}
		}
	}
}

// An answer to a request that cannot be sent is a clear error, said at once.
func TestFetchBadRequests(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	f := newFetcher(t, FetcherOptions{RoundTripper: fakeNetwork(func(*http.Request) (*http.Response, error) {
		asked.Add(1)
		return fakeAnswer(200, "x", nil), nil
	})})
	tests := []struct {
		name   string
		change func(*Request)
		want   string
	}{
		{"url", func(r *Request) { r.URL = "http://user:hunter2@host:port/" }, "parse request.url"},
		{"method", func(r *Request) { r.Method = "GE T" }, "create request"},
		{"header", func(r *Request) { r.Header = http.Header{"X-Key": {"hunter2\n"}} }, "header X-Key has a value with control characters"},
		{"token", func(r *Request) { r.Auth = Bearer{} }, "bearer token is empty"},
	}
	for _, tt := range tests {
		s := newSource("http://api.example/")
		tt.change(&s.Request)
		o, err := f.Fetch(t.Context(), s, State{})
		fe := mustFail(t, o, err)
		if fe.Retryable || !strings.Contains(fe.Error(), tt.want) || strings.Contains(fe.Error(), "hunter2") {
			t.Errorf("%s: %v, retryable %t", tt.name, fe, fe.Retryable)
		}
	}
	if asked.Load() != 0 {
		t.Error("a bad request was sent")
	}
}

// After a reload the same name is another source.
func TestFetchSeesReplacedSource(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, FetcherOptions{RoundTripper: fakeNetwork(func(r *http.Request) (*http.Response, error) {
		return fakeAnswer(200, r.URL.Path, nil), nil
	})})
	for _, path := range []string{"/a", "/b", "/b"} {
		o := mustFetch(t, f, newSource("http://api.example"+path), State{})
		if string(o.Body) != path {
			t.Errorf("asked %s, want %s", o.Body, path)
		}
		o.Release()
	}
	f.Forget("shop")
	if len(f.templates) != 0 {
		t.Error("a forgotten source is kept")
	}
}

type rotatingAuth struct{ n atomic.Int32 }

func (a *rotatingAuth) Authorize(_ context.Context, r *http.Request) error {
	n := a.n.Add(1)
	if n > 2 {
		return errors.New("token endpoint is down")
	}
	r.Header.Set("Authorization", strings.Repeat("x", int(n)))
	return nil
}

// An Auth that is not constant is asked each time, and cannot spoil the headers
// that requests share.
func TestFetchAsksAuthEachTime(t *testing.T) {
	t.Parallel()
	var got []string
	f := newFetcher(t, FetcherOptions{RoundTripper: fakeNetwork(func(r *http.Request) (*http.Response, error) {
		got = append(got, r.Header.Get("Authorization"))
		return fakeAnswer(200, "x", nil), nil
	})})
	s := newSource("http://api.example/")
	s.Request.Auth = new(rotatingAuth)
	mustFetch(t, f, s, State{}).Release()
	mustFetch(t, f, s, State{}).Release()
	o, err := f.Fetch(t.Context(), s, State{})
	if fe := mustFail(t, o, err); !fe.Retryable || !strings.Contains(fe.Error(), "token endpoint is down") {
		t.Errorf("broken auth: %v", fe)
	}
	if diff := cmp.Diff([]string{"x", "xx"}, got); diff != "" {
		t.Errorf("authorizations (-want +got):\n%s", diff)
	}
}

// Headers that sources had before are not kept, and those of many are one.
func TestHeadersAreShared(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, FetcherOptions{RoundTripper: &script{answers: []func() (*http.Response, error){answering(http.StatusOK, `{}`)}}})
	ask := func(name, version string) {
		s := newSource("https://api.example")
		s.Name, s.Request.Header = name, http.Header{"X-Version": {version}}
		mustFetch(t, f, s, State{}).Release()
	}
	for i := range 20 {
		for _, name := range []string{"a", "b", "c"} {
			ask(name, fmt.Sprint(i))
		}
		if len(f.headers) != 1 {
			t.Fatalf("%d headers are kept, want 1", len(f.headers))
		}
	}
}
