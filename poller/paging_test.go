package poller

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
)

// asking makes one poll of a handler, and returns what was seen and asked.
func asking(t *testing.T, change func(*Source), h http.HandlerFunc) (got *reader, urls []string) {
	t.Helper()
	got = &reader{}
	p := NewPoller(PollerOptions{
		Fetcher: newFetcher(t, FetcherOptions{RoundTripper: handlerNetwork(func(w http.ResponseWriter, r *http.Request) {
			urls = append(urls, r.URL.String())
			h(w, r)
		})}),
		Observer: got,
	})
	s := newSource("http://api.example/orders")
	s.Items, s.Retry.MaxAttempts = "data", 1
	change(s)
	pollOnce(t, p, s)
	return got, urls
}

// Codes that the operator calls a success end a list where it has no such page.
func TestAcceptedCodesEndAList(t *testing.T) {
	t.Parallel()
	for _, code := range []int{204, 404} {
		for _, m := range manners() {
			if m.pagination.Kind != PageNumber || m.pagination.TotalPath != "" {
				continue
			}
			b := &book{manner: m, pages: pagesOf(2, 1), instead: instead(2, 1, status(code))}
			p, s, got := newPagedPoller(t, b)
			s.Request.SuccessStatusCodes = []int{200, code}
			pollOnce(t, p, s)
			if !slices.Equal(got.ids, count(3)) || got.seen[0].Status != 200 || got.seen[0].ContentType != "application/json" {
				t.Errorf("%d: items %v, seen %+v, failures %q", code, got.ids, got.seen, got.fails)
			}
		}
	}
	got, _ := asking(t, func(s *Source) { s.Pagination = &Pagination{Kind: PageNumber, PageParam: "page", BasePage: 1} },
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("page") != "1" {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = io.WriteString(w, `{"data":[{"id":1}]}`)
		})
	if want := "set pagination.total_path or add 404 to request.success_status_codes"; len(got.fails) != 1 || !strings.Contains(got.fails[0], want) {
		t.Errorf("failures %q do not say: %s", got.fails, want)
	}
}

// They do not where the page before says that there is more: half a list would
// be taken for all of it.
func TestAcceptedCodesEndNoListThatGoesOn(t *testing.T) {
	t.Parallel()
	for _, code := range []int{204, 205, 404} {
		for _, m := range manners() {
			p := m.pagination
			if p.Kind != HeaderLink && p.Kind != JSONLink && p.HasMorePath == "" && p.TotalPath == "" {
				continue
			}
			b := &book{manner: m, pages: pagesOf(2, 1, 1), instead: instead(1, 1, status(code))}
			poller, s, got := newPagedPoller(t, b)
			s.Request.SuccessStatusCodes = []int{200, code}
			pollOnce(t, poller, s)
			if len(got.seen) > 0 || len(got.fails) != 1 || !strings.Contains(got.fails[0], "says that there is more") {
				t.Errorf("%s, %d: seen %+v, failures %q", m.name, code, got.seen, got.fails)
			}
		}
	}
}

// A page of which a query chooses nothing is not empty, and the count of what
// the server gave is that before the query.
func TestQueriesDoNotEndAList(t *testing.T) {
	t.Parallel()
	pages := []string{`[{"id":1,"open":true},{"id":2}]`, `[{"id":3},{"id":4}]`, `[{"id":5,"open":true}]`}
	for _, m := range manners() {
		if !m.byNumber || m.pagination.TotalPath != "" {
			continue
		}
		b := &book{manner: m, pages: pages}
		p, s, got := newPagedPoller(t, b)
		s.Items = `data.#(open==true)#`
		pollOnce(t, p, s)
		if got.bodies != 3 {
			t.Errorf("%s: %d pages, failures %q", m.name, got.bodies, got.fails)
		}
	}
	for path, want := range map[string]string{
		"data": "data", "@this": "@this", `#(a==1)#`: "@this", `data.#(a=="x.#(y")#`: "data", `a\.#(b`: `a\.#(b`, "a.#.b": "a.#.b", "data|#(a)": "data",
	} {
		if got := beforeQuery(path); got != want {
			t.Errorf("before the query of %q is %q, want %q", path, got, want)
		}
	}
}

func TestPagesOfCSV(t *testing.T) {
	t.Parallel()
	serve := func(pages ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			i := number0(r.URL.Query().Get("page"))
			w.Header().Set("Content-Type", "text/csv")
			if i+1 < len(pages) {
				w.Header().Set("Link", fmt.Sprintf(`<?page=%d>; rel=next`, i+1))
			}
			_, _ = io.WriteString(w, pages[min(i, len(pages)-1)])
		}
	}
	tests := []struct {
		name       string
		pagination Pagination
		format     diff.Format
		pages      []string
		bodies     int
		fail       string
	}{
		{name: "links", pagination: Pagination{Kind: HeaderLink}, pages: []string{"id\n1\n", "id\n2\n"}, bodies: 2},
		{name: "numbers", pagination: Pagination{Kind: PageNumber, PageParam: "page"}, format: diff.CSV, pages: []string{"id\n1\n", "id\r\n2\n", "id\n"}, bodies: 2},
		{name: "an error in place of a page", pagination: Pagination{Kind: PageNumber, PageParam: "page"}, pages: []string{"id\n1\n", "busy\n"}, fail: "page 2: GET http://api.example/orders?<redacted>: the page is no list: its first line is not that of the first page"},
		{name: "the same page", pagination: Pagination{Kind: PageNumber, PageParam: "page"}, pages: []string{"id\n1\n"}, fail: "byte for byte"},
		{name: "a total", pagination: Pagination{Kind: PageNumber, PageParam: "page", TotalPath: "n"}, pages: []string{"id\n1\n"}, fail: "it is no JSON, in which pagination of type page_number finds what it needs"},
		{name: "a cursor", pagination: Pagination{Kind: CursorParam, CursorPath: "n", CursorParam: "c"}, pages: []string{"id\n1\n"}, fail: "it is no JSON"},
	}
	for _, tt := range tests {
		got, _ := asking(t, func(s *Source) { s.Pagination, s.Format = &tt.pagination, tt.format }, serve(tt.pages...))
		if tt.fail == "" && (len(got.fails) > 0 || got.bodies != tt.bodies) {
			t.Errorf("%s: %d pages, failures %q", tt.name, got.bodies, got.fails)
		}
		if tt.fail != "" && (len(got.fails) != 1 || !strings.Contains(strings.ReplaceAll(got.fails[0], "page=xxxxx", "<redacted>"), tt.fail[strings.LastIndex(tt.fail, ">: ")+1:])) {
			t.Errorf("%s: failures %q, want %q", tt.name, got.fails, tt.fail)
		}
	}
	for body, want := range map[string]int{"": 0, "a": 0, "a\n": 0, "a\n\n": 0, "a\n1": 1, "a\r\n1\r\n\r\n2\r\n": 2, "a,b\n\"x\ny\",2\n": 1, "a\n\"\"\"\n\"\n": 1, "\n\na\n1\n": 1} {
		if _, got := rows([]byte(body)); got != want {
			t.Errorf("%q has %d rows, want %d", body, got, want)
		}
	}
}

// A server that gives fewer items than it is asked for loses none of them.
func TestOffsetFollowsWhatCame(t *testing.T) {
	t.Parallel()
	for _, total := range []string{"", "total"} {
		got, urls := asking(t, func(s *Source) {
			s.Pagination = &Pagination{Kind: Offset, OffsetParam: "skip", LimitParam: "take", Limit: 100, TotalPath: total}
		}, func(w http.ResponseWriter, r *http.Request) {
			skip := number0(r.URL.Query().Get("skip"))
			var items []string
			for id := skip + 1; id <= 7 && len(items) < 3; id++ {
				items = append(items, fmt.Sprintf(`{"id":%d}`, id))
			}
			_, _ = io.WriteString(w, fmt.Sprintf(`{"data":[%s],"total":7}`, strings.Join(items, ",")))
		})
		want := []string{"skip=0&take=100", "skip=3&take=100", "skip=6&take=100", "skip=7&take=100"}
		if total != "" {
			want = want[:3]
		}
		for i := range urls {
			urls[i] = strings.TrimPrefix(urls[i], "http://api.example/orders?")
		}
		if d := cmp.Diff(want, urls); d != "" || !slices.Equal(got.ids, count(7)) {
			t.Errorf("items %v, failures %q, requests (-want +got):\n%s", got.ids, got.fails, d)
		}
	}
}

// What a page says of the end must make sense.
func TestPagerRefusesNonsense(t *testing.T) {
	t.Parallel()
	cursor := Pagination{Kind: CursorParam, CursorPath: "next", CursorParam: "c", HasMorePath: "more"}
	last := Pagination{Kind: CursorParam, CursorPath: "id", CursorParam: "c", HasMorePath: "more", FromLastItem: true}
	number := Pagination{Kind: PageNumber, PageParam: "p", TotalPath: "n"}
	offset := Pagination{Kind: Offset, OffsetParam: "o", TotalPath: "n"}
	tests := []struct {
		pagination Pagination
		body, want string
	}{
		{cursor, `{"data":[],"more":true}`, `more_path "more" says that there is more, but cursor_path "next" leads to nothing`},
		{cursor, `{"data":[],"more":"maybe"}`, "leads to neither true nor false"},
		{cursor, `{"data":[],"more":true,"next":{"a":1}}`, "leads to no text or number"},
		{last, `{"data":[],"more":true}`, "but the page is empty"},
		{last, `{"data":[{"x":1}],"more":true}`, "leads to nothing in the last item"},
		{Pagination{Kind: JSONLink, NextURLPath: "next"}, `{"data":[],"next":5}`, "leads to no text"},
		{number, `{"data":[]}`, `total_path "n" leads to no number`},
		{number, `{"data":[],"n":"many"}`, `total_path "n" leads to no number`},
		{number, `{"data":[],"n":-1}`, `total_path "n" leads to no number`},
		{number, `{"data":[{"id":1}],"n":11}`, "pagination.max_pages allows (10), it takes 11"},
		{offset, `{"data":[],"n":5}`, "the page is empty after 0 items"},
		{offset, `{"data":[{"id":1},{"id":2}],"n":21}`, "pagination.max_pages allows (10), it takes 11"},
		{cursor, `{"data":[],"next":"` + strings.Repeat("x", 40_000) + `"}`, "leads to 40002 bytes, more than 32768"},
		{Pagination{Kind: JSONLink, NextURLPath: "next"}, `{"data":[],"next":"/` + strings.Repeat("x", 40_000) + `"}`, "it has 40001 bytes, more than 32768"},
		{Pagination{Kind: "magic"}, ``, `unknown kind of pagination "magic"`},
	}
	for _, tt := range tests {
		got, _ := asking(t, func(s *Source) { s.Pagination = &tt.pagination }, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, tt.body)
		})
		if len(got.fails) != 1 || !strings.Contains(got.fails[0], tt.want) {
			t.Errorf("%s %s: failures %q, want %q", tt.pagination.Kind, tt.body, got.fails, tt.want)
		}
	}
	// These are ends, whatever the cursor.
	for _, body := range []string{`{"data":[],"more":false,"next":"x"}`, `{"data":[],"next":0}`, `{"data":[],"next":"0"}`, `{"data":[],"next":false}`, `{"data":[],"next":null,"more":null}`, `{"data":[],"more":"false","next":"x"}`} {
		got, urls := asking(t, func(s *Source) { s.Pagination = &cursor }, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, body)
		})
		if len(got.fails) > 0 || len(urls) != 1 {
			t.Errorf("%s: asked %q, failures %q", body, urls, got.fails)
		}
	}
}

// Credentials go with every page, also where its address drops them; those that
// a server writes into an address, and cursors, are not shown.
func TestPagesCarryCredentials(t *testing.T) {
	t.Parallel()
	var keys []string
	got, urls := asking(t, func(s *Source) {
		s.Pagination = &Pagination{Kind: JSONLink, NextURLPath: "next"}
		s.Request.Auth = APIKey{Name: "key", In: InQuery, Value: "sesame-value"}
	}, func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.URL.Query().Get("key"))
		switch r.URL.Query().Get("cursor") {
		case "":
			_, _ = io.WriteString(w, `{"data":[{"id":1}],"next":"http://joe:hunter2@api.example/orders?cursor=cursor-one"}`)
		case "cursor-one":
			_, _ = io.WriteString(w, `{"data":[{"id":2}],"next":"?key=stale&cursor=cursor-two"}`)
		default:
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "no such cursor: cursor-two, key sesame-value")
		}
	})
	if want := []string{"sesame-value", "sesame-value", "sesame-value"}; !slices.Equal(keys, want) {
		t.Errorf("keys %q of %q", keys, urls)
	}
	if len(got.fails) != 1 || strings.Contains(got.fails[0], "sesame") || strings.Contains(got.fails[0], "cursor-two") || strings.Contains(strings.Join(urls, " "), "hunter2") {
		t.Errorf("failures %q after %q", got.fails, urls)
	}
}

// A page may redirect within its origin: links are relative to where it led. Of
// another origin no link is followed.
func TestPagesRedirect(t *testing.T) {
	t.Parallel()
	serve := func(moved string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/orders":
				http.Redirect(w, r, moved, http.StatusMovedPermanently)
			case r.URL.Query().Get("page") == "":
				w.Header().Set("Link", `<?page=2>; rel=next`)
				_, _ = io.WriteString(w, `{"data":[{"id":1}]}`)
			default:
				_, _ = io.WriteString(w, `{"data":[{"id":2}]}`)
			}
		}
	}
	byLink := func(s *Source) { s.Pagination = &Pagination{Kind: HeaderLink} }
	got, urls := asking(t, byLink, serve("/v2/orders"))
	if want := []string{"http://api.example/orders", "http://api.example/v2/orders", "http://api.example/v2/orders?page=2"}; !slices.Equal(urls, want) || !slices.Equal(got.ids, count(2)) {
		t.Errorf("asked %q, items %v, failures %q", urls, got.ids, got.fails)
	}
	got, _ = asking(t, byLink, serve("http://other.example/orders2"))
	if len(got.fails) != 1 || !strings.Contains(got.fails[0], "it leads from http://api.example to http://other.example") {
		t.Errorf("failures %q", got.fails)
	}
}

// Validators are those of an answer of one page, which says itself that it is
// the last. A full page stays the same when another one begins behind it.
func TestPagesAreAskedConditionally(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		pagination Pagination
		pages      int
		want       bool
	}{
		{"one page by link", Pagination{Kind: HeaderLink}, 1, false},
		{"one page by link of the newest", Pagination{Kind: HeaderLink, Newest: true}, 1, true},
		{"several pages of the newest", Pagination{Kind: HeaderLink, Newest: true}, 2, false},
		{"one of several pages of the newest", Pagination{Kind: HeaderLink, Newest: true, MaxPages: 1}, 2, true},
		{"one page with a total", Pagination{Kind: PageNumber, PageParam: "page", TotalPath: "pages"}, 1, true},
		{"one page without a total", Pagination{Kind: PageNumber, PageParam: "page"}, 1, false},
	}
	for _, tt := range tests {
		var sent []string
		b := &book{manner: manners()[0], pages: pagesOf([]int{1, 1}[:tt.pages]...)}
		if tt.pagination.Kind == PageNumber {
			b.manner = manners()[6]
		}
		got := &reader{}
		p := NewPoller(PollerOptions{Fetcher: newFetcher(t, FetcherOptions{RoundTripper: handlerNetwork(func(w http.ResponseWriter, r *http.Request) {
			sent = append(sent, r.Header.Get("If-None-Match"))
			w.Header().Set("ETag", `"v1"`)
			inner := httptest.NewRecorder()
			b.ServeHTTP(inner, r)
			if link := inner.Header().Get("Link"); link != "" {
				w.Header().Set("Link", link)
			}
			_, _ = w.Write(inner.Body.Bytes())
		})}), Observer: got})
		s := newSource("http://api.example/orders")
		s.Pagination, s.Items = &tt.pagination, "data"
		pollOnce(t, p, s)
		first := len(sent)
		pollOnce(t, p, s)
		if conditional := sent[first] == `"v1"`; conditional != tt.want || slices.Contains(sent[:first], `"v1"`) || slices.Contains(sent[first+1:], `"v1"`) {
			t.Errorf("%s: validators sent %q, failures %q", tt.name, sent, got.fails)
		}
	}
}
