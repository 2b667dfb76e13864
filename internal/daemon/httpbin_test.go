package daemon_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mccutchen/go-httpbin/v2/httpbin"

	"github.com/pollwire/pollwire/internal/server"
)

// bin is go-httpbin, a server that others have written to try HTTP clients
// with, and what was asked of it.
type bin struct {
	url string

	mu    sync.Mutex
	codes map[string][]int // of its answers, by path
	news  chan struct{}    // closed and replaced with each answer
}

func newBin(t *testing.T) *bin {
	t.Helper()
	b := &bin{codes: make(map[string][]int), news: make(chan struct{})}
	handler := httpbin.New(httpbin.WithAllowedRedirectDomains([]string{"127.0.0.1", "169.254.169.254", "bin.invalid"})).Handler()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noted := &notedWriter{ResponseWriter: w, code: http.StatusOK}
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.codes[r.URL.Path] = append(b.codes[r.URL.Path], noted.code)
			close(b.news)
			b.news = make(chan struct{})
		}()
		handler.ServeHTTP(noted, r)
	}))
	t.Cleanup(s.Close)
	b.url = s.URL
	return b
}

// await waits until a path was answered with a code.
func (b *bin) await(t *testing.T, path string, code int) {
	t.Helper()
	timeout := time.After(patience)
	for {
		b.mu.Lock()
		news, codes := b.news, b.codes[path]
		b.mu.Unlock()
		if slices.Contains(codes, code) {
			return
		}
		select {
		case <-news:
		case <-timeout:
			t.Fatalf("%s was answered %v, never %d", path, codes, code)
		}
	}
}

type notedWriter struct {
	http.ResponseWriter
	code int
}

func (w *notedWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach what drips and flushes.
func (w *notedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush is what go-httpbin asks the writer itself for.
func (w *notedWriter) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// TestAskHTTPBin asks each of its ways to answer once. Where reason is set the
// poll fails, and says so.
func TestAskHTTPBin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, keys string
		status           int
		reason           string
	}{
		{"json", "/json", "", 200, ""},
		{"gzip", "/gzip", "", 200, ""},
		{"deflate", "/deflate", "", 200, "deflate"},
		{"utf8", "/encoding/utf8", "format: text", 200, ""},
		{"whole-list", "/json", "items: {path: slideshow.slides, key: title}", 200, ""},
		{"no-list", "/json", "items: {path: slideshow.pages, key: title}", 200, "slideshow.pages"},
		{"basic", "/basic-auth/me/pa%3Ass", `auth: {type: basic, username: me, password: "pa:ss"}`, 200, ""},
		{"basic-wrong", "/basic-auth/me/right", "auth: {type: basic, username: me, password: wrong}", 401, "401 Unauthorized"},
		{"basic-hidden", "/hidden-basic-auth/me/right", "auth: {type: basic, username: me, password: wrong}", 404, "404 Not Found"},
		{"bearer", "/bearer", "auth: {type: bearer, token: abc}", 200, ""},
		{"bearer-missing", "/bearer", "", 401, "401 Unauthorized"},
		{"digest", "/digest-auth/auth/me/right", "auth: {type: basic, username: me, password: right}", 401, "401 Unauthorized"},
		{"redirect", "/redirect/9", "", 200, ""},
		{"redirect-absolute", "/absolute-redirect/3", "", 200, ""},
		{"redirect-off", "/redirect/1", "request: {follow_redirects: false}", 302, "not followed"},
		{"redirect-many", "/redirect/11", "", 0, "more than 10 redirects"},
		{"redirect-metadata", "/redirect-to?url=http://169.254.169.254/latest", "", 0, "allow_networks"},
		{"redirect-scheme", "/redirect-to?url=file:///etc/passwd", "", 0, "redirect"},
		{"drip", "/drip?duration=200ms&numbytes=40", "format: text", 200, ""},
		{"drip-slow", "/drip?duration=5s&numbytes=10", "format: text\n    request: {timeout: 300ms}", 0, "request.timeout"},
		{"delay", "/delay/100ms", "", 200, ""},
		{"delay-long", "/delay/5s", "request: {timeout: 200ms}", 0, "request.timeout"},
		{"not-found", "/status/404", "", 404, "404 Not Found"},
		{"unavailable", "/status/503", "", 503, "503 Service Unavailable"},
		{"teapot", "/status/418", "", 418, "418"},
		{"created", "/status/201", "", 201, "201 Created"},
		{"no-content", "/status/204", "request: {success_status_codes: [204]}", 204, ""},
		{"empty", "/status/200", "", 200, "empty body"},
		{"too-large", "/stream-bytes/60000", "format: text\n    request: {max_body_size: 50KiB}", 200, "max_body_size"},
		{"binary", "/bytes/500", "format: json", 200, "JSON"},
		{"image", "/image/png", "expect: {content_type: application/json}", 200, "content type is image/png"},
		{"html", "/html", "", 200, "text/html"},
		{"xml", "/xml", "items: {path: slideshow.slide, key: title}", 200, ""},
		{"json-lines", "/jsonl", "items: {key: id}", 200, ""},
		{"stream", "/stream/5", "format: ndjson\n    items: {key: id}", 200, ""},
		{"post", "/post", `request: {method: POST, json: {a: 1}}`, 200, ""},
		{"method", "/post", "", 405, "405"},
		{"unstable", "/unstable?failure_rate=1", "", 500, "500"},
		{"cookies", "/cookies/set?name=value", "", 200, ""},
		{"trailers", "/trailers?Grpc-Status=13", "", 200, ""},
	}
	b := newBin(t)
	var yaml strings.Builder
	yaml.WriteString("defaults: {schedule: \"@yearly\", enabled: false, retry: {max_attempts: 1}}\nsources:\n")
	for _, tt := range tests {
		url, keys := fmt.Sprintf("url: %q", b.url+tt.path), tt.keys
		if before, after, ok := strings.Cut(keys, "request: {"); ok {
			keys, url = before, url+", "+strings.TrimSuffix(after, "}")
		}
		fmt.Fprintf(&yaml, "  - name: %s\n    request: {%s}\n    %s\n", tt.name, url, strings.TrimSpace(keys))
	}
	d := startDaemon(t, yaml.String())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			preview, err := d.client.Preview(t.Context(), tt.name)
			if err != nil {
				t.Fatal(err)
			}
			want := server.Baseline
			if tt.reason != "" {
				want = server.Failed
			}
			if preview.Outcome != want || preview.Status != tt.status || !strings.Contains(preview.Reason, tt.reason) {
				t.Errorf("%s %d: %s", preview.Outcome, preview.Status, preview.Reason)
			}
		})
	}
}

// TestConditionalAsHTTPBinUnderstandsIt: once an answer was accepted, the next
// poll is answered 304, and changes nothing.
func TestConditionalAsHTTPBinUnderstandsIt(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/etag/one", "/cache"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := newBin(t)
			d := startDaemon(t, fmt.Sprintf("sources:\n  - {name: thing, schedule: \"@yearly\", request: {url: %q}}\n", b.url+path))
			d.baseline(t, "thing")
			d.poll(t, "thing")
			b.await(t, path, http.StatusNotModified)
		})
	}
}
