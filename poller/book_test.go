package poller

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// handlerNetwork answers requests by a handler, without a network.
func handlerNetwork(h http.HandlerFunc) fakeNetwork {
	return func(r *http.Request) (*http.Response, error) {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		w := httptest.NewRecorder()
		h(w, r)
		resp := w.Result()
		resp.Request = r
		resp.ContentLength = int64(w.Body.Len())
		return resp, nil
	}
}

// book is an API whose list has pages.
type book struct {
	manner manner
	// pages are JSON arrays.
	pages []string
	// instead answers in place of a page, given its index and how often it was
	// asked for before; false lets the page through.
	instead func(w http.ResponseWriter, page, times int) bool
	// next is what a page says the next one is, where that is not page+1.
	next func(page int) int
	// host is that of links, where it is not that of the API.
	host string

	asked []int
	urls  []string
	auth  []string
	times map[int]int
}

// manner is one way to go through pages: the same list in the words of one API.
type manner struct {
	name       string
	pagination Pagination
	// index is which page a request asks for.
	index func(b *book, q url.Values, body []byte) int
	// answer renders a page; next is -1 behind the last one.
	answer func(b *book, page, next int) (body, link string)
	post   bool
	// byNumber says that it is the client who counts.
	byNumber bool
	// counts says that its cursor does nothing but count.
	counts bool
}

func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	page := b.manner.index(b, r.URL.Query(), sent)
	if b.times == nil {
		b.times = map[int]int{}
	}
	b.asked = append(b.asked, page)
	b.urls = append(b.urls, r.URL.String())
	b.auth = append(b.auth, r.Header.Get("Authorization"))
	times := b.times[page]
	b.times[page]++
	if b.instead != nil && b.instead(w, page, times) {
		return
	}
	next := page + 1
	if b.next != nil {
		next = b.next(page)
	}
	if next >= len(b.pages) {
		next = -1
	}
	body, link := b.manner.answer(b, page, next)
	if link != "" {
		w.Header().Set("Link", link)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

func (b *book) page(i int) string {
	if i < 0 || i >= len(b.pages) {
		return "[]"
	}
	return b.pages[i]
}

func (b *book) link(next int) string {
	if b.host != "" {
		return fmt.Sprintf("%s/orders?page=%d", b.host, next)
	}
	return fmt.Sprintf("/orders?page=%d", next)
}

// start is how many items stand before a page.
func (b *book) start(page int) int {
	n := 0
	for i := range min(page, len(b.pages)) {
		n += len(gjson.Parse(b.pages[i]).Array())
	}
	return n
}

func (b *book) pageAt(offset int) int {
	for i := range b.pages {
		if b.start(i) == offset {
			return i
		}
	}
	return len(b.pages)
}

func number0(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func byPageParam(_ *book, q url.Values, _ []byte) int { return number0(q.Get("page")) }

// manners are all the ways to go through pages.
func manners() []manner {
	byOffset := func(b *book, q url.Values, _ []byte) int {
		if q.Get("limit") != "50" {
			return -1
		}
		return b.pageAt(number0(q.Get("skip")))
	}
	return []manner{
		{
			name: "header_link", pagination: Pagination{Kind: HeaderLink}, index: byPageParam,
			answer: func(b *book, page, next int) (string, string) {
				links := `</orders?page=0>; rel="first"; title="a, <b>; rel=next"`
				if next >= 0 {
					links += `, <` + b.link(next) + `>; rel="next last"`
				}
				return `{"data":` + b.page(page) + `}`, links
			},
		},
		{
			name: "json_link", pagination: Pagination{Kind: JSONLink, NextURLPath: "paging.next"}, index: byPageParam,
			answer: func(b *book, page, next int) (string, string) {
				link := "null"
				if next >= 0 {
					link = quoteJSON(b.link(next))
				}
				return `{"data":` + b.page(page) + `,"paging":{"next":` + link + `}}`, ""
			},
		},
		{
			name: "cursor", pagination: Pagination{Kind: CursorParam, CursorPath: "meta.next", CursorParam: "cursor"},
			index: func(_ *book, q url.Values, _ []byte) int { return number0(strings.TrimPrefix(q.Get("cursor"), "c=&")) },
			answer: func(b *book, page, next int) (string, string) {
				cursor := `""`
				if next >= 0 {
					cursor = fmt.Sprintf(`"c=&%d"`, next)
				}
				return `{"data":` + b.page(page) + `,"meta":{"next":` + cursor + `}}`, ""
			},
		},
		{
			name: "cursor with has_more", counts: true, pagination: Pagination{Kind: CursorParam, CursorPath: "next", CursorParam: "cursor", HasMorePath: "more"},
			index: func(_ *book, q url.Values, _ []byte) int { return number0(q.Get("cursor")) },
			answer: func(b *book, page, next int) (string, string) { // its cursor never ends
				return fmt.Sprintf(`{"data":%s,"more":%t,"next":%d}`, b.page(page), next >= 0, max(next, 99)*btoi(next < 0)+max(next, 0)), ""
			},
		},
		{
			name:       "cursor from the last item",
			pagination: Pagination{Kind: CursorParam, CursorPath: "id", FromLastItem: true, CursorParam: "starting_after", HasMorePath: "has_more"},
			index: func(b *book, q url.Values, _ []byte) int {
				if q.Get("starting_after") == "" {
					return 0
				}
				return b.pageAt(number0(q.Get("starting_after")))
			},
			answer: func(b *book, page, next int) (string, string) {
				return fmt.Sprintf(`{"data":%s,"has_more":%t}`, b.page(page), next >= 0), ""
			},
		},
		{
			name: "cursor in a body", post: true,
			pagination: Pagination{Kind: CursorParam, CursorPath: "meta.end", CursorParam: "variables.after", HasMorePath: "meta.more", In: InBody},
			index: func(_ *book, _ url.Values, body []byte) int {
				sent := gjson.ParseBytes(body)
				if sent.Get("query").Str != "{ orders }" || sent.Get("variables.first").Raw != "50" {
					return -1
				}
				return number0(strings.TrimPrefix(sent.Get("variables.after").Str, "c"))
			},
			answer: func(b *book, page, next int) (string, string) {
				return fmt.Sprintf(`{"data":%s,"meta":{"more":%t,"end":"c%d"}}`, b.page(page), next >= 0, max(next, 0)), ""
			},
		},
		{
			name: "page_number", byNumber: true,
			pagination: Pagination{Kind: PageNumber, PageParam: "page", BasePage: 0, TotalPath: "pages"}, index: byPageParam,
			answer: func(b *book, page, _ int) (string, string) {
				return fmt.Sprintf(`{"data":%s,"pages":%d}`, b.page(page), len(b.pages)), ""
			},
		},
		{
			name: "page_number without total", byNumber: true,
			pagination: Pagination{Kind: PageNumber, PageParam: "p", BasePage: 1},
			index:      func(_ *book, q url.Values, _ []byte) int { return number0(q.Get("p")) - 1 },
			answer:     func(b *book, page, _ int) (string, string) { return `{"data":` + b.page(page) + `}`, "" },
		},
		{
			name: "offset", byNumber: true,
			pagination: Pagination{Kind: Offset, OffsetParam: "skip", LimitParam: "limit", Limit: 50, TotalPath: "total"}, index: byOffset,
			answer: func(b *book, page, _ int) (string, string) {
				return fmt.Sprintf(`{"data":%s,"total":"%d"}`, b.page(page), b.start(len(b.pages))), ""
			},
		},
		{
			name: "offset without total", byNumber: true,
			pagination: Pagination{Kind: Offset, OffsetParam: "skip", LimitParam: "limit", Limit: 50}, index: byOffset,
			answer: func(b *book, page, _ int) (string, string) { return `{"data":` + b.page(page) + `}`, "" },
		},
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pagesOf makes pages with so many items each; their ids count from 1.
func pagesOf(sizes ...int) []string {
	var pages []string
	id := 0
	for _, size := range sizes {
		items := []map[string]any{}
		for range size {
			id++
			items = append(items, map[string]any{"id": id})
		}
		text, _ := json.Marshal(items)
		pages = append(pages, string(text))
	}
	return pages
}

// reader is an observer that reads what it is given while it may.
type reader struct {
	ids    []int
	bodies int
	seen   []Observation // without their bodies
	fails  []string
	refuse error
}

func (r *reader) Observe(_ context.Context, o *Observation) error {
	r.ids, r.bodies = nil, 0
	add := func(body []byte) {
		r.bodies++
		for _, item := range gjson.GetBytes(body, "data").Array() {
			r.ids = append(r.ids, int(item.Get("id").Int()))
		}
	}
	switch {
	case o.Unchanged:
	case o.Pages == nil:
		add(o.Body)
	default:
		for i := range o.Pages.Len() {
			body, err := o.Pages.Page(i)
			if err != nil {
				return err
			}
			add(body)
		}
	}
	copied := *o
	copied.Body, copied.Pages, copied.buffer, copied.pages = nil, nil, nil, nil
	r.seen = append(r.seen, copied)
	return r.refuse
}

func (r *reader) Fail(_ context.Context, _ string, reason error) {
	r.fails = append(r.fails, reason.Error())
}

// count returns the numbers from 1 to n.
func count(n int) []int {
	var all []int
	for i := range n {
		all = append(all, i+1)
	}
	return all
}

// newPagedPoller returns a poller of a book, and its source.
func newPagedPoller(t testing.TB, b *book) (*Poller, *Source, *reader) {
	t.Helper()
	got := &reader{}
	p := NewPoller(PollerOptions{
		Fetcher:  newFetcher(t, FetcherOptions{RoundTripper: handlerNetwork(b.ServeHTTP), SpoolDir: t.TempDir()}),
		Observer: got,
	})
	s := newSource("http://api.example/orders?state=open")
	s.Request.Auth = Bearer{Token: "sesame-token"}
	if b.manner.post {
		s.Request.Method, s.Request.Body = http.MethodPost, []byte(`{"query":"{ orders }","variables":{"first":50}}`)
	}
	pagination := b.manner.pagination
	s.Pagination, s.Items = &pagination, "data"
	return p, s, got
}
