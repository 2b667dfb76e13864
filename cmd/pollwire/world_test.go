package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/notify"
)

// api is an upstream that answers what it is told to.
type api struct {
	url string

	mu     sync.Mutex
	status int
	body   string
	asked  chan struct{} // gets a token at each request, where there is room
	hold   chan struct{} // answers wait until it is closed; nil for no wait
}

func newAPI(t *testing.T, body string) *api {
	t.Helper()
	a := &api{status: http.StatusOK, body: body, asked: make(chan struct{}, 1)}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	status, body, hold := a.status, a.body, a.hold
	a.mu.Unlock()
	select {
	case a.asked <- struct{}{}:
	default:
	}
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client may have gone
}

func (a *api) says(status int, body string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status, a.body = status, body
}

// setup is a configuration on disk, with what it names.
type setup struct {
	dir, config, database string
	api                   *api
	hooks                 *hooks
}

// newSetup writes a configuration with one source of a list and one endpoint.
// The path of its database is short enough for a socket.
func newSetup(t *testing.T, body string) *setup {
	t.Helper()
	s := &setup{dir: shortDir(t), api: newAPI(t, body), hooks: newHooks(t)}
	s.config, s.database = filepath.Join(s.dir, "pollwire.yaml"), filepath.Join(s.dir, "p.db")
	s.write(t, fmt.Sprintf(`storage: {dsn: "sqlite:%s"}
server: {listen: ""}
sources:
  - name: orders
    schedule: "@every 100ms"
    request: {url: "%s/orders?key=hidden-key"}
    auth: {type: bearer, token: hidden-token}
    items: {path: data, key: id}
    retry: {max_attempts: 1}
    event_type: shop.order
endpoints:
  - {name: you, url: "%s/hook", secrets: ["%s"], retry: {schedule: [10ms, 1h], jitter: 0}}
`, s.database, s.api.url, s.hooks.url, s.hooks.secret))
	return s
}

func (s *setup) write(t *testing.T, yaml string) {
	t.Helper()
	if err := os.WriteFile(s.config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
}

// change replaces something in the configuration.
func (s *setup) change(t *testing.T, old, by string) {
	t.Helper()
	yaml, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(yaml, []byte(old)) {
		t.Fatalf("the configuration has no %s", old)
	}
	s.write(t, strings.Replace(string(yaml), old, by, 1))
}

// shortDir is a temporary folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// runDaemon starts the daemon and returns when it runs.
func (s *setup) runDaemon(t *testing.T) *background {
	t.Helper()
	b := start(t, "run", "-c", s.config)
	b.stderr.await(t, "pollwire started")
	return b
}

// baseline runs the daemon until it has stored what the API says. The source is
// asked again only after its answer was stored.
func (s *setup) baseline(t *testing.T) {
	t.Helper()
	b := s.runDaemon(t)
	s.awaitPolls(t, 3)
	if code := b.stop(t); code != exitOK {
		t.Fatalf("the daemon ended with %d:\n%s", code, b.stderr)
	}
}

// awaitPolls waits for requests to the API. The first may have been under way
// or waiting to be counted.
func (s *setup) awaitPolls(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-s.api.asked:
		case <-time.After(patience):
			t.Fatal("the API was not asked")
		}
	}
}

// hooks is a receiver that hands over what it was told.
type hooks struct {
	url, secret string
	told        chan *hook
}

type hook struct {
	header http.Header
	body   []byte
}

func newHooks(t *testing.T) *hooks {
	t.Helper()
	h := &hooks{secret: notify.GenerateSecret(), told: make(chan *hook, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h.told <- &hook{r.Header, body}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// next returns the next webhook.
func (h *hooks) next(t *testing.T) *hook {
	t.Helper()
	select {
	case w := <-h.told:
		return w
	case <-time.After(patience):
		t.Fatal("no webhook arrives")
		return nil
	}
}
