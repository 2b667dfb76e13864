package daemon_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
)

// detailShop is an API with a list, and a page for each of its items.
type detailShop struct {
	mu    sync.Mutex
	list  string
	pages map[string]string
	asked []string
	news  chan struct{}
}

func (s *detailShop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.Path)
	defer func() {
		close(s.news)
		s.news = make(chan struct{})
	}()
	body, ok := s.pages[r.URL.Path], true
	if r.URL.Path == "/orders" {
		body = s.list
		tag := fmt.Sprintf("%q", body)
		w.Header().Set("Etag", `"`+fmt.Sprint(len(tag), strings.Count(tag, "b"))+`"`)
		if r.Header.Get("If-None-Match") == w.Header().Get("Etag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	} else if body == "" {
		ok = false
	}
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, body)
}

// set changes what the API has, and forgets what it was asked.
func (s *detailShop) set(list string, pages map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.pages, s.asked = list, pages, nil
}

// await waits until so many requests have come, and returns them.
func (s *detailShop) await(t *testing.T, n int) []string {
	t.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		asked, news := slices.Clone(s.asked), s.news
		s.mu.Unlock()
		if len(asked) >= n {
			return asked
		}
		select {
		case <-news:
		case <-timeout:
			t.Fatalf("asked for %v only", asked)
		}
	}
}

// List, then detail: what changed in the list is fetched, what failed is fetched
// again although the list stays, and a restart between forgets nothing.
func TestDetails(t *testing.T) {
	t.Parallel()
	shop := &detailShop{news: make(chan struct{})}
	server := httptest.NewServer(shop)
	defer server.Close()
	told := newHooks(t)
	yaml := fmt.Sprintf(`
sources:
  - name: orders
    schedule: "@yearly"
    request: {url: "%s/orders"}
    items: {key: id}
    detail: {url: "%s/orders/{item.id}"}
endpoints:
  - {name: ops, url: %q, secrets: [%q]}
`, server.URL, server.URL, told.url, told.secret)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, yaml)
	shop.set(`[{"id":1,"v":"a"},{"id":2,"v":"a"},{"id":3,"v":"a"}]`, map[string]string{"/orders/1": `{"n":1}`, "/orders/2": `{"n":1}`, "/orders/3": `{"n":1}`})
	d.poll(t, "orders")
	shop.await(t, 4)
	d.unchanged(t, "orders")

	shop.set(`[{"id":1,"v":"a"},{"id":2,"v":"b"},{"id":3,"v":"a"},{"id":4,"v":"a"}]`, map[string]string{"/orders/2": `{"n":2}`})
	d.poll(t, "orders")
	updated := told.await(t, "2", func(e receiver.Envelope) bool { return e.Type == "pollwire.item.updated" })
	if string(updated.Data.Before) != `{"n":1}` || string(updated.Data.After) != `{"n":2}` {
		t.Errorf("told %s to %s", updated.Data.Before, updated.Data.After)
	}
	if asked := shop.await(t, 3); !slices.Equal(asked[:3], []string{"/orders", "/orders/2", "/orders/4"}) {
		t.Errorf("asked for %v", asked)
	}

	stopDaemon(t, d.Daemon)
	d = restartDaemon(t, dir, yaml)
	shop.set(shop.list, map[string]string{"/orders/4": `{"n":4}`})
	d.poll(t, "orders")
	told.await(t, "4", func(e receiver.Envelope) bool { return e.Type == "pollwire.item.created" })
	if asked := shop.await(t, 2); !slices.Equal(asked[:2], []string{"/orders", "/orders/4"}) {
		t.Errorf("asked for %v", asked)
	}

	shop.set(`[{"id":1,"v":"a"},{"id":2,"v":"b"},{"id":4,"v":"a"}]`, nil)
	d.poll(t, "orders")
	gone := told.await(t, "3", func(e receiver.Envelope) bool { return e.Type == "pollwire.item.deleted" })
	if string(gone.Data.Before) != `{"n":1}` || told.count() != 3 {
		t.Errorf("told %s", told.dump())
	}
}
