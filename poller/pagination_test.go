package poller

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// situation is what can become of a poll of several pages, in any manner.
type situation struct {
	name    string
	pages   []string
	instead func(w http.ResponseWriter, page, times int) bool
	next    func(page int) int
	host    string
	change  func(p *Pagination)
	// fits says for which manners the situation exists; nil for all.
	fits func(m manner) bool
	// ids and bodies are what is seen; with fail, nothing is.
	ids    []int
	bodies int
	fail   string
	// asked are the pages that were asked for; nil is any.
	asked []int
	cut   bool
	waits int
}

func instead(at int, times int, answer func(w http.ResponseWriter)) func(http.ResponseWriter, int, int) bool {
	return func(w http.ResponseWriter, page, before int) bool {
		if page != at || before >= times {
			return false
		}
		answer(w)
		return true
	}
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func text(body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = io.WriteString(w, body) }
}

func linked(m manner) bool {
	return m.pagination.Kind == HeaderLink || m.pagination.Kind == JSONLink
}

func situations() []situation {
	const many = 1 << 20
	return []situation{
		{name: "normal", pages: pagesOf(2, 2, 1), ids: count(5), bodies: 3},
		{name: "one page", pages: pagesOf(2), ids: count(2), bodies: 1},
		{name: "empty first page", pages: pagesOf(0), bodies: 1, asked: []int{0}},
		{name: "a short page is not the end", pages: pagesOf(2, 1, 2), ids: count(5), bodies: 3},
		{
			name: "a page fails and recovers", pages: pagesOf(2, 2, 1), instead: instead(1, 2, status(502)),
			ids: count(5), bodies: 3, waits: 2,
		},
		{
			name: "each page has its own attempts", pages: pagesOf(2, 2, 1), ids: count(5), bodies: 3, waits: 6,
			fits: func(m manner) bool { return !m.byNumber || m.pagination.TotalPath != "" },
			instead: func(w http.ResponseWriter, _, times int) bool {
				if times < 2 {
					w.WriteHeader(http.StatusBadGateway)
				}
				return times < 2
			},
		},
		{
			name: "a page fails for good", pages: pagesOf(2, 2, 2, 1), instead: instead(2, many, status(500)), waits: 2,
			fail: "page 3: METHOD http://api.example/orders?QUERY: answered 500 Internal Server Error",
		},
		{name: "a page is not there", pages: pagesOf(2, 2), instead: instead(1, many, status(404)), fail: "page 2: METHOD http://api.example/orders?QUERY: answered 404 Not Found"},
		{name: "a page without content", pages: pagesOf(2, 2), instead: instead(1, many, status(204)), fail: "answered 204 No Content"},
		{name: "a page of invalid JSON", pages: pagesOf(2, 2), instead: instead(1, many, text(`{"data":[`)), fail: "page 2: METHOD http://api.example/orders?QUERY: the page is no list: it is no valid JSON"},
		{name: "a page of text", pages: pagesOf(2, 2), instead: instead(1, many, text("try again later")), fail: "the page is no list: it is no valid JSON"},
		{name: "a page without the list", pages: pagesOf(2, 2), instead: instead(1, many, text(`{"error":"busy"}`)), fail: `page 2: METHOD http://api.example/orders?QUERY: the page is no list: items.path "data" leads to nothing`},
		{name: "a page whose list is null", pages: pagesOf(2, 2), instead: instead(1, many, text(`{"data":null}`)), fail: `the page is no list: items.path "data" leads to no array`},
		{name: "the first page without the list", pages: pagesOf(2, 2), instead: instead(0, many, text(`{"error":"busy"}`)), fail: `page 1: `},
		{
			name: "the server does not heed the page", pages: pagesOf(2, 2, 2),
			instead: func(w http.ResponseWriter, _, _ int) bool {
				w.Header().Set("Link", `</orders?page=7>; rel=next`)
				_, _ = io.WriteString(w, `{"data":[{"id":1}],"paging":{"next":"/orders?page=7"},"meta":{"next":"c=&7","more":true,"end":"c7"},"next":7,"more":true,"has_more":true,"pages":9,"total":9}`)
				return true
			},
			fail: "page 2: METHOD http://api.example/orders?QUERY: it is byte for byte the page before it",
		},
		{
			name: "a circle", pages: pagesOf(2, 2, 2), fits: func(m manner) bool { return !m.byNumber && !m.pagination.FromLastItem },
			next: func(page int) int { return 1 + page%2 },
			fail: "page 3: METHOD http://api.example/orders?QUERY: it leads back to a page that was asked for already",
		},
		{
			name: "a link to another host", pages: pagesOf(2, 2), fits: linked, host: "http://evil.example",
			fail: "page 1: METHOD http://api.example/orders?QUERY: the link to the next page was not followed: it leads from http://api.example to http://evil.example",
		},
		{
			name: "a link to another port", pages: pagesOf(2, 2), fits: linked, host: "http://api.example:8080",
			fail: "it leads from http://api.example to http://api.example:8080",
		},
		{name: "a link to https of the same host", pages: pagesOf(2, 2), fits: linked, host: "https://API.example", ids: count(4), bodies: 2},
		{
			name: "a link that is none", pages: pagesOf(2, 2), fits: linked, host: "javascript:x",
			fail: "the link to the next page was not followed: it is no http or https url",
		},
		{
			name: "more than max_pages", pages: pagesOf(2, 2, 2), change: func(p *Pagination) { p.MaxPages = 2 },
			fail: "there are more pages than pagination.max_pages allows (2)",
		},
		{
			name: "as many as max_pages", pages: pagesOf(2, 2), change: func(p *Pagination) { p.MaxPages = 2 },
			fits: func(m manner) bool { return !m.byNumber || m.pagination.TotalPath != "" }, ids: count(4), bodies: 2,
		},
		{
			name: "more than max_pages of the newest", pages: pagesOf(2, 2, 2, 2), change: func(p *Pagination) { p.MaxPages, p.Newest = 3, true },
			ids: count(6), bodies: 3, cut: true, asked: []int{0, 1, 2},
		},
		{
			name: "one page of the newest", pages: pagesOf(2, 2), change: func(p *Pagination) { p.MaxPages, p.Newest = 1, true },
			ids: count(2), bodies: 1, cut: true, asked: []int{0},
		},
	}
}

// Every kind of pagination, in every situation.
func TestPagination(t *testing.T) {
	t.Parallel()
	for _, m := range manners() {
		for _, s := range situations() {
			if s.fits != nil && !s.fits(m) {
				continue
			}
			t.Run(m.name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { s.run(t, m) })
			})
		}
	}
}

func (s situation) run(t *testing.T, m manner) {
	t.Helper()
	b := &book{manner: m, pages: s.pages, instead: s.instead, next: s.next, host: s.host}
	p, source, got := newPagedPoller(t, b)
	if s.change != nil {
		s.change(source.Pagination)
	}
	waits := pollOnce(t, p, source)
	if len(waits) != s.waits {
		t.Errorf("waits %v, want %d", waits, s.waits)
	}
	if s.fail != "" {
		s.failed(t, m, got)
	} else {
		s.saw(t, m, b, got)
	}
	if s.asked != nil && !slices.Equal(s.asked, b.asked) {
		t.Errorf("asked for pages %v, want %v", b.asked, s.asked)
	}
	for i, auth := range b.auth {
		if auth != "Bearer sesame-token" {
			t.Errorf("request %d to %s came with authorization %q", i, b.urls[i], auth)
		}
	}
	entries, err := os.ReadDir(p.fetcher.spoolDir)
	if err != nil || len(entries) > 0 {
		t.Errorf("temporary files are left: %v, %v", entries, err)
	}
}

func (s situation) failed(t *testing.T, m manner, got *reader) {
	t.Helper()
	if len(got.seen) > 0 || len(got.fails) != 1 {
		t.Fatalf("seen %+v, failures %q, want none and one", got.seen, got.fails)
	}
	want := strings.ReplaceAll(s.fail, "METHOD", map[bool]string{true: "POST", false: "GET"}[m.post])
	for part := range strings.SplitSeq(want, "QUERY") {
		if !strings.Contains(got.fails[0], part) {
			t.Errorf("failure %q\nlacks %q", got.fails[0], part)
		}
	}
}

func (s situation) saw(t *testing.T, m manner, b *book, got *reader) {
	t.Helper()
	if len(got.seen) != 1 || len(got.fails) != 0 {
		t.Fatalf("seen %+v, failures %q, want one and none", got.seen, got.fails)
	}
	if diff := cmp.Diff(s.ids, got.ids); diff != "" || got.bodies != s.bodies {
		t.Errorf("%d pages, want %d, with the items (-want +got):\n%s", got.bodies, s.bodies, diff)
	}
	o := got.seen[0]
	if o.Requests != len(b.asked) || o.Cut != s.cut || o.Status != 200 || o.ContentType != "application/json" {
		t.Errorf("observation %+v after %d requests", o, len(b.asked))
	}
	asked := len(slices.Compact(slices.Clone(b.asked)))
	if want := (m.byNumber || m.counts) && asked > 1; o.Doubtful != want {
		t.Errorf("doubtful is %t after %d pages", o.Doubtful, asked)
	}
	if told := !m.byNumber || m.pagination.TotalPath != ""; told && asked != s.bodies {
		t.Errorf("asked for pages %v, though each says whether there is another", b.asked)
	}
}

// The same pages again are no change, and are not even handed out.
func TestPaginationUnchanged(t *testing.T) {
	t.Parallel()
	for _, m := range manners() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			b := &book{manner: m, pages: pagesOf(2, 2, 1)}
			p, s, got := newPagedPoller(t, b)
			pollOnce(t, p, s)
			pollOnce(t, p, s)
			b.pages[2] = `[{"id":5,"x":1}]`
			pollOnce(t, p, s)
			b.pages = b.pages[:1]
			pollOnce(t, p, s)
			pollOnce(t, p, s)
			var unchanged []bool
			for _, o := range got.seen {
				unchanged = append(unchanged, o.Unchanged)
			}
			if diff := cmp.Diff([]bool{false, true, false, false, true}, unchanged); diff != "" {
				t.Errorf("unchanged (-want +got):\n%s", diff)
			}
		})
	}
}

// A poll between its pages that is replaced, forgotten or ended is dropped with
// all that came of it.
func TestPollBetweenPagesIsDropped(t *testing.T) {
	t.Parallel()
	ends := map[string]func(p *Poller, s *Source) *Source{
		"set state": func(p *Poller, s *Source) *Source { p.SetState(s.Name, State{}); return s },
		"forget":    func(p *Poller, s *Source) *Source { p.Forget(s.Name); return s },
		"replace":   func(_ *Poller, s *Source) *Source { other := *s; return &other },
		"anew":      func(_ *Poller, s *Source) *Source { return s },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &book{manner: manners()[0], pages: bigPages(3, 700<<10)}
			p, s, got := newPagedPoller(t, b)
			for request := range 2 {
				if o := p.Poll(t.Context(), s, request+1); !o.More {
					t.Fatalf("outcome %+v", o)
				}
			}
			visit := p.sources[s.Name].underWay
			spool := visit.run.spool
			if spool.file == nil || spool.Len() != 2 {
				t.Fatal("the pages are not in a file, so that nothing is tested")
			}
			s = end(p, s)
			request := 3
			if name == "anew" {
				request = 1
			}
			if o := p.Poll(t.Context(), s, request); !o.More {
				t.Fatalf("outcome %+v", o)
			}
			if visit.run.spool != nil || spool.file != nil || spool.memory != nil {
				t.Error("the pages are still there")
			}
			for p.Poll(t.Context(), s, 4).More {
			}
			if diff := cmp.Diff([]int{0, 1, 0, 1, 2}, b.asked); diff != "" || got.bodies != 3 {
				t.Errorf("pages asked for (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("close", func(t *testing.T) {
		t.Parallel()
		b := &book{manner: manners()[0], pages: pagesOf(1, 1)}
		p, s, got := newPagedPoller(t, b)
		p.Poll(t.Context(), s, 1)
		p.Close()
		p.Close()
		if p.sources[s.Name].underWay != nil || len(got.seen)+len(got.fails) > 0 {
			t.Error("the poll is still there, or was told")
		}
	})
}

// bigPages makes pages of one item each that do not compress.
func bigPages(n, size int) []string {
	var pages []string
	for i := range n {
		pages = append(pages, fmt.Sprintf(`[{"id":%d,"x":"%s"}]`, i+1, noise(uint64(i+1), size)))
	}
	return pages
}

// Each page is admitted by the limit on its own, and paced like any request.
func TestPagesTakeFromTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &book{manner: manners()[0], pages: pagesOf(2, 2, 2, 2, 1), instead: instead(2, 1, status(503))}
		p, s, got := newPagedPoller(t, b)
		s.Limit, s.Schedule = "api", mustSchedule(t, "@yearly", time.UTC, "shop")
		limiter := mustStartLimiter(t, newMemoryBudgets(), oneASecond())
		scheduler := NewScheduler(SchedulerOptions{Poll: p.Poll, Limiter: limiter, Runs: newMemoryRuns()})
		scheduler.Apply([]*Source{s})
		mustStart(t, scheduler)
		wait(time.Minute)
		if err := scheduler.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if used := limiter.Limits()[0].Used; used != 6 || len(b.asked) != 6 {
			t.Errorf("%d requests were counted for the pages %v", used, b.asked)
		}
		if diff := cmp.Diff(count(9), got.ids); diff != "" || got.seen[0].Requests != 6 {
			t.Errorf("items (-want +got):\n%s", diff)
		}
	})
}
