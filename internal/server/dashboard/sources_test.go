package dashboard

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

func TestSourcesLookWell(t *testing.T) {
	t.Parallel()
	browse(t, serve(t, newFake())).judge("/sources", "sources")
}

func TestSourcesAreSearchedWhileTyping(t *testing.T) {
	t.Parallel()
	b := browse(t, serve(t, newFake()))
	b.judge("/sources?q=nothing+like+it", "sources-none")
	b.visit("/sources")
	b.do(typing(`input[type="search"]`, "stock")...)
	b.until(`document.querySelectorAll("tbody tr").length === 2 && location.search === "?q=stock"`)
	b.click("a.main")
	if got := b.path(); got != "/sources/inventory-eu" {
		t.Errorf("the first source leads to %s", got)
	}
}

// TestPagesStayLive sees a change arrive.
func TestPagesStayLive(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f))
	b.visit("/")
	b.listening()
	if got := b.text("#lately"); strings.Contains(got, "fresh-item") {
		t.Fatal("the change is there already")
	}
	f.happen(f.changed(0, "orders", "shop.order", "created", "fresh-item", "null", `{"id":1}`))
	b.until(`document.querySelector("#lately").textContent.includes("fresh-item")`)
}

func TestSourcesAreFoundAndCounted(t *testing.T) {
	t.Parallel()
	f := newFake()
	for _, tc := range []struct {
		q      string
		names  []string
		states string
	}{
		{"/sources?q=GITHUB", []string{"github-releases", "github-security-advisories"}, "all 2 ok 2"},
		{"/sources?q=shop+refunds", []string{"refunds"}, "all 1 ok 1"},
		{"/sources?state=failing", []string{"fx-rates", "inventory-eu"}, "all 14 failing 2 ok 9 new 1 paused 1 disabled 1"},
		{"/sources?q=refunds&state=failing", nil, "all 1 failing 0 ok 1"},
		{"/sources?sort=changes&q=example.com", []string{"orders", "inventory-eu"}, ""},
		{"/sources?sort=nonsense&page=-3&q=weather", []string{"weather-berlin"}, "all 1 ok 1"},
	} {
		u, err := url.Parse(tc.q)
		if err != nil {
			t.Fatal(err)
		}
		v := sourcesOf(t, f, u)
		for i, name := range tc.names {
			if len(v.Sources) <= i || v.Sources[i].Name != name {
				t.Errorf("%s: %d. is not %s of %v", tc.q, i, name, v.Sources)
			}
		}
		if tc.names == nil && len(v.Sources) > 0 {
			t.Errorf("%s found %v", tc.q, v.Sources)
		}
		var states []string
		for _, filter := range v.Filters {
			states = append(states, fmt.Sprint(filter.Label, " ", filter.Count))
		}
		if got := strings.Join(states, " "); tc.states != "" && got != tc.states {
			t.Errorf("%s: %s, want %s", tc.q, got, tc.states)
		}
	}
}

func sourcesOf(t *testing.T, f *fake, u *url.URL) *sourcesView {
	t.Helper()
	h := &Handler{opts: Options{Controller: f}}
	v, err := h.sources(&http.Request{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	page, ok := v.Page.(*sourcesView)
	if !ok {
		t.Fatalf("the page is %T", v.Page)
	}
	return page
}

// TestTenThousandSourcesHavePages turns all pages: each source is on one.
func TestTenThousandSourcesHavePages(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.sources = nil
	for i := range 10_000 {
		f.sources = append(f.sources, server.Source{Name: fmt.Sprintf("s%05d", i), State: server.SourceOK})
	}
	slices.Reverse(f.sources)
	seen, last := make(map[string]bool), ""
	for address := "/sources"; address != ""; {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		v := sourcesOf(t, f, u)
		for _, s := range v.Sources {
			if seen[s.Name] || s.Name <= last {
				t.Fatalf("%s is not where it should be", s.Name)
			}
			seen[s.Name], last = true, s.Name
		}
		address = v.Pager.After
	}
	if len(seen) != 10_000 {
		t.Errorf("%d of 10000 are on a page", len(seen))
	}
	u := &url.URL{Path: "/sources", RawQuery: "page=999"}
	if v := sourcesOf(t, f, u); len(v.Sources) != 50 || v.Sources[49].Name != "s09999" || v.Pager.After != "" {
		t.Errorf("beyond the last page: %d sources, after %q", len(v.Sources), v.Pager.After)
	}
}

func TestSourcesAreSteered(t *testing.T) {
	t.Parallel()
	f := newFake()
	for path, call := range map[string]string{
		"/sources/orders/poll": "poll source/orders", "/sources/orders/pause": "pause source/orders",
		"/sources/orders/resume": "resume source/orders", "/sources/orders/accept": "accept source/orders",
	} {
		got := ask(t, f, http.MethodPost, path, "back=/sources?page=2")
		if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/sources?page=2" || !slices.Equal(f.taken(), []string{call}) {
			t.Errorf("%s: %d %v", path, got.StatusCode, got.Header)
		}
		if len(got.Cookies()) != 1 {
			t.Errorf("%s says nothing", path)
		}
	}
	f.err = &server.Refusal{Reason: "not now"}
	for _, path := range []string{"/sources/orders/poll", "/sources/orders/pause", "/sources/orders/accept"} {
		got := ask(t, f, http.MethodPost, path, "")
		r := &http.Request{Header: http.Header{"Cookie": {got.Header.Get("Set-Cookie")}}}
		if said := takeFlash(discard{}, r); said == nil || !said.Bad || said.Message != "not now" {
			t.Errorf("%s said %+v", path, said)
		}
	}
}

// discard is a writer of an answer that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return make(http.Header) }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// BenchmarkTenThousandSources makes the page that lists the first of so many.
func BenchmarkTenThousandSources(b *testing.B) {
	f := newFake()
	template := f.sources[0]
	f.sources = nil
	for i := range 10_000 {
		s := template
		s.Name = fmt.Sprintf("source-%05d", i)
		f.sources = append(f.sources, s)
	}
	h := New(Options{Controller: f, Logger: slog.New(slog.DiscardHandler)})
	for _, path := range []string{"/", "/sources", "/sources?q=source-09&sort=latency"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				h.ServeHTTP(discard{}, httptest.NewRequest(http.MethodGet, path, nil))
			}
		})
	}
}
