package poller

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestFetchReturnsWholeAnswer(t *testing.T) {
	t.Parallel()
	const body = `{"orders":[1,2,3]}`
	modified := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "Application/JSON; charset=utf-8")
		w.Header().Set("ETag", `W/"v1"`)
		w.Header().Set("Last-Modified", modified)
		_, _ = io.WriteString(w, body)
	})
	o := mustFetch(t, newFetcher(t, FetcherOptions{}), newSource(srv.URL), State{})
	want := &Observation{
		Source: "shop", Status: 200, Requests: 1, Bytes: int64(len(body)), ContentType: "application/json", Body: []byte(body),
		State: State{ETag: `W/"v1"`, LastModified: modified, RawHash: sha256.Sum256([]byte(body))},
	}
	if diff := cmp.Diff(want, o, cmpopts.IgnoreUnexported(Observation{}), cmpopts.IgnoreFields(Observation{}, "At", "Duration")); diff != "" {
		t.Errorf("observation (-want +got):\n%s", diff)
	}
	if o.At.IsZero() || o.Duration <= 0 {
		t.Errorf("at %v, took %v", o.At, o.Duration)
	}
	o.Release()
	o.Release()
	if o.Body != nil {
		t.Error("the body outlives its release")
	}
}

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

func TestFetchUnchanged(t *testing.T) {
	t.Parallel()
	const body = `{"n":1}`
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, body)
	})
	f := newFetcher(t, FetcherOptions{})
	s := newSource(srv.URL)
	first := mustFetch(t, f, s, State{})
	state := first.State
	first.Release()

	again := mustFetch(t, f, s, state)
	if again.Status != http.StatusNotModified || !again.Unchanged || again.Body != nil || again.State != state {
		t.Errorf("304: %+v", again)
	}
	again.Release()

	unconditional := newSource(srv.URL)
	unconditional.Request.Conditional = false
	same := mustFetch(t, f, unconditional, state)
	if same.Status != http.StatusOK || !same.Unchanged || same.Body != nil || same.State != state {
		t.Errorf("equal bytes: %+v", same)
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

func fakeAnswer(code int, body string, h http.Header) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: code, Header: h, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
}

func TestFetchRefusesUnfitAnswers(t *testing.T) {
	t.Parallel()
	typed := func(ct string) http.Header { return http.Header{"Content-Type": {ct}} }
	tests := []struct {
		name   string
		code   int
		body   string
		header http.Header
		change func(*Request)
		want   string // the end of the error's text; empty for an observation
	}{
		{"not found", 404, "no such thing", nil, nil, "answered 404 Not Found: no such thing"},
		{"unknown code", 599, "", nil, nil, "answered 599"},
		{"html error page", 503, "<html>\n<b>down</b>", nil, nil, "answered 503 Service Unavailable: <html> <b>down</b>"},
		{"created is not ok", 201, "{}", nil, nil, "answered 201 Created: {}"},
		{"created is listed", 201, "{}", nil, func(r *Request) { r.SuccessStatusCodes = []int{200, 201} }, ""},
		{"404 is listed", 404, "gone", nil, func(r *Request) { r.SuccessStatusCodes = []int{404} }, ""},
		{"empty", 200, "", nil, nil, "answered 200 with an empty body"},
		{"no content", 204, "", nil, nil, "answered 204 No Content"},
		{"no content is listed", 204, "", nil, func(r *Request) { r.SuccessStatusCodes = []int{204}; r.ContentType = "text/csv" }, ""},
		{"304 without validators", 304, "", nil, nil, "answered 304 Not Modified, though no validators were sent"},
		{
			"html page with 200", 200, "<h1>Maintenance</h1>", typed("text/html; charset=utf-8"),
			func(r *Request) { r.ContentType = "application/json" },
			"content type is text/html, not application/json (expect.content_type): <h1>Maintenance</h1>",
		},
		{
			"type missing", 200, "{}", nil, func(r *Request) { r.ContentType = "application/json" },
			"content type is missing, not application/json (expect.content_type): {}",
		},
		{"type with parameters", 200, "{}", typed("APPLICATION/json;charset=utf-8"), func(r *Request) { r.ContentType = "application/JSON" }, ""},
		{
			"too large", 200, "123456", nil, func(r *Request) { r.MaxBodySize = 5 },
			"body is larger than 5 bytes after decompression: raise request.max_body_size",
		},
		{"brotli", 200, "x", http.Header{"Content-Encoding": {"br"}}, nil, `content encoding "br" was not asked for and is not understood`},
		{
			"redirect not followed", 302, "",
			http.Header{"Location": {"/x?key=s3cret"}},
			func(r *Request) { r.FollowRedirects = false },
			"answered 302 Found, a redirect to http://api.example/x?key=… that is not followed",
		},
		{
			"redirect of a post", 307, "",
			http.Header{"Location": {"/x"}},
			func(r *Request) { r.Method = "POST" },
			"answered 307 Temporary Redirect, a redirect to http://api.example/x that is not followed",
		},
		{"redirect without location", 302, "", nil, nil, "answered 302 Found"},
		{"long body", 500, strings.Repeat("x", 10_000), nil, nil, ": " + strings.Repeat("x", 200)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFetcher(t, FetcherOptions{RoundTripper: fakeNetwork(func(*http.Request) (*http.Response, error) {
				return fakeAnswer(tt.code, tt.body, tt.header), nil
			})})
			s := newSource("http://api.example/v1")
			if tt.change != nil {
				tt.change(&s.Request)
			}
			o, err := f.Fetch(t.Context(), s, State{})
			if tt.want == "" {
				if err != nil || o.Status != tt.code || string(o.Body) != tt.body {
					t.Errorf("Fetch = %+v, %v, want an observation", o, err)
				}
				return
			}
			fe := mustFail(t, o, err)
			if !strings.HasSuffix(fe.Error(), tt.want) || !strings.HasPrefix(fe.Error(), s.Request.Method+" http://api.example/v1: ") {
				t.Errorf("error %q, want …%q", fe, tt.want)
			}
			if fe.Status != tt.code || fe.Retryable != (tt.code >= 500) {
				t.Errorf("status %d, retryable %t", fe.Status, fe.Retryable)
			}
		})
	}
}

func TestFetchHeadHasNothingToCompare(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "100") })
	s := newSource(srv.URL)
	s.Request.Method = http.MethodHead
	o, err := newFetcher(t, FetcherOptions{}).Fetch(t.Context(), s, State{})
	if fe := mustFail(t, o, err); !errors.Is(fe, ErrUnfit) || !strings.Contains(fe.Error(), "HEAD") {
		t.Errorf("HEAD: %v", fe)
	}
}

func TestFetchRetryAfter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code      int
		header    string
		want      time.Duration
		retryable bool
	}{
		{429, "7", 7 * time.Second, true},
		{503, "0", time.Second, true},
		{403, "60", time.Minute, false},
		{503, "soon", 0, true},
		{500, "", 0, true},
	}
	for _, tt := range tests {
		f := newFetcher(t, FetcherOptions{RoundTripper: fakeNetwork(func(*http.Request) (*http.Response, error) {
			return fakeAnswer(tt.code, "", http.Header{"Retry-After": {tt.header}}), nil
		})})
		o, err := f.Fetch(t.Context(), newSource("http://api.example/"), State{})
		if fe := mustFail(t, o, err); fe.RetryAfter != tt.want || fe.Retryable != tt.retryable {
			t.Errorf("%d with %q: %v, retryable %t", tt.code, tt.header, fe.RetryAfter, fe.Retryable)
		}
	}
}

func TestFetchTimesOut(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sent, want string }{
		{"silence", "", "timed out after 5s waiting for the answer (request.timeout)"},
		{"slow header", "HTTP/1.1 200 OK\r\nContent-", "timed out after 5s waiting for the answer (request.timeout)"},
		{"slow body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", "timed out after 5s reading the body (request.timeout)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFetcher(t, FetcherOptions{Dial: pipeTo(func(conn net.Conn) {
					_, _ = io.WriteString(conn, tt.sent)
					_, _ = io.Copy(io.Discard, conn)
				})})
				start := time.Now()
				o, err := f.Fetch(t.Context(), newSource("http://slow.example/"), State{})
				fe := mustFail(t, o, err)
				if time.Since(start) != 5*time.Second || !errors.Is(fe, ErrTimeout) || !fe.Retryable {
					t.Errorf("after %v: %v, retryable %t", time.Since(start), fe, fe.Retryable)
				}
				if !strings.HasSuffix(fe.Error(), tt.want) {
					t.Errorf("error %q, want …%q", fe, tt.want)
				}
			})
		})
	}
}

// pipeTo is a network on which every connection is served by serve, after the
// request's header was read.
func pipeTo(serve func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			if _, err := theirs.Read(make([]byte, 4096)); err == nil {
				serve(theirs)
			}
		}()
		return ours, nil
	}
}

// The body of an endless answer costs no more than its limit, and a body that
// trickles no more than the timeout.
func TestFetchTrickleAndFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		trickle := newFetcher(t, FetcherOptions{Dial: pipeTo(func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				_, _ = io.Copy(io.Discard, conn)
			}()
			for {
				select {
				case <-gone:
					return
				case <-time.After(time.Second):
					_, _ = io.WriteString(conn, "x")
				}
			}
		})})
		o, err := trickle.Fetch(t.Context(), newSource("http://slow.example/"), State{})
		if fe := mustFail(t, o, err); !errors.Is(fe, ErrTimeout) {
			t.Errorf("trickle: %v", fe)
		}
	})
	flood := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		piece := make([]byte, 32<<10)
		for {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	o, err := newFetcher(t, FetcherOptions{}).Fetch(t.Context(), newSource(flood.URL), State{})
	if fe := mustFail(t, o, err); fe.Retryable || !strings.Contains(fe.Error(), "request.max_body_size") {
		t.Errorf("flood: %v", fe)
	}
}

// A stop is not the source's failure, and is told apart from a timeout.
func TestFetchStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFetcher(t, FetcherOptions{Dial: pipeTo(func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })})
		cause := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2*time.Second, func() { cancel(cause) })
		o, err := f.Fetch(ctx, newSource("http://slow.example/"), State{})
		fe := mustFail(t, o, err)
		if !errors.Is(fe, cause) || !errors.Is(fe, context.Canceled) || errors.Is(fe, ErrTimeout) || fe.Retryable {
			t.Errorf("stop: %v, retryable %t", fe, fe.Retryable)
		}
	})
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

func TestFetchCertificate(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = quiet
	srv.StartTLS()
	t.Cleanup(srv.Close)
	o, err := newFetcher(t, FetcherOptions{}).Fetch(t.Context(), newSource(srv.URL), State{})
	if fe := mustFail(t, o, err); fe.Retryable || !strings.Contains(fe.Error(), "certificate") {
		t.Errorf("unknown authority: %v, retryable %t", fe, fe.Retryable)
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

// Bodies of concurrent polls never mix in the pooled buffers.
func TestFetchConcurrently(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(strings.Repeat(r.URL.Path, 500))
	})
	f := newFetcher(t, FetcherOptions{})
	done := make(chan error, 8)
	for i := range 8 {
		path := "/" + strings.Repeat(string(rune('a'+i)), i+1)
		s := newSource(srv.URL + path)
		s.Name = path
		go func() {
			for range 20 {
				o, err := f.Fetch(t.Context(), s, State{})
				if err != nil {
					done <- err
					return
				}
				var text string
				if err := json.Unmarshal(o.Body, &text); err != nil || text != strings.Repeat(path, 500) {
					done <- errors.New("bodies were mixed")
					return
				}
				o.Release()
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
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
