package dashboard

import (
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

// ask is what the dashboard of f answers.
func ask(t *testing.T, f *fake, method, path, form string) *http.Response {
	t.Helper()
	return askOf(New(Options{Controller: f, LastReload: f.LastReload, Version: "v0.9.0", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}), method, path, form)
}

// askOf is what a handler answers.
func askOf(h http.Handler, method, path, form string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// body is the whole of an answer.
func body(t *testing.T, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryAnswerIsProtected(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/sources", "/nowhere", "/assets/dashboard.css", "/assets/none"} {
		got := ask(t, newFake(), http.MethodGet, path, "").Header
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
		} {
			if !strings.HasPrefix(got.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, got.Get(name))
			}
		}
	}
}

// TestPagesNeedNothingInline reads all pages: what the policy forbids would be
// dropped by browsers without a word.
func TestPagesNeedNothingInline(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/nowhere", "/sources", "/sources/orders", "/sources/fx-rates", "/login"} {
		page := body(t, ask(t, newFake(), http.MethodGet, path, ""))
		for _, inline := range []string{" style=", "<style", " onclick=", "<script>", "javascript:"} {
			if strings.Contains(page, inline) {
				t.Errorf("%s has %q", path, inline)
			}
		}
	}
}

func TestAssetsAreKeptByTheirHash(t *testing.T) {
	t.Parallel()
	a := newAssets()
	for name, mediaType := range map[string]string{"dashboard.css": "text/css", "dashboard.js": "text/javascript", "favicon.svg": "image/svg+xml"} {
		address, err := a.address(name)
		if err != nil {
			t.Fatal(err)
		}
		got := ask(t, newFake(), http.MethodGet, address, "")
		if got.StatusCode != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), mediaType) || !strings.Contains(got.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", address, got.StatusCode, got.Header)
		}
		if old := ask(t, newFake(), http.MethodGet, assetPath+name+"?v=old", ""); old.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s of another version is kept: %v", name, old.Header)
		}
	}
	if _, err := a.address("none"); err == nil {
		t.Error("a file that is not there has an address")
	}
	if got := ask(t, newFake(), http.MethodGet, "/assets/none", ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("a file that is not there: %d", got.StatusCode)
	}
}

func TestWhatGoesWrongIsSaidOnAPage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, path string
		err                error
		status             int
		want               string
	}{
		{"no page", "GET", "/nowhere", nil, 404, "nothing at this address"},
		{"no form", "POST", "/nowhere", nil, 404, ""},
		{"another method", "POST", "/", nil, 405, ""},
		{"the database", "GET", "/sources", errors.New("disk secret"), 500, "log says what"},
		{"a full disk", "GET", "/sources", fmt.Errorf("write /secret: %w", store.ErrFull), 507, "make room"},
		{"a locked database", "GET", "/sources", fmt.Errorf("write /secret: %w", store.ErrBusy), 503, "let go"},
		{"a database that is away", "GET", "/sources", fmt.Errorf("secret: %w", store.ErrUnreachable), 503, "cannot be reached"},
		{"a lease that was lost", "GET", "/sources", fmt.Errorf("secret: %w", store.ErrNotHeld), 503, "another node"},
		{"a refusal", "GET", "/sources", &server.Refusal{Status: 503, Reason: "not now, <later>"}, 503, "not now, &lt;later&gt;"},
		{"a conflict", "GET", "/sources", &server.Refusal{Reason: "not now"}, 409, "not now"},
	} {
		f := newFake()
		f.err = tc.err
		got := ask(t, f, tc.method, tc.path, "")
		text := body(t, got)
		if got.StatusCode != tc.status || !strings.Contains(text, tc.want) || strings.Contains(text, "secret") {
			t.Errorf("%s: %d %s", tc.name, got.StatusCode, text)
		}
	}
}

// TestEveryLinkLeadsSomewhere follows all links of all pages, but those to the API.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	f := newFake()
	h := New(Options{Controller: f, LastReload: f.LastReload, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	link := regexp.MustCompile(`href="(/[^"]*)"`)
	seen, todo := map[string]bool{"/": true}, []string{"/"}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		got := askOf(h, http.MethodGet, path, "")
		page := body(t, got)
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
		for _, found := range link.FindAllStringSubmatch(page, -1) {
			next := html.UnescapeString(found[1])
			if !seen[next] && !strings.HasPrefix(next, "/v1/") && next != "/readyz" && len(seen) < 1000 {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d pages were found", len(seen))
	}
}
