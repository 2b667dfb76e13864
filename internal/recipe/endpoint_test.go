package recipe_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// shopHost is where the orders are that an endpoint recipe tells of.
const shopHost = "shop.example.com"

// shopSource is the source beside an endpoint recipe.
const shopSource = `sources:
  - name: orders
    schedule: "@every 1m"
    request: {url: https://` + shopHost + `/orders}
    items: {path: orders, key: id}
    detect: {significant_digits: 0}
    event_type: shop.order
    alerts: {failure_threshold: 2}
`

// service is what a recipe tells: an API that takes what its documentation asks for
// and refuses all else.
type service struct {
	// set are the values of the recipe's settings.
	set map[string]string
	// url is where the documentation says that it is posted to, status what it answers
	// to what it takes.
	url    string
	status int
	// requests is how many it takes within any such time; 0 for any number.
	requests int
	per      time.Duration
	// atOnce is how many the recipe may have under way, and has where there are as many
	// to tell; 0 where nothing is said of it.
	atOnce int
	// busy is its answer to what comes too fast.
	busy answer
	// wrong says what it refuses of a request, and why; empty for nothing.
	wrong func(r *http.Request, body []byte) string

	t      *testing.T
	mu     sync.Mutex
	under  int // way: requests that have no answer yet
	most   int // of them
	came   []time.Time
	isBusy bool
	refuse int
	posts  []post
}

// post is one that the service took.
type post struct {
	id, contentType string
	body            []byte
}

// ServeHTTP implements http.Handler.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	if s.atOnce > 0 {
		s.work()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isBusy {
		s.isBusy, s.came = false, nil // it counts anew once it is well again
		s.busy.write(w, r)
		return
	}
	s.count(r)
	wrong := s.wrong(r, body)
	switch {
	case r.Method != http.MethodPost || r.URL.String() != s.url:
		wrong = r.Method + " " + r.URL.String() + " is nothing that it has"
	case s.refuse > 0:
		s.refuse--
		http.Error(w, "not today", http.StatusInternalServerError)
		return
	}
	if wrong != "" {
		s.t.Errorf("the service refuses: %s\n%.4000s", wrong, body)
		http.Error(w, wrong, http.StatusBadRequest)
		return
	}
	s.posts = append(s.posts, post{r.Header.Get("Webhook-Id"), r.Header.Get("Content-Type"), body})
	w.WriteHeader(s.status)
}

// work takes a second.
func (s *service) work() {
	s.mu.Lock()
	s.under++
	s.most = max(s.most, s.under)
	s.mu.Unlock()
	<-time.After(time.Second)
	s.mu.Lock()
	s.under--
	s.mu.Unlock()
}

// count counts a request. One beyond the limit is a fault of the recipe.
func (s *service) count(r *http.Request) {
	now := time.Now()
	s.came = slices.DeleteFunc(s.came, func(at time.Time) bool { return now.Sub(at) >= s.per })
	s.came = append(s.came, now)
	if s.requests > 0 && len(s.came) > s.requests {
		s.t.Errorf("%s is request %d within %v, the limit is %d", r.URL.Host, len(s.came), s.per, s.requests)
	}
}

// take returns what was taken since it was last called, and wants so many posts,
// each of another event.
func (s *service) take(when string, want int) []post {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	posts := s.posts
	s.posts = nil
	ids := make(map[string]bool)
	for _, p := range posts {
		ids[p.id] = true
	}
	if len(posts) != want || len(ids) != want {
		s.t.Errorf("%s: it took %d posts of %d events, want %d", when, len(posts), len(ids), want)
		return make([]post, want)
	}
	return posts
}

// begin makes it busy for one request, or sick for several.
func (s *service) begin(busy bool, refuse int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isBusy, s.refuse = busy, refuse
}

// shop is where orders are looked at.
type shop struct {
	mu     sync.Mutex
	orders []map[string]any
	sick   bool
}

// ServeHTTP implements http.Handler.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sick {
		answer{status: http.StatusInternalServerError, body: `{"error": "A & B = \"50%\" + <1>"}`}.write(w, r)
		return
	}
	body, _ := json.Marshal(map[string]any{"orders": s.orders})
	answer{status: http.StatusOK, body: string(body)}.write(w, r)
}

func (s *shop) has(sick bool, orders ...map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sick, s.orders = sick, orders
}

// tryEndpoint tells a service of a change of each kind, with what forms and JSON must
// escape, of one that is huge, of a source that fails and is well again, and of
// many at once; the service must take them all, each once, as fast as it allows.
// It returns the bodies of the kinds: created, updated, nasty, huge, deleted,
// failing, recovered. That of updated is the example of the guide.
func tryEndpoint(t *testing.T, name string, s *service) map[string][]byte {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	s.t = t
	orders := &shop{orders: []map[string]any{}}
	bodies := make(map[string][]byte)
	inWorld(t, name, trial{set: s.set, hosts: map[string]http.Handler{u.Host: s, shopHost: orders}}, func(t *testing.T, w *world) {
		w.round()
		s.take("the first look", 0)
		type object = map[string]any
		for _, step := range []struct {
			kind   string
			sick   bool
			orders []object
		}{
			{"created", false, []object{{"id": 1042, "name": "Blue chair", "status": "open"}}},
			{"updated", false, []object{{"id": 1042, "name": "Blue chair", "status": "paid"}}},
			{"nasty", false, []object{{"id": 1042, "name": `A & B = "50%" + <1>`, "status": "ü\nnew;line\t\\ 🪑 {{ .Text }}"}}},
			{"huge", false, []object{huge()}},
			{"deleted", false, []object{}},
			{"failing", true, []object{}},
			{"recovered", false, []object{}},
		} {
			orders.has(step.sick, step.orders...)
			w.round()
			if step.sick || step.kind == "recovered" {
				pass(time.Hour) // a source that fails is asked less often
			}
			bodies[step.kind] = s.take(step.kind, 1)[0].body
		}
		w.log.take()
		s.tryMany(w, orders)
		compareExample(t, name, postExample(t, bodies["updated"]))
	})
	return bodies
}

// huge is an order of which everything is long, and nothing was there before.
func huge() map[string]any {
	order := map[string]any{"id": 1042, "name": strings.Repeat("long & ", 500), "status": strings.Repeat("ü\n", 40_000)}
	for i := range 20 {
		order[fmt.Sprint("field ", i)] = strings.Repeat("🪑", 1000)
	}
	return order
}

// tryMany has forty changes told at once, to a service that is too busy for the
// first one and then fails some times: it takes each in the end.
func (s *service) tryMany(w *world, orders *shop) {
	const many = 40
	list := make([]map[string]any, many)
	for i := range list {
		list[i] = map[string]any{"id": i, "name": fmt.Sprint("order ", i)}
	}
	s.begin(s.busy.status != 0, 3)
	orders.has(false, list...)
	w.round()
	pass(time.Hour)
	s.take("many", many)
	if s.most != s.atOnce {
		s.t.Errorf("%d posts were under way at once, want %d", s.most, s.atOnce)
	}
}

var eventID = regexp.MustCompile(`evt_[0-9A-Z]{26}`)

// postExample is what was posted as the guide shows it: JSON, which is also made of
// the fields of a form.
func postExample(t *testing.T, body []byte) []byte {
	t.Helper()
	body = eventID.ReplaceAll(body, []byte("evt_01JABCDEF0123456789ABCDEFG"))
	if !json.Valid(body) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Fatal(err)
		}
		fields := make(map[string]string)
		for field := range form {
			fields[field] = form.Get(field)
		}
		if body, err = json.Marshal(fields); err != nil {
			t.Fatal(err)
		}
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, bytes.TrimSpace(body), "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(indented.Bytes(), '\n')
}

// object decodes a body.
func object(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(body, &o); err != nil {
		t.Fatalf("%v: %.1000s", err, body)
	}
	return o
}
