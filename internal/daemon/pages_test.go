package daemon_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
)

// shelf is a list that an API gives in pages of five: by number, by offset, or
// by a cursor. In GraphQL the cursor is a variable.
type shelf struct {
	url string

	mu    sync.Mutex
	items []string
	// as says how a page is written.
	as func(items []string, next string) string
}

func newShelf(t *testing.T, items int) *shelf {
	t.Helper()
	s := &shelf{as: asJSON}
	for i := range items {
		s.items = append(s.items, fmt.Sprintf(`{"id":%d,"state":"new"}`, i+1))
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// change replaces one item, or removes it where it is empty.
func (s *shelf) change(id int, item string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.items, func(item string) bool {
		return strings.Contains(item, fmt.Sprintf(`"id":%d,`, id))
	})
	if item == "" {
		s.items = slices.Delete(s.items, at, at+1)
		return
	}
	s.items[at] = item
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const size = 5
	query, from := r.URL.Query(), 0
	var asked struct {
		Variables struct{ After string }
	}
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &asked); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	for _, text := range []string{query.Get("offset"), query.Get("cursor"), asked.Variables.After} {
		if text != "" {
			from, _ = strconv.Atoi(strings.TrimPrefix(text, "after-"))
		}
	}
	if page, err := strconv.Atoi(query.Get("page")); err == nil {
		from = (page - 1) * size
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	from = min(from, len(s.items))
	to, next := min(from+size, len(s.items)), ""
	if to < len(s.items) {
		next = "after-" + strconv.Itoa(to)
	}
	page := s.as(s.items[from:to], next)
	w.Header().Set("Content-Type", "application/json")
	if strings.HasPrefix(page, "<list>") {
		w.Header().Set("Content-Type", "application/xml")
	}
	_, _ = io.WriteString(w, page)
}

func asJSON(items []string, next string) string {
	return fmt.Sprintf(`{"data":[%s],"next":%q}`, strings.Join(items, ","), next)
}

// asCounted is asJSON with cursors that are no more than counts.
func asCounted(items []string, next string) string {
	return asJSON(items, strings.TrimPrefix(next, "after-"))
}

// asXML writes the same items as elements.
func asXML(items []string, next string) string {
	var out strings.Builder
	out.WriteString("<list>")
	for _, text := range items {
		var item struct {
			ID    int
			State string
		}
		if err := json.Unmarshal([]byte(text), &item); err != nil {
			panic(err) // the test's own
		}
		fmt.Fprintf(&out, `<data id="%d"><state>%s</state></data>`, item.ID, item.State)
	}
	return fmt.Sprintf("%s<next>%s</next></list>", out.String(), next)
}

// TestPagesAreOneList: what changed on one page and what vanished from another
// is told, also over a restart, however the pages are asked for. Where they are
// asked for by their place, an absence is told when it was seen twice.
func TestPagesAreOneList(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, keys string
		as         func([]string, string) string
		twice      bool
	}{
		{"page number", "pagination: {type: page_number, page_param: page, max_pages: 9}\n    items: {path: data, key: id}", asJSON, true},
		{"offset", "pagination: {type: offset, offset_param: offset, limit_param: limit, limit: 5, max_pages: 9}\n    items: {path: data, key: id}", asJSON, true},
		{"cursor", "pagination: {type: cursor, cursor_path: next, cursor_param: cursor}\n    items: {path: data, key: id}", asJSON, false},
		{"cursor that counts", "pagination: {type: cursor, cursor_path: next, cursor_param: cursor}\n    items: {path: data, key: id}", asCounted, true},
		{"cursor in XML", "pagination: {type: cursor, cursor_path: list.next, cursor_param: cursor}\n    items: {path: list.data, key: \"@id\"}", asXML, false},
		{"cursor of a GraphQL query", "pagination: {type: cursor, cursor_path: next, cursor_param: variables.after}\n    items: {path: data, key: id}", asJSON, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, h, dir := newShelf(t, 18), newHooks(t), daemon.MustMigrate(t)
			s.as = tt.as
			request := fmt.Sprintf("{url: %q}", s.url)
			if strings.Contains(tt.name, "GraphQL") {
				request = fmt.Sprintf("{url: %q, graphql: {query: \"query($after: String) { data }\"}}", s.url)
			}
			yaml := fmt.Sprintf(`
sources:
  - name: shelf
    schedule: "@yearly"
    request: %s
    %s
    event_type: shelf
endpoints:
  - {name: you, url: %q, secrets: [%q]}
`, request, tt.keys, h.url, h.secret)
			d := restartDaemon(t, dir, yaml)
			d.baseline(t, "shelf")
			stopDaemon(t, d.Daemon)

			s.change(12, `{"id":12,"state":"old"}`)
			s.change(7, "")
			d = restartDaemon(t, dir, yaml)
			d.poll(t, "shelf")
			updated := h.await(t, "12", anything)
			if updated.Data.Change != "updated" || !strings.Contains(string(updated.Data.Before), "new") {
				t.Errorf("%s of 12: %s", updated.Data.Change, updated.Data.Before)
			}
			if tt.twice {
				stopDaemon(t, d.Daemon)
				d = restartDaemon(t, dir, yaml)
				d.poll(t, "shelf")
			}
			gone := h.await(t, "7", anything)
			if gone.Data.Change != "deleted" || h.count() != 2 {
				t.Errorf("%s of 7, and in all:\n%s", gone.Data.Change, h.dump())
			}
			// What one poll saw has one time.
			if later := gone.Time != updated.Time; later != tt.twice {
				t.Errorf("told by another poll: %t, want %t", later, tt.twice)
			}
		})
	}
}

func anything(receiver.Envelope) bool { return true }

// TestAPageThatFails fails the whole poll: what it would have held is not
// deleted, and when it is back nothing is told but what changed.
func TestAPageThatFails(t *testing.T) {
	t.Parallel()
	s, h := newShelf(t, 18), newHooks(t)
	d := startDaemon(t, fmt.Sprintf(`
sources:
  - name: shelf
    schedule: "@yearly"
    request: {url: %q}
    pagination: {type: cursor, cursor_path: next, cursor_param: cursor}
    items: {path: data, key: id}
    expect: {max_removed: 100%%}
    retry: {max_attempts: 1}
endpoints:
  - {name: you, url: %q, secrets: [%q]}
`, s.url, h.url, h.secret))
	d.baseline(t, "shelf")
	for _, page := range []string{"", "<html>Sorry</html>", `{"error":"try again"}`, `{"data":[{"id":11,"sta`, `{"data":null,"next":""}`} {
		s.mu.Lock()
		s.as = func(items []string, next string) string {
			if next == "after-15" { // the third page
				return page
			}
			return asJSON(items, next)
		}
		s.mu.Unlock()
		preview, err := d.client.Preview(t.Context(), "shelf")
		if err != nil {
			t.Fatal(err)
		}
		if preview.Outcome != server.Failed || !strings.Contains(preview.Reason, "page 3") {
			t.Errorf("%q as a page: %s, %s", page, preview.Outcome, preview.Reason)
		}
		d.poll(t, "shelf")
	}
	s.mu.Lock()
	s.as = asJSON
	s.mu.Unlock()
	s.change(18, `{"id":18,"state":"old"}`)
	d.poll(t, "shelf")
	h.await(t, "18", anything)
	if h.count() != 1 {
		t.Errorf("told of more:\n%s", h.dump())
	}
}

// TestLongListsTakeLittleMemory polls a list of 12 MB in 60 pages twice. Each
// page is compared by itself, so that memory does not grow with their number.
func TestLongListsTakeLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads 25 MB")
	}
	s, h := newShelf(t, 300), newHooks(t)
	for i := range s.items {
		s.items[i] = fmt.Sprintf(`{"id":%d,"state":"new","text":"%s"}`, i+1, strings.Repeat(fmt.Sprintf("%d lorem ipsum ", i*7919), 3000))
	}
	d := startDaemon(t, fmt.Sprintf(`
sources:
  - name: shelf
    schedule: "@yearly"
    request: {url: %q, timeout: 30s}
    pagination: {type: cursor, cursor_path: next, cursor_param: cursor, max_pages: 500}
    items: {path: data, key: id}
endpoints:
  - {name: you, url: %q, secrets: [%q]}
`, s.url, h.url, h.secret))
	before, most := heldHeap(), int64(0)
	done, sampled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sampled)
		again := time.NewTicker(200 * time.Millisecond) // collecting all the time would be all that is done
		defer again.Stop()
		for {
			select {
			case <-done:
				return
			case <-again.C:
				most = max(most, heldHeap())
			}
		}
	}()
	d.baseline(t, "shelf")
	s.change(255, `{"id":255,"state":"old"}`)
	d.poll(t, "shelf")
	h.await(t, "255", anything)
	close(done)
	awaited(t, sampled)
	if grown := most - before; grown > 10<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

// heldHeap is what three collections in a row found in use: what is allocated
// while one is under way counts as live in it.
func heldHeap() int64 { return min(liveHeap(), liveHeap(), liveHeap()) }

// liveHeap is what of the heap is in use, in bytes: what a collection finds, and
// not what was thrown away meanwhile.
func liveHeap() int64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
