package poller

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
