package recipe_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// fake stands in for an API: routes that hold against its documentation what is
// asked of them, a limit that is counted, and states in which it is sick.
type fake struct {
	t   *testing.T
	mux *http.ServeMux
	// authorized says whether the credentials of a request are good.
	authorized func(r *http.Request) bool
	// denied is the answer to others, as the API documents it.
	denied answer

	mu       sync.Mutex
	requests int           // of the limit,
	per      time.Duration // in any such time
	asked    []time.Time
	sick     *answer
	read     map[string]reading // of lists by name
	// untagged says that the API has no validators.
	untagged bool
}

// reading is how far a list of pages has been read.
type reading int

const (
	begun reading = iota + 1 // its first page, and there are others
	whole                    // a page with others after it, and then the last one
)

// answer is one answer of an API.
type answer struct {
	status int
	header http.Header
	body   string
	// untagged says that it has no validator.
	untagged bool
}

// newFake returns a fake with a limit of so many requests in any such time, and an
// answer to those whose credentials are bad.
func newFake(t *testing.T, requests int, per time.Duration, authorized func(*http.Request) bool, denied answer) *fake {
	t.Helper()
	return &fake{t: t, mux: http.NewServeMux(), requests: requests, per: per, authorized: authorized, denied: denied}
}

// bearer is the check of a token.
func bearer(token string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+token }
}

// basic is the check of a name and a password.
func basic(user, password string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		u, p, ok := r.BasicAuth()
		return ok && u == user && p == password
	}
}

// handle adds a route, by a pattern of http.ServeMux. What serve returns is sent
// as JSON with a validator; an answer is sent as it is.
func (f *fake) handle(pattern string, serve func(r *http.Request) any) {
	f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock() // what serve reads is written under it, by do
		made := serve(r)
		f.mu.Unlock()
		a, ok := made.(answer)
		if !ok {
			a = f.json(made, nil)
		}
		a.untagged = f.untagged
		a.write(w, r)
	})
}

// json is a good answer with headers of its own.
func (f *fake) json(value any, header http.Header) answer {
	body, err := json.Marshal(value)
	if err != nil {
		f.t.Error(err)
	}
	return answer{status: http.StatusOK, header: header, body: string(body)}
}

// number is a parameter that is a number; 0 where there is none.
func (f *fake) number(r *http.Request, name string) int {
	text := r.URL.Query().Get(name)
	n, err := strconv.Atoi(text)
	if err != nil && text != "" {
		f.t.Errorf("%s %s: %s is no number", r.Method, r.URL, name)
	}
	return n
}

// do changes what the API has.
func (f *fake) do(change func()) func() {
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		change()
	}
}

// ill is a sickness in which every request gets an answer.
func (f *fake) ill(name, reason string, a answer) sickness {
	return sickness{
		name: name, reason: reason, blind: a.status == http.StatusOK,
		begin: f.do(func() { f.sick = &a }), end: f.do(func() { f.sick = nil }),
	}
}

// ServeHTTP implements http.Handler.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sick := f.admit(r)
	switch {
	case sick != nil:
		sick.write(w, r)
	case f.authorized != nil && !f.authorized(r):
		f.denied.write(w, r)
	default:
		f.mux.ServeHTTP(w, r)
	}
}

// allows is the limit that the API documents.
func (f *fake) allows() (requests int, per time.Duration) { return f.requests, f.per }

// admit counts a request. One beyond the limit is a fault of the recipe: it knows
// what the API allows.
func (f *fake) admit(r *http.Request) (sick *answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for len(f.asked) > 0 && (now.Sub(f.asked[0]) >= f.per || now.Before(f.asked[0])) { // of another bubble
		f.asked = f.asked[1:]
	}
	f.asked = append(f.asked, now)
	if len(f.asked) > f.requests {
		f.t.Errorf("%s %s is request %d within %v, the limit is %d", r.Method, r.URL, len(f.asked), f.per, f.requests)
	}
	return f.sick
}

// write sends an answer, with a validator where it is a good one.
func (a answer) write(w http.ResponseWriter, r *http.Request) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	if a.status == http.StatusOK && r.Method == http.MethodGet && !a.untagged && w.Header().Get("Etag") == "" {
		sum := sha256.Sum256([]byte(a.body))
		tag := `"` + hex.EncodeToString(sum[:8]) + `"`
		w.Header().Set("Etag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// wantQuery reports a parameter that is not as the documentation wants it.
func (f *fake) wantQuery(r *http.Request, name, want string) {
	if got := r.URL.Query().Get(name); got != want {
		f.t.Errorf("%s %s: %s is %q, want %q", r.Method, r.URL, name, got, want)
	}
}

// wantHeader reports a header that is not as the documentation wants it.
func (f *fake) wantHeader(r *http.Request, name, want string) {
	if got := r.Header.Get(name); !strings.EqualFold(got, want) {
		f.t.Errorf("%s %s: header %s is %q, want %q", r.Method, r.URL, name, got, want)
	}
}

// paged takes note that a page of a list is given, from an offset on, and whether
// others follow it. At its end the test fails where the list never had several
// pages, or its last one was never asked for. It is called by what serves a route.
func (f *fake) paged(list string, offset int, more bool) {
	if f.read == nil {
		f.read = make(map[string]reading)
	}
	if _, known := f.read[list]; !known {
		f.read[list] = 0
		f.t.Cleanup(func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.read[list] != whole {
				f.t.Errorf("of %s no poll asked for all pages, or there was but one", list)
			}
		})
	}
	switch {
	case offset == 0 && more:
		f.read[list] = max(f.read[list], begun)
	case offset > 0 && !more && f.read[list] == begun:
		f.read[list] = whole
	}
}

// sent is the JSON body of a request.
func (f *fake) sent(r *http.Request) gjson.Result {
	f.wantHeader(r, "Content-Type", "application/json")
	body, err := io.ReadAll(r.Body)
	if err != nil || !gjson.ValidBytes(body) {
		f.t.Errorf("%s %s: the body is no JSON: %s, %v", r.Method, r.URL, body, err)
	}
	return gjson.ParseBytes(body)
}

// nextLink is the header by which an answer names its next page (RFC 8288).
func nextLink(url string) http.Header {
	return http.Header{"Link": {fmt.Sprintf(`<%s>; rel="next"`, url)}}
}

// page is the part of a list from an offset, and whether more follows.
func page[T any](list []T, offset, size int) (part []T, more bool) {
	if offset >= len(list) {
		return []T{}, false
	}
	end := min(offset+size, len(list))
	return list[offset:end], end < len(list)
}
