package poller

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tidwall/gjson"
)

// wanting is an observer that wants the details of all items.
type wanting struct {
	told   []string
	refuse error
}

func (w *wanting) Wanted(_ context.Context, o *Observation) (wants []Want, err error) {
	for _, item := range gjson.GetBytes(o.Body, "@this").Array() {
		wants = append(wants, Want{Key: item.Get("id").String(), Item: []byte(item.Raw)})
	}
	return wants, w.refuse
}

func (w *wanting) Observe(_ context.Context, o *Observation) error {
	w.told = append(w.told, "list "+string(o.Body))
	for i, d := range o.Details {
		body, err := o.DetailBodies.Page(i)
		if err != nil {
			return err
		}
		if d.Err != nil {
			_, reason, _ := strings.Cut(d.Err.Error(), ": ")
			body = []byte(reason)
		}
		w.told = append(w.told, d.Key+" "+string(body))
	}
	return nil
}

func (w *wanting) Fail(_ context.Context, _ string, reason error) {
	w.told = append(w.told, "fail "+reason.Error())
}

// polledDetails polls a list and its details once.
func polledDetails(t *testing.T, change func(*Source), w *wanting, h http.HandlerFunc) (requests []string) {
	t.Helper()
	p := NewPoller(PollerOptions{
		Observer: w, Detailer: w,
		Fetcher: newFetcher(t, FetcherOptions{SpoolDir: t.TempDir(), RoundTripper: handlerNetwork(func(rw http.ResponseWriter, r *http.Request) {
			requests = append(requests, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+r.Header.Get("Content-Type"))
			h(rw, r)
		})}),
	})
	s := newSource("http://api.example/orders")
	s.Request.Auth = Bearer{Token: "t"}
	s.Detail = &DetailRequest{URL: "http://api.example/orders/{item.id}"}
	change(s)
	pollOnce(t, p, s)
	return requests
}

func TestDetailsFollowTheirList(t *testing.T) {
	t.Parallel()
	serve := func(answers map[string]string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			answer := answers[r.URL.Path]
			if code, err := strconv.Atoi(answer); err == nil && code > 100 {
				w.WriteHeader(code)
				return
			}
			_, _ = io.WriteString(w, answer)
		}
	}
	tests := []struct {
		name     string
		answers  map[string]string
		change   func(*Source)
		refuse   error
		requests int
		told     []string
	}{
		{
			name: "all come", answers: map[string]string{"/orders": `[{"id":1},{"id":2}]`, "/orders/1": "one", "/orders/2": "two"}, requests: 3,
			told: []string{`list [{"id":1},{"id":2}]`, "1 one", "2 two"},
		},
		{name: "none is wanted", answers: map[string]string{"/orders": `[]`}, requests: 1, told: []string{"list []"}},
		{
			name: "one fails, the others go on", answers: map[string]string{"/orders": `[{"id":1},{"id":2},{"id":3}]`, "/orders/1": "one", "/orders/2": "500", "/orders/3": "three"}, requests: 6,
			told: []string{`list [{"id":1},{"id":2},{"id":3}]`, "1 one", "2 answered 500 Internal Server Error", "3 three"},
		},
		{
			name: "one is gone", answers: map[string]string{"/orders": `[{"id":1},{"id":2}]`, "/orders/1": "404", "/orders/2": "two"}, requests: 3,
			told: []string{`list [{"id":1},{"id":2}]`, "1 answered 404 Not Found", "2 two"},
		},
		{
			name: "credentials are refused", answers: map[string]string{"/orders": `[{"id":1},{"id":2},{"id":3}]`, "/orders/1": "one", "/orders/2": "401"}, requests: 3,
			told: []string{`list [{"id":1},{"id":2},{"id":3}]`, "1 one", "2 answered 401 Unauthorized"},
		},
		{
			name: "an item without what the address takes", answers: map[string]string{"/orders": `[{"no":1},{"id":2}]`, "/orders/2": "two"}, requests: 2,
			told: []string{`list [{"no":1},{"id":2}]`, " there is no address of its detail: item.id leads to nothing", "2 two"},
		},
		{
			name: "the server is sick", answers: map[string]string{"/orders": `[{"id":1},{"id":2},{"id":3},{"id":4}]`, "/orders/1": "503", "/orders/2": "503", "/orders/3": "503", "/orders/4": "4"},
			change: func(s *Source) { s.Retry.MaxAttempts = 1 }, requests: 4,
			told: []string{`list [{"id":1},{"id":2},{"id":3},{"id":4}]`, "1 answered 503 Service Unavailable", "2 answered 503 Service Unavailable", "3 answered 503 Service Unavailable"},
		},
		{
			name: "as much as one answer may be", answers: map[string]string{"/orders": `[{"id":1},{"id":2}]`, "/orders/1": strings.Repeat("x", 40)},
			change: func(s *Source) { s.Request.MaxBodySize = 40 }, requests: 2,
			told: []string{`list [{"id":1},{"id":2}]`, "1 " + strings.Repeat("x", 40)},
		},
		{
			name: "the list is no observation", answers: map[string]string{"/orders": `[{"id":1}]`}, refuse: errors.New("too few"), requests: 1,
			told: []string{"fail too few"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &wanting{refuse: tt.refuse}
				change := tt.change
				if change == nil {
					change = func(*Source) {}
				}
				requests := polledDetails(t, change, w, serve(tt.answers))
				if len(requests) != tt.requests || !slices.Equal(w.told, tt.told) {
					t.Errorf("requests %q, told %q", requests, w.told)
				}
			})
		})
	}
}

// A detail is asked for by GET with the credentials, whatever the list is.
func TestDetailsAreAskedByGET(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		change := func(s *Source) {
			s.Request.Method, s.Request.Body = http.MethodPost, []byte(`{}`)
			s.Request.Header = http.Header{"Content-Type": {"application/json"}}
		}
		got := polledDetails(t, change, &wanting{}, func(w http.ResponseWriter, r *http.Request) {
			if body, _ := io.ReadAll(r.Body); (len(body) > 0) != (r.Method == http.MethodPost) {
				t.Errorf("%s with body %q", r.Method, body)
			}
			_, _ = io.WriteString(w, `[{"id":"a/b"}]`)
		})
		want := []string{"POST /orders Bearer tapplication/json", "GET /orders/a%2Fb Bearer t"}
		if !slices.Equal(got, want) {
			t.Errorf("requests %q", got)
		}
	})
}

func TestDetailURL(t *testing.T) {
	t.Parallel()
	own, err := url.Parse("https://api.example/v1/orders?page=1")
	if err != nil {
		t.Fatal(err)
	}
	const base = "https://api.example/v1/"
	tests := []struct{ template, item, want, fails string }{
		{template: base + "{item.id}", item: `{"id":7}`, want: base + "7"},
		{template: base + "{item.id}", item: `{"id":9007199254740993}`, want: base + "9007199254740993"},
		{template: base + "{item.a.b}/x?q={item.c}&k={key}", item: `{"a":{"b":"é ?#"},"c":"&="}`, want: base + "%C3%A9%20%3F%23/x?q=%26%3D&k=the+key"},
		{template: base + "{item.id}", item: `{"id":"../admin"}`, fails: "would lead elsewhere"},
		{template: base + "{item.id}", item: `{"id":"a/b"}`, want: base + "a%2Fb"},
		{template: base + "{item.id}", item: `{"id":".."}`, fails: "would lead elsewhere"},
		{template: base + "{item.id}", item: `{"id":"."}`, fails: "would lead elsewhere"},
		{template: base + "{item.id}", item: `{"id":" "}`, fails: "item.id leads to an empty text"},
		{template: base + "{item.id}", item: `{"id":null}`, fails: "item.id leads to nothing"},
		{template: base + "{item.id}", item: `{"id":{}}`, fails: "item.id leads to no text or number"},
		{template: "https://other.example/{item.id}", item: `{"id":1}`, fails: "where the credentials"},
		{template: "{item.href}", item: `{"href":"https://api.example/x?y=1#z"}`, want: "https://api.example/x?y=1"},
		{template: "{item.href}", item: `{"href":"/x"}`, want: "https://api.example/x"},
		{template: "{item.href}", item: `{"href":"http://api.example/x"}`, want: "https://api.example/x"},
		{template: "{item.href}", item: `{"href":"https://evil.example/x"}`, fails: "where the credentials"},
		{template: "{item.href}", item: `{"href":"file:///etc/passwd"}`, fails: "no http or https url"},
	}
	for _, tt := range tests {
		u, err := detailURL(tt.template, own, &Want{Key: "the key", Item: []byte(tt.item)})
		switch {
		case tt.fails != "" && (err == nil || !errors.Is(err, errDetailURL) || !strings.Contains(err.Error(), tt.fails)):
			t.Errorf("%s of %s: %v, %v", tt.template, tt.item, u, err)
		case tt.fails == "" && (err != nil || u.String() != tt.want):
			t.Errorf("%s of %s: %v, %v", tt.template, tt.item, u, err)
		}
	}
}

// No value of an item leads out of the place it has.
func FuzzDetailURL(f *testing.F) {
	for _, seed := range []string{"1", "..", "a/b", "%2e%2e", "\\", "?x", "é", "\x00", "@evil.example", ";a"} {
		f.Add(seed)
	}
	own := &url.URL{Scheme: "https", Host: "api.example"}
	f.Fuzz(func(t *testing.T, value string) {
		item := []byte(`{"id":` + quoteJSON(value) + `}`)
		u, err := detailURL("https://api.example/v1/{item.id}/lines", own, &Want{Item: item})
		if err != nil {
			return
		}
		path := u.EscapedPath()
		if u.Host != "api.example" || u.RawQuery != "" || u.Fragment != "" || strings.Count(path, "/") != 3 ||
			!strings.HasPrefix(path, "/v1/") || !strings.HasSuffix(path, "/lines") {
			t.Errorf("%q leads to %s", value, u)
		}
	})
}
