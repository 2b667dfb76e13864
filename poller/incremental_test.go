package poller

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// feed is an API that gives what is later than since.
type feed struct {
	answers []string // one a poll, the last one for ever
	etag    bool
	date    time.Time // of its clock; zero for no Date
	asked   []string  // the values of since, "-" for none
	sent    []string  // bodies
	headers []http.Header
}

func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	since := "-"
	if r.URL.Query().Has("since") {
		since = r.URL.Query().Get("since")
	}
	body, _ := io.ReadAll(r.Body)
	answer := f.answers[min(len(f.asked), len(f.answers)-1)]
	f.asked, f.sent, f.headers = append(f.asked, since), append(f.sent, string(body)), append(f.headers, r.Header)
	if !f.date.IsZero() {
		w.Header().Set("Date", f.date.UTC().Format(http.TimeFormat))
	}
	if f.etag {
		w.Header().Set("ETag", `"`+since+`"`)
	}
	if code, ok := strings.CutPrefix(answer, "status "); ok {
		w.WriteHeader(number0(code))
		return
	}
	_, _ = io.WriteString(w, answer)
}

func newFeedPoller(t *testing.T, f *feed, i Incremental) (*Poller, *Source, *reader) {
	t.Helper()
	got := &reader{}
	p := NewPoller(PollerOptions{
		Fetcher: newFetcher(t, FetcherOptions{RoundTripper: handlerNetwork(f.ServeHTTP)}), Observer: got,
	})
	s := newSource("http://api.example/orders?state=open")
	if i.CursorPath == "" {
		i.CursorPath = "at"
	}
	if i.StartParam == "" {
		i.StartParam = "since"
	}
	s.Incremental, s.Items = &i, "data"
	return p, s, got
}

// at is an answer whose items have these values of at, in JSON.
func at(values ...string) string {
	items := make([]string, len(values))
	for i, v := range values {
		items[i] = fmt.Sprintf(`{"id":%d,"at":%s}`, i+1, v)
	}
	return `{"data":[` + strings.Join(items, ",") + `]}`
}

func TestIncrementalSends(t *testing.T) {
	t.Parallel()
	date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name    string
		i       Incremental
		answers []string
		want    []string
	}{
		{name: "nothing at first", answers: []string{at(`"2026-01-01T00:00:00Z"`)}, want: []string{"-", "2025-12-31T23:59:59Z"}},
		{name: "milliseconds", answers: []string{at(`"2026-01-01T00:00:00.678Z"`, `"2026-01-01T00:00:00.679Z"`)}, want: []string{"-", "2026-01-01T00:00:00.678Z"}},
		{name: "a number", answers: []string{at(`7`, `9007199254740993`, `8`)}, want: []string{"-", "9007199254740992"}},
		{name: "a text", answers: []string{at(`"01J"`, `"01H"`)}, want: []string{"-", "01J"}},
		{name: "the newest of any order", answers: []string{at(`"2026-01-01T02:00:00+01:00"`, `"2026-01-01T01:30:00Z"`)}, want: []string{"-", "2026-01-01T01:29:59Z"}},
		{
			name: "an initial value", i: Incremental{InitialValue: "2020-01-01"}, answers: []string{at(), at(`"2026-01-01"`)},
			want: []string{"2020-01-01", "2020-01-01", "2025-12-31"},
		},
		{
			name: "nothing before the initial value", i: Incremental{InitialValue: "2026-01-01T00:00:00Z", Lookback: time.Hour},
			answers: []string{at(`"2026-01-01T00:10:00Z"`)}, want: []string{"2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
		},
		{
			name: "lookback", i: Incremental{Lookback: 2 * time.Minute}, answers: []string{at(`"2026-01-01T00:10:00.5Z"`)},
			want: []string{"-", "2026-01-01T00:08:00.5Z"},
		},
		{name: "an empty answer keeps it", answers: []string{at(`5`), at(), at(`6`)}, want: []string{"-", "4", "4", "5"}},
		{name: "never backwards", answers: []string{at(`5`), at(`3`), at(`4`)}, want: []string{"-", "4", "4", "4"}},
		{name: "a failed poll keeps it", answers: []string{at(`5`), "status 404", at(`6`)}, want: []string{"-", "4", "4", "5"}},
		{name: "some without it", answers: []string{at(`null`, `5`, `{}`, `true`)}, want: []string{"-", "4"}},
		{name: "in the future", answers: []string{at(`"2026-01-02T03:00:00Z"`, `"2999-01-01T00:00:00Z"`)}, want: []string{"-", "2026-01-02T03:04:04Z"}},
		{name: "a number in the future", answers: []string{at(`1767323000`, `9999999999`)}, want: []string{"-", "1767323044"}},
		{name: "numbers that are no times", answers: []string{at(`5767323000`, `9999999999`)}, want: []string{"-", "9999999998"}},
		{name: "ids that look like times", i: Incremental{ID: true}, answers: []string{at(`"1460323737035677698"`, `"1999999999999999999"`)}, want: []string{"-", "1999999999999999998"}},
		{name: "times in the future beside a known id", i: Incremental{ID: true}, answers: []string{at(`1767323000`), at(`"2999-01-01T00:00:00Z"`)}, want: []string{"-", "1767322999", "2026-01-02T03:04:04Z"}},
		{name: "another kind of value", answers: []string{at(`"2026-01-01T00:00:00Z"`), at(`1767000000`)}, want: []string{"-", "2025-12-31T23:59:59Z", "1766999999"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &feed{answers: tt.answers, date: date}
			p, s, _ := newFeedPoller(t, f, tt.i)
			for range tt.want {
				pollOnce(t, p, s)
			}
			if diff := cmp.Diff(tt.want, f.asked); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// "now" is the time of the first poll, and stays that until an item is seen.
func TestIncrementalFromNow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		initial, answer string
		want            []string
	}{
		{InitialNow, at(`"2000-01-01T00:00:30Z"`), []string{"1999-12-31T23:59:00Z", "1999-12-31T23:59:00Z", "1999-12-31T23:59:00Z", "1999-12-31T23:59:30Z"}},
		{InitialNowUnix, at(`946684830`), []string{"946684740", "946684740", "946684740", "946684770"}},
		{InitialNowUnix, at(`"946684830.000200"`), []string{"946684740", "946684740", "946684740", "946684770.000200"}},
		{InitialNowUnixMilli, at(`"946684830001"`), []string{"946684740000", "946684740000", "946684740000", "946684770001"}},
	} {
		t.Run(tt.initial+" "+tt.answer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &feed{answers: []string{at(), at(), tt.answer}}
				p, s, _ := newFeedPoller(t, f, Incremental{InitialValue: tt.initial, Lookback: time.Minute})
				for range 4 {
					pollOnce(t, p, s)
					wait(time.Minute)
				}
				if diff := cmp.Diff(tt.want, f.asked); diff != "" {
					t.Errorf("sent (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The cursor is accepted together with the answer, by the observer and nobody
// else, and survives in the State.
func TestIncrementalState(t *testing.T) {
	t.Parallel()
	f := &feed{answers: []string{at(`"2026-01-01T00:00:00.100Z"`), at(`"2026-01-01T00:00:00.200Z"`)}}
	p, s, got := newFeedPoller(t, f, Incremental{})
	p.SetState(s.Name, State{Cursor: `"2025-01-01T00:00:00.000Z"`})
	pollOnce(t, p, s)
	got.refuse = errors.New("disk full")
	pollOnce(t, p, s)
	got.refuse = nil
	pollOnce(t, p, s)
	pollOnce(t, p, s)
	if want := []string{"2024-12-31T23:59:59.999Z", "2026-01-01T00:00:00.099Z", "2026-01-01T00:00:00.099Z", "2026-01-01T00:00:00.199Z"}; !slices.Equal(f.asked, want) {
		t.Errorf("sent %q, want %q", f.asked, want)
	}
	last := got.seen[len(got.seen)-1]
	if !last.Unchanged || last.State.Cursor != `"2026-01-01T00:00:00.200Z"` {
		t.Errorf("the same answer again is %+v", last)
	}
	p.SetState(s.Name, State{}) // another request
	pollOnce(t, p, s)
	if since := f.asked[len(f.asked)-1]; since != "-" {
		t.Errorf("another request starts from %q", since)
	}
}

// Validators belong to one URL: they are sent only while that stays the same.
func TestIncrementalConditional(t *testing.T) {
	t.Parallel()
	f := &feed{answers: []string{at(`5`), at(`6`), at(`6`), at(`6`), "status 304", at(`7`)}, etag: true}
	p, s, got := newFeedPoller(t, f, Incremental{})
	for range 7 {
		pollOnce(t, p, s)
	}
	var sent []string
	for i, h := range f.headers {
		sent = append(sent, f.asked[i]+" "+h.Get("If-None-Match"))
	}
	want := []string{"- ", "4 ", "5 ", `5 "5"`, `5 "5"`, `5 "5"`, "6 "}
	if diff := cmp.Diff(want, sent); diff != "" || len(got.fails) > 0 {
		t.Errorf("since and validators (-want +got):\n%s%q", diff, got.fails)
	}
}

func TestIncrementalFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		answer string
		i      Incremental
		want   string
	}{
		{at(`null`, `{}`), Incremental{}, "incremental.cursor_path leads to nothing that could be compared in any of 2 items: at"},
		{`{"data":{}}`, Incremental{}, `items.path "data" leads to no array`},
		{`no JSON`, Incremental{}, "it is no valid JSON; the answer begins: no JSON"},
		{`{"ok":false,"error":"not_in_channel"}`, Incremental{}, `items.path "data" leads to nothing; the answer begins: {"ok":false,"error":"not_in_channel"}`},
		{at(`17`), Incremental{Lookback: time.Minute}, "incremental.lookback takes a time off, which cursor_path does not lead to: remove it: 17"},
		{at(`"` + strings.Repeat("x", 99) + `"`), Incremental{Lookback: time.Minute}, "remove it: " + strings.Repeat("x", 40) + "…"},
	}
	for _, tt := range tests {
		f := &feed{answers: []string{tt.answer}}
		p, s, got := newFeedPoller(t, f, tt.i)
		pollOnce(t, p, s)
		if len(got.fails) != 1 || !strings.Contains(got.fails[0], tt.want) || !strings.Contains(got.fails[0], "GET http://api.example/orders?") {
			t.Errorf("%s: failures %q, want %s", tt.answer, got.fails, tt.want)
		}
	}
	// A body that takes no parameter is the operator's mistake: nothing is sent.
	f := &feed{answers: []string{at()}}
	p, s, got := newFeedPoller(t, f, Incremental{In: InBody, InitialValue: "5"})
	s.Request.Method, s.Request.Body = http.MethodPost, []byte("[1]")
	pollOnce(t, p, s)
	if len(f.asked) > 0 || len(got.fails) != 1 || !strings.Contains(got.fails[0], errBody.Error()) {
		t.Errorf("asked %q, failures %q", f.asked, got.fails)
	}
}

// In a body the value keeps its type.
func TestIncrementalInBody(t *testing.T) {
	t.Parallel()
	f := &feed{answers: []string{at(`7`), at(`"<8>"`), at()}}
	p, s, _ := newFeedPoller(t, f, Incremental{In: InBody, StartParam: "variables.since", InitialValue: "5"})
	s.Request.Method, s.Request.Body = http.MethodPost, []byte(`{"n":12345678901234567890,"variables":{"state":"<open>"}}`)
	for range 3 {
		pollOnce(t, p, s)
	}
	want := []string{
		`{"n":12345678901234567890,"variables":{"since":5,"state":"<open>"}}`,
		`{"n":12345678901234567890,"variables":{"since":6,"state":"<open>"}}`,
		`{"n":12345678901234567890,"variables":{"since":"<8>","state":"<open>"}}`,
	}
	if diff := cmp.Diff(want, f.sent); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

// The start is asked for on every page, and the newest of all pages counts.
func TestIncrementalPages(t *testing.T) {
	t.Parallel()
	for _, m := range manners() {
		if m.post {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			b := &book{manner: m, pages: []string{`[{"id":1,"n":5}]`, `[{"id":2,"n":9}]`, `[{"id":3,"n":7}]`}}
			p, s, got := newPagedPoller(t, b)
			s.Incremental = &Incremental{CursorPath: "n", StartParam: "since", InitialValue: "1"}
			s.Pagination.Newest = true
			pollOnce(t, p, s)
			first := len(b.urls)
			pollOnce(t, p, s)
			for i, u := range b.urls {
				want := map[bool]string{true: "since=1", false: "since=8"}[i < first]
				if !strings.HasSuffix(u, want) && !strings.Contains(u, want+"&") && !strings.Contains(u, "/orders?page=") {
					t.Errorf("request %d goes to %s, without %s", i, u, want)
				}
			}
			if len(got.seen) != 2 || got.seen[0].State.Cursor != "9" || !got.seen[1].Unchanged || got.seen[1].State.Cursor != "9" {
				t.Errorf("seen %+v, failures %q", got.seen, got.fails)
			}
		})
	}
}

// Beyond max_pages, what is older than the pages that came is passed over for
// good, unless it was known or the oldest come first.
func TestIncrementalPassesOver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		known string
		pages []string
		want  bool
	}{
		{"the newest come first", `5`, []string{`[{"n":9},{"n":8}]`, `[{"n":7}]`, `[{"n":6}]`}, true},
		{"what follows is known", `7`, []string{`[{"n":9},{"n":8}]`, `[{"n":7}]`, `[{"n":6}]`}, false},
		{"the oldest come first", `5`, []string{`[{"n":6},{"n":7}]`, `[{"n":8}]`, `[{"n":9}]`}, false},
		{"no order", `5`, []string{`[{"n":6},{"n":9}]`, `[{"n":8}]`, `[{"n":7}]`}, true},
		{"the last without it", `5`, []string{`[{"n":9},{"n":8}]`, `[{"n":7},{}]`, `[{"n":6}]`}, true},
		{"as many as max_pages", `5`, []string{`[{"n":9},{"n":8}]`, `[{"n":7}]`}, false},
		{"a first poll", ``, []string{`[{"n":9},{"n":8}]`, `[{"n":7}]`, `[{"n":6}]`}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := &book{manner: manners()[0], pages: tt.pages}
			p, s, got := newPagedPoller(t, b)
			s.Incremental = &Incremental{CursorPath: "n", StartParam: "since"}
			s.Pagination.Newest, s.Pagination.MaxPages = true, 2
			p.SetState(s.Name, State{Cursor: tt.known})
			pollOnce(t, p, s)
			if len(got.seen) != 1 || got.seen[0].PassedOver != tt.want {
				t.Errorf("seen %+v, failures %q, want passed over %t", got.seen, got.fails, tt.want)
			}
		})
	}
}

// What is changed while pages are asked for may stand on a page that has come
// already: the cursor is not later than the first page.
func TestIncrementalStaysBehindTheFirstPage(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	got := &reader{}
	p := NewPoller(PollerOptions{Observer: got, Fetcher: newFetcher(t, FetcherOptions{
		RoundTripper: handlerNetwork(func(w http.ResponseWriter, r *http.Request) {
			page := number0(r.URL.Query().Get("page"))
			w.Header().Set("Date", start.Add(time.Duration(page)*time.Minute).Format(http.TimeFormat))
			if page < 2 {
				w.Header().Set("Link", fmt.Sprintf(`<?page=%d>; rel=next`, page+1))
			}
			items := []string{at(`"2026-03-01T11:00:00Z"`), at(`"2026-03-01T12:00:30Z"`), at(`"2026-03-01T12:01:30Z"`)}
			_, _ = io.WriteString(w, items[page])
		}),
	})})
	s := newSource("http://api.example/orders")
	s.Items, s.Pagination = "data", &Pagination{Kind: HeaderLink, Newest: true}
	s.Incremental = &Incremental{CursorPath: "at", StartParam: "since"}
	pollOnce(t, p, s)
	if len(got.seen) != 1 || got.seen[0].State.Cursor != `"2026-03-01T12:00:00Z"` {
		t.Errorf("seen %+v, failures %q", got.seen, got.fails)
	}
}

// A 304 stands for the stored answer, its hash too.
func TestNotModifiedKeepsTheHash(t *testing.T) {
	t.Parallel()
	f := &feed{answers: []string{at(`5`), at(`5`), "status 304", at(`5`)}, etag: true}
	p, s, got := newFeedPoller(t, f, Incremental{})
	for range 4 {
		pollOnce(t, p, s)
	}
	if len(got.seen) != 4 || got.seen[2].State.RawHash != got.seen[1].State.RawHash || !got.seen[3].Unchanged {
		t.Errorf("seen %+v, failures %q", got.seen, got.fails)
	}
}
