package daemon_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/notify"
)

// fleet is what several nodes ask and tell: sources that change with every answer,
// and endpoints that look whether all of it arrives in order. It keeps books.
type fleet struct {
	upstream, hooks *httptest.Server
	secret          string
	sources         int
	// more are lines of each source, and rest what stands behind all of them.
	more, rest string
	endpoints  []string

	mu sync.Mutex
	// answers count those of each source.
	answers map[string]int
	asked   []asked
	// told is what each endpoint was told last of each source, seen are the ids.
	told  map[string]receiver.Envelope
	seen  map[string]bool
	wrong []string
	// formerly has the older names of sources.
	formerly map[string]string
	// closed says that the hooks answer 503.
	closed bool
}

// asked is a request that a node has made.
type asked struct {
	node, source string
	at           time.Time
}

func newFleet(t *testing.T, sources int) *fleet {
	t.Helper()
	f := &fleet{
		sources: sources, secret: notify.GenerateSecret(), endpoints: []string{"ea", "eb", "ec", "ed"},
		answers: make(map[string]int), told: make(map[string]receiver.Envelope), seen: make(map[string]bool),
	}
	f.upstream = httptest.NewServer(http.HandlerFunc(f.answer))
	f.hooks = httptest.NewServer(http.HandlerFunc(f.hear))
	t.Cleanup(f.upstream.Close)
	t.Cleanup(f.hooks.Close)
	t.Cleanup(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, w := range f.wrong[:min(len(f.wrong), 10)] {
			t.Error(w)
		}
	})
	return f
}

// yaml is the configuration of each node.
func (f *fleet) yaml() string {
	var b strings.Builder
	b.WriteString("log: {level: debug}\nsources:\n")
	for i := range f.sources {
		fmt.Fprintf(&b, "  - {name: s%02d, schedule: \"@every 1s\", request: {url: \"%s/s%02d\", timeout: 5s}, event_type: fleet%s}\n", i, f.upstream.URL, i, f.more)
	}
	b.WriteString("endpoints:\n")
	for _, name := range f.endpoints {
		fmt.Fprintf(&b, "  - {name: %s, url: \"%s/%s\", secrets: [%q], order: source, retry: {schedule: [200ms, 200ms, 200ms, 200ms, 200ms, 200ms, 200ms, 200ms, 1s, 1s, 1s, 1s], jitter: 0}, breaker: {failures: 1000}}\n", name, f.hooks.URL, name, f.secret)
	}
	b.WriteString(f.rest)
	return b.String()
}

func (f *fleet) answer(w http.ResponseWriter, r *http.Request) {
	node := strings.TrimPrefix(r.UserAgent(), "pollwire/")
	name := strings.TrimPrefix(r.URL.Path, "/")
	f.mu.Lock()
	f.answers[name]++
	n := f.answers[name]
	f.asked = append(f.asked, asked{node, name, time.Now()})
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"n":%d}`, n)
}

func (f *fleet) hear(w http.ResponseWriter, r *http.Request) {
	hook := receiver.New(nil, func(h *receiver.Webhook) { f.note(strings.TrimPrefix(r.URL.Path, "/"), h) })
	f.mu.Lock()
	closed := f.closed
	f.mu.Unlock()
	if closed {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	hook.ServeHTTP(w, r)
}

// note looks at what an endpoint is told: of each source it is the next change.
func (f *fleet) note(endpoint string, h *receiver.Webhook) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, err := h.Envelope()
	if err != nil {
		f.wrong = append(f.wrong, err.Error())
		return
	}
	if f.seen[endpoint+e.ID] {
		return // at least once
	}
	f.seen[endpoint+e.ID] = true
	of := endpoint + e.Source
	last, known := f.told[of]
	if old := f.formerly[e.Source]; !known && old != "" {
		last, known = f.told[endpoint+old]
	}
	f.told[of] = e
	want := 1
	if known {
		want = number(last.Sequence) + 1
		if string(last.Data.After) != string(e.Data.Before) {
			f.wrong = append(f.wrong, fmt.Sprintf("%s is told of %s that %s became %s, after %s", endpoint, e.Source, e.Data.Before, e.Data.After, last.Data.After))
		}
	}
	if number(e.Sequence) != want {
		f.wrong = append(f.wrong, fmt.Sprintf("%s is told change %s of %s after %s", endpoint, e.Sequence, e.Source, last.Sequence))
	}
}

func number(sequence string) int {
	n, _ := strconv.Atoi(strings.TrimLeft(sequence, "0"))
	return n
}

// await waits until something is so, and says what it was that is not.
func (f *fleet) await(t *testing.T, what string, so func() bool) {
	t.Helper()
	timeout := time.After(patience)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		f.mu.Lock()
		ok := so()
		f.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-again.C:
		case <-timeout:
			f.mu.Lock()
			defer f.mu.Unlock()
			t.Fatalf("it is not so that %s: %v", what, f.who(time.Now().Add(-5*time.Second)))
		}
	}
}

// who returns which sources each node has asked since a time. It is called with mu
// held.
func (f *fleet) who(since time.Time) map[string][]string {
	by := make(map[string][]string)
	for _, a := range slices.Backward(f.asked) { // the newest is the last one
		if !a.at.After(since) {
			break
		}
		if !slices.Contains(by[a.node], a.source) {
			by[a.node] = append(by[a.node], a.source)
		}
	}
	return by
}

// allBy says whether since a time each source was asked, and by those nodes only,
// each of which has some.
func (f *fleet) allBy(since time.Time, nodes ...string) func() bool {
	return func() bool {
		by := f.who(since)
		n := 0
		for node, sources := range by {
			if !slices.Contains(nodes, node) {
				return false
			}
			n += len(sources)
		}
		return n == f.sources && len(by) == len(nodes)
	}
}

// awaitAllBy waits until each source is asked, by those nodes only.
func (f *fleet) awaitAllBy(t *testing.T, nodes ...string) {
	t.Helper()
	f.await(t, fmt.Sprintf("all is asked by %v alone", nodes), func() bool { return f.allBy(time.Now().Add(-f.here(2500*time.Millisecond)), nodes...)() })
}

// caughtUp waits until each endpoint was told of each source what it has answered by
// now.
func (f *fleet) caughtUp(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	answers := make(map[string]int)
	for name, n := range f.answers {
		answers[name] = n
	}
	f.mu.Unlock()
	f.await(t, "everybody was told everything", func() bool {
		for name, n := range answers {
			for _, endpoint := range f.endpoints {
				var after struct{ N int }
				e := f.told[endpoint+"/sources/"+name]
				if _, err := fmt.Sscanf(string(e.Data.After), `{"n":%d}`, &after.N); err != nil || after.N < n {
					return false
				}
			}
		}
		return true
	})
}

// here is how long something may take on this machine that takes no longer than d on
// one that has nothing else to do: so many times longer as sources that stayed where
// they are had to wait for the next request, all but a few of them, which is due after
// a second. It is called with mu held.
func (f *fleet) here(d time.Duration) time.Duration {
	last := make(map[string]asked)
	var gaps []time.Duration
	for _, a := range f.asked {
		if before, known := last[a.source]; known && before.node == a.node {
			gaps = append(gaps, a.at.Sub(before.at))
		}
		last[a.source] = a
	}
	if len(gaps) == 0 {
		return d
	}
	slices.Sort(gaps)
	slow := gaps[len(gaps)*99/100]
	return time.Duration(float64(d) * max(1, slow.Seconds()))
}

// noneMissed fails a test where a source was not asked for longer than it takes to
// hand it over in order.
func (f *fleet) noneMissed(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	longest := f.here(4 * time.Second)
	last := make(map[string]asked)
	for _, a := range f.asked {
		if before, known := last[a.source]; known && a.at.Sub(before.at) > longest {
			t.Errorf("%s was asked by %s %s after %s asked it", a.source, a.node, a.at.Sub(before.at), before.node)
		}
		last[a.source] = a
	}
}

// neverBack fails a test where a node has asked for a source, since a time, after
// another node had.
func (f *fleet) neverBack(t *testing.T, since time.Time, node string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	other := make(map[string]string)
	for _, a := range f.asked {
		switch by := other[a.source]; {
		case a.at.Before(since):
		case a.node != node:
			other[a.source] = a.node
		case by != "":
			t.Errorf("%s was asked by %s when %s had asked it", a.source, node, by)
		}
	}
}
