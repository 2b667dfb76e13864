package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

var (
	nodeA = store.Member{ID: "A", Name: "poll-a"}
	nodeB = store.Member{ID: "B", Name: "poll-b"}
)

// relayTo is a relay whose other node serves by a handler, until the test ends.
func relayTo(t *testing.T, serve http.HandlerFunc) (*relay, *exchange) {
	t.Helper()
	box := &exchange{members: []store.Member{nodeA, nodeB}}
	log := slog.New(slog.DiscardHandler)
	c := newCarrier(box, func() string { return "B" }, log)
	c.serve = serve
	box.look = func(string) { c.wake() }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return &relay{asking: box, logger: log}, box
}

// refusalOf is the refusal of an error.
func refusalOf(t *testing.T, err error) *server.Refusal {
	t.Helper()
	refusal, ok := errors.AsType[*server.Refusal](err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	return refusal
}

// TestRelayCarriesOut a request as it was asked for, marked as one that goes no further.
func TestRelayCarriesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := relayTo(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if !isRelayed(r.Context()) || r.Method != http.MethodPost || r.URL.EscapedPath() != "/v1/sources/a%2Fb%20c/poll" ||
				string(body) != `{"preview":true}` || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s %s %v", r.Method, r.URL, body, r.Header)
			}
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{"source":"a/b c"}`)
		})
		var answer struct{ Source string }
		e := errand{method: http.MethodPost, path: []string{"v1", "sources", "a/b c", "poll"}, body: map[string]bool{"preview": true}}
		if err := r.ask(t.Context(), &nodeB, &e, &answer); err != nil || answer.Source != "a/b c" {
			t.Errorf("%+v, %v", answer, err)
		}
	})
}

// TestRelaySaysWhyNot in the words of the other node.
func TestRelaySaysWhyNot(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   int
		says   string
		retry  bool
	}{
		{"conflict", 409, `{"detail":"it is paused"}`, 409, "it is paused", false},
		{"away", 503, `{"detail":"it has just gone"}`, 503, "it has just gone", true},
		{"broken", 500, `{"detail":"something went wrong here; the log says what"}`, 502, "went wrong on node poll-b", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, _ := relayTo(t, func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(tc.status)
					_, _ = io.WriteString(w, tc.body)
				})
				got := refusalOf(t, r.ask(t.Context(), &nodeB, &errand{method: "GET", path: []string{"x"}}, nil))
				if got.Status != tc.want || !strings.Contains(got.Reason, tc.says) || (got.RetryAfter > 0) != tc.retry {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// TestRelayOfWhatIsNot: what the other node does not know is not found here either.
// What is no answer of the API is an error.
func TestRelayOfWhatIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status, body := http.StatusNotFound, `{"detail":"there is no source \"x\""}`
		r, _ := relayTo(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
		ask := func() error {
			return r.ask(t.Context(), &nodeB, &errand{method: "GET", path: []string{"x"}}, &struct{}{})
		}
		if err := ask(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		for _, bad := range []struct {
			status int
			body   string
		}{{418, "tea"}, {200, "tea"}, {409, "{}"}} {
			status, body = bad.status, bad.body
			if err := ask(); err == nil || isRefusal(err) || errors.Is(err, store.ErrNotFound) {
				t.Errorf("%+v: got %v", bad, err)
			}
		}
	})
}

// TestRelayGivesUp what nobody takes, so that it is never carried out, and says so.
func TestRelayGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, box := relayTo(t, func(http.ResponseWriter, *http.Request) { t.Error("carried out") })
		begun := time.Now()
		got := refusalOf(t, r.ask(t.Context(), &nodeA, &errand{method: "GET", path: []string{"x"}}, nil))
		if got.Status != http.StatusServiceUnavailable || got.RetryAfter == 0 || !strings.Contains(got.Reason, "nothing was done") {
			t.Errorf("%+v", got)
		}
		if d := time.Since(begun); d < takeTimeout || d > takeTimeout+time.Second || len(box.rows) != 0 {
			t.Errorf("after %s, %d left", d, len(box.rows))
		}
		got = refusalOf(t, r.ask(t.Context(), &store.Member{ID: "gone", Name: "poll-x"}, &errand{method: "GET", path: []string{"x"}}, nil))
		if got.Status != http.StatusServiceUnavailable || !strings.Contains(got.Reason, "poll-x has just gone") {
			t.Errorf("%+v", got)
		}
	})
}

// TestRelayWaitsForWhatWasBegun, for as long as was said.
func TestRelayWaitsForWhatWasBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := relayTo(t, func(w http.ResponseWriter, _ *http.Request) {
			<-time.After(20 * time.Second)
			_, _ = io.WriteString(w, "{}")
		})
		ask := func(patience time.Duration) error {
			return r.ask(t.Context(), &nodeB, &errand{method: "GET", path: []string{"x"}, patience: patience}, &struct{}{})
		}
		if err := ask(time.Minute); err != nil {
			t.Errorf("got %v", err)
		}
		got := refusalOf(t, ask(0))
		if got.Status != http.StatusGatewayTimeout || !strings.Contains(got.Reason, "look whether it was done") {
			t.Errorf("%+v", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := r.ask(ctx, &nodeB, &errand{method: "GET", path: []string{"x"}}, nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who gives up gets %v", err)
		}
	})
}

// TestRelayWhileTheDatabaseIsAway: an answer that cannot be looked for is looked for
// again.
func TestRelayWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var box *exchange
		r, box := relayTo(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
		box.look = nil
		done := make(chan error, 1)
		go func() { done <- r.ask(t.Context(), &nodeB, &errand{method: "GET", path: []string{"x"}}, &struct{}{}) }()
		synctest.Wait()
		set := func(err error) {
			box.mu.Lock()
			defer box.mu.Unlock()
			box.down = err
		}
		set(store.ErrUnreachable)
		<-time.After(2 * time.Second)
		set(nil)
		<-time.After(500 * time.Millisecond)
		box.mu.Lock()
		for _, l := range box.rows {
			l.answer = store.RelayedAnswer{Taken: true, Status: 200, Body: []byte("{}")}
		}
		box.mu.Unlock()
		if err := <-done; err != nil {
			t.Errorf("got %v", err)
		}
		set(store.ErrUnreachable)
		if err := r.ask(t.Context(), &nodeB, &errand{method: "GET", path: []string{"x"}}, nil); !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("what cannot be asked for: %v", err)
		}
	})
}

// TestCarrierIsBounded: so many at once, and the rest afterwards, all of them.
func TestCarrierIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 3*maxCarried + 1
		box := &exchange{}
		for i := range n {
			box.rows = append(box.rows, &letter{Relayed: store.Relayed{ID: fmt.Sprint(i), Node: "B", Method: "GET", Path: "/x"}})
		}
		c := newCarrier(box, func() string { return "B" }, slog.New(slog.DiscardHandler))
		var under, most atomic.Int64
		c.serve = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			most.Store(max(most.Load(), under.Add(1)))
			<-time.After(time.Second)
			under.Add(-1)
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.run(ctx)
		}()
		<-time.After(time.Minute)
		cancel()
		<-done
		if most.Load() != maxCarried {
			t.Errorf("%d at once", most.Load())
		}
		for _, l := range box.rows {
			if l.answer.Status != http.StatusOK {
				t.Errorf("%s: %+v", l.ID, l.answer)
			}
		}
	})
}

// TestCarrierTriesAgain where the database does not answer, and does nothing before
// the node has an ID.
func TestCarrierTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &exchange{down: store.ErrUnreachable, rows: []*letter{{Relayed: store.Relayed{ID: "1", Node: "B", Method: "GET", Path: "/x"}}}}
		var id atomic.Value
		id.Store("")
		c := newCarrier(box, func() string { return id.Load().(string) }, slog.New(slog.DiscardHandler))
		c.serve = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.run(ctx)
		}()
		synctest.Wait()
		id.Store("B")
		c.wake()
		synctest.Wait()
		box.mu.Lock()
		box.down = nil
		box.mu.Unlock()
		<-time.After(2 * carryAgain)
		cancel()
		<-done
		if got := box.rows[0].answer.Status; got != http.StatusOK {
			t.Errorf("answered %d", got)
		}
	})
}

// TestCarrierAnswersWhateverHappens to what it carries out.
func TestCarrierAnswersWhateverHappens(t *testing.T) {
	t.Parallel()
	c := newCarrier(nil, nil, slog.New(slog.DiscardHandler))
	for _, tc := range []struct {
		name   string
		serve  http.HandlerFunc
		path   string
		status int
		says   string
	}{
		{"stops", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "/x", 503, "the node stops"},
		{"large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxRelayed+1)) }, "/x", 502, "more than 4 MiB"},
		{"none", nil, "%", 400, "no request"},
		{"empty", func(http.ResponseWriter, *http.Request) {}, "/x", 200, ""},
	} {
		c.serve = tc.serve
		status, body := c.do(t.Context(), &store.Relayed{Method: "GET", Path: tc.path})
		if status != tc.status || !strings.Contains(string(body), tc.says) {
			t.Errorf("%s: %d %s", tc.name, status, body)
		}
	}
}
