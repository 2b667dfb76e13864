package daemon_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
)

// TestUpgrade starts a daemon on the files that daemons of older schemas have
// written, testdata/schemaN.db.gz. Those polled the shop of this test, told "you"
// of each change, "late" of none, as it answered 500, and "gone" of none, as it
// answered 410. All of that goes on: what waited is told, no source begins anew,
// and the next changes are told from the state that was kept.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/schema*.db.gz")
	if err != nil || len(files) < 3 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			unpack(t, file, filepath.Join(dir, "pollwire.db"))
			upgrade(t, dir, !strings.Contains(file, "schema1"))
		})
	}
}

func unpack(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	unzipped, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// upgrade takes over the database in dir. The first schema knew no pages.
func upgrade(t *testing.T, dir string, pages bool) {
	s := newShop(t)
	you, late, gone := newHooks(t), newHooks(t), newHooks(t)
	sources := s.source("orders", ", items: {path: data, key: id}, event_type: shop.order, rate_limit: shop") +
		s.source("rate", "") + s.source("feed", ", items: {key: id, window: newest}")
	names := []string{"orders", "rate", "feed"}
	if pages {
		sources += s.source("catalog", ", items: {key: id}, pagination: {type: page_number, page_param: page, base_page: 1}")
		names = append(names, "catalog")
	}
	r := restartDaemon(t, dir, "rate_limits:\n  - {name: shop, requests: 1000, per: 1m, burst: 100}\nsources:\n"+sources+
		"endpoints:\n"+you.endpoint("you")+late.endpoint("late")+gone.endpoint("gone"))

	kept := r.changes(t)
	if want := len(names) + 1; len(kept) != want {
		t.Fatalf("the log has %d changes, want %d: %+v", len(kept), want, kept)
	}
	for _, e := range kept {
		late.await(t, e.Subject, func(told receiver.Envelope) bool { return told.ID == e.ID && told.Data.Hash == e.Data.Hash })
	}
	late.mu.Lock()
	orders := slices.DeleteFunc(slices.Clone(late.told), func(e receiver.Envelope) bool { return e.Source != "/sources/orders" })
	late.mu.Unlock()
	if len(orders) != 2 || orders[0].Sequence > orders[1].Sequence {
		t.Errorf("of the orders was told %+v", orders)
	}
	for _, name := range names {
		r.poll(t, name)
		r.unchanged(t, name)
	}
	if again := r.changes(t); len(again) != len(kept) || you.count() != 0 {
		t.Errorf("without a change there are %d more events, and %d webhooks", len(again)-len(kept), you.count())
	}

	s.change()
	for _, name := range names {
		r.poll(t, name)
	}
	wantNext(t, you, kept, "/sources/orders", "1", "3", `{"id":1,"status":"paid"}`, `{"id":1,"status":"shipped"}`)
	wantNext(t, you, kept, "/sources/rate", "", "2", `{"eur":1.09}`, `{"eur":1.10}`)
	wantNext(t, you, kept, "/sources/feed", "d", "2", "null", `{"id":"d","title":"D"}`)
	if pages {
		wantNext(t, you, kept, "/sources/catalog", "3", "2", `{"id":3,"name":"other"}`, `{"id":3,"name":"yet another"}`)
	}
	if gone.count() != 0 {
		t.Errorf("the endpoint that was gone was told:\n%s", gone.dump())
	}
	if _, err := r.client.ChangeEndpoint(t.Context(), "gone", server.Enable); err != nil {
		t.Fatal(err)
	}
	for _, e := range r.changes(t) {
		gone.await(t, e.Subject, func(told receiver.Envelope) bool { return told.ID == e.ID })
	}
}

// wantNext waits for the change of a subject that comes after those that were kept,
// and checks that it is chained to them.
func wantNext(t *testing.T, h *hooks, kept []receiver.Envelope, source, subject, sequence, before, after string) {
	t.Helper()
	e := h.await(t, subject, func(e receiver.Envelope) bool { return e.Source == source })
	if compact(e.Data.Before) != before || compact(e.Data.After) != after || e.Sequence != fmt.Sprintf("%020s", sequence) {
		t.Errorf("%s: told %s -> %s as number %s", source, e.Data.Before, e.Data.After, e.Sequence)
	}
	for _, old := range kept {
		if old.Source == source && old.Subject == subject && old.Data.Hash != e.Data.PreviousHash {
			t.Errorf("%s: the chain is broken: %s after %s", source, e.Data.PreviousHash, old.Data.Hash)
		}
	}
}

func compact(text json.RawMessage) string {
	return strings.NewReplacer(`": `, `":`, `, "`, `,"`).Replace(string(text))
}

// changes are the changes of the log.
func (r *running) changes(t *testing.T) (changes []receiver.Envelope) {
	t.Helper()
	page, err := r.client.Events(t.Context(), &server.EventQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, logged := range page.Events {
		var e receiver.Envelope
		if err := json.Unmarshal(logged.Envelope, &e); err != nil {
			t.Fatal(err)
		}
		if e.Sequence != "" {
			changes = append(changes, e)
		}
	}
	return changes
}

func (h *hooks) endpoint(name string) string {
	return fmt.Sprintf("  - {name: %s, url: \"%s\", secrets: [\"%s\"], order: source, retry: {schedule: [100ms], jitter: 0, max_retry_after: 1s}}\n", name, h.url, h.secret)
}

// shop is the API that older daemons polled, by the same URL: it is reached as a
// proxy.
type shop struct {
	proxy string
	mu    sync.Mutex
	// answers are by path and query.
	answers map[string]string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	page := func(first int, names ...string) string {
		var items []string
		for i, name := range names {
			items = append(items, fmt.Sprintf(`{"id": %d, "name": "%s"}`, first+i, name))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	s := &shop{answers: map[string]string{
		"/orders":         `{"data": [{"id": 1, "status": "paid"}, {"id": 2, "status": "new"}, {"id": 3, "status": "new"}]}`,
		"/rate":           `{"eur": 1.09}`,
		"/feed":           `[{"id": "b", "title": "B"}, {"id": "c", "title": "C"}]`,
		"/catalog?page=1": page(0, "thing 0", "thing 1", "thing 2"),
		"/catalog?page=2": page(3, "other", "thing 4", "thing 5"),
		"/catalog?page=3": page(6, "thing 6", "thing 7", "thing 8"),
		"/catalog?page=4": "[]",
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		answer, ok := s.answers[r.URL.RequestURI()]
		if !ok || r.Host != "shop.example" {
			t.Errorf("%s %s was asked", r.Host, r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	s.proxy = server.URL
	return s
}

// change changes one thing of each source.
func (s *shop) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, words := range map[string][2]string{
		"/orders":         {`"paid"`, `"shipped"`},
		"/rate":           {"1.09", "1.10"},
		"/feed":           {`{"id": "b", "title": "B"}, {"id": "c", "title": "C"}`, `{"id": "c", "title": "C"}, {"id": "d", "title": "D"}`},
		"/catalog?page=2": {"other", "yet another"},
	} {
		s.answers[path] = strings.Replace(s.answers[path], words[0], words[1], 1)
	}
}

func (s *shop) source(name, extra string) string {
	return fmt.Sprintf("  - {name: %s, schedule: \"@yearly\", request: {url: \"http://shop.example/%[1]s\", proxy_url: \"%s\"}%s}\n", name, s.proxy, extra)
}
