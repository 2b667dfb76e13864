package poller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ledger is an observer that keeps what it is told.
type ledger struct {
	mu     sync.Mutex
	told   []string
	refuse error
}

func (l *ledger) Observe(_ context.Context, o *Observation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, fmt.Sprintf("%d unchanged=%t %s", o.Status, o.Unchanged, o.Body))
	return l.refuse
}

func (l *ledger) Fail(_ context.Context, source string, reason error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, "fail "+source+": "+reason.Error())
}

// script is a network that gives its answers one after the other, the last one
// for ever.
type script struct {
	answers []func() (*http.Response, error)
	asked   []http.Header
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := s.answers[min(len(s.asked), len(s.answers)-1)]
	s.asked = append(s.asked, r.Header)
	return answer()
}

func answering(code int, body string, headers ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return fakeAnswer(code, body, h), nil
	}
}

func breaking(err error) func() (*http.Response, error) {
	return func() (*http.Response, error) { return nil, err }
}

// pollOnce drives one poll as a scheduler does: request by request, with the
// waits that were asked for. It returns those.
func pollOnce(t *testing.T, p *Poller, s *Source) []time.Duration {
	t.Helper()
	var waits []time.Duration
	for request := 1; ; request++ {
		o := p.Poll(t.Context(), s, request)
		switch {
		case o.RetryAfter > 0:
			waits = append(waits, o.RetryAfter)
			<-time.After(o.RetryAfter)
		case !o.More:
			return waits
		}
	}
}

func TestPollRetries(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	const fail = "fail shop: GET http://api.example/: "
	tests := []struct {
		name    string
		answers []func() (*http.Response, error)
		limit   string
		asked   int
		told    []string
		pause   time.Duration
		// bounds of each wait
		lowest, highest []time.Duration
	}{
		{
			name: "success", answers: []func() (*http.Response, error){answering(200, "x")},
			asked: 1, told: []string{"200 unchanged=false x"},
		},
		{
			name: "recovers", answers: []func() (*http.Response, error){breaking(refused), answering(502, "bad"), answering(200, "x")},
			asked: 3, told: []string{"200 unchanged=false x"},
			lowest: []time.Duration{time.Second, 2 * time.Second}, highest: []time.Duration{2 * time.Second, 4 * time.Second},
		},
		{
			name: "gives up", answers: []func() (*http.Response, error){answering(502, "bad"), breaking(refused)},
			asked: 3, told: []string{fail + "dial: connection refused"},
			lowest: []time.Duration{time.Second, 2 * time.Second}, highest: []time.Duration{2 * time.Second, 4 * time.Second},
		},
		{
			name: "final", answers: []func() (*http.Response, error){answering(404, "no")},
			asked: 1, told: []string{fail + "answered 404 Not Found: no"},
		},
		{
			name: "asked to wait", limit: "api", answers: []func() (*http.Response, error){answering(429, "", "Retry-After", "60"), answering(200, "x")},
			asked: 2, told: []string{"200 unchanged=false x"}, pause: time.Minute,
			lowest: []time.Duration{time.Minute}, highest: []time.Duration{time.Minute},
		},
		{
			name: "asked to wait too long", limit: "api", answers: []func() (*http.Response, error){answering(503, "", "Retry-After", "7200")},
			asked: 1, told: []string{fail + "answered 503 Service Unavailable"}, pause: time.Hour,
		},
		{
			name: "forbidden for a while", limit: "api", answers: []func() (*http.Response, error){answering(403, "", "Retry-After", "30")},
			asked: 1, told: []string{fail + "answered 403 Forbidden"}, pause: 30 * time.Second,
		},
		{
			name: "success pauses nothing", limit: "api", answers: []func() (*http.Response, error){answering(200, "x", "Retry-After", "30")},
			asked: 1, told: []string{"200 unchanged=false x"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network, observer := &script{answers: tt.answers}, &ledger{}
				var longest time.Duration
				l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 1000, Per: time.Second})
				p := NewPoller(PollerOptions{
					Fetcher: newFetcher(t, FetcherOptions{RoundTripper: network, Heed: func(ctx context.Context, s *Source, status int, h http.Header) {
						l.Heed(ctx, s, status, h)
						longest = max(longest, time.Until(l.PausedUntil(s)))
					}}),
					Observer: observer, Pauses: l,
				})
				s := newSource("http://api.example/")
				s.Limit = tt.limit
				waits := pollOnce(t, p, s)
				if len(network.asked) != tt.asked || len(waits) != len(tt.lowest) {
					t.Fatalf("%d requests, waits %v", len(network.asked), waits)
				}
				for i, w := range waits {
					if w < tt.lowest[i] || w > tt.highest[i] {
						t.Errorf("wait %d is %v, want %v to %v", i, w, tt.lowest[i], tt.highest[i])
					}
				}
				if diff := cmp.Diff(tt.told, observer.told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if longest != tt.pause {
					t.Errorf("paused for %v, want %v", longest, tt.pause)
				}
			})
		})
	}
}

// A source without a limit is held back by itself, until the time it named,
// whatever becomes of the process.
func TestPollObeysRetryAfterWithoutLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &script{answers: []func() (*http.Response, error){answering(403, "", "Retry-After", "60"), answering(200, "x")}}
		observer := &ledger{}
		store := newMemoryBudgets()
		s := newSource("http://api.example/")
		for range 7 { // at 0, 10, … 60 s, each in a process of its own
			l := mustStartLimiter(t, store)
			p := NewPoller(PollerOptions{
				Fetcher: newFetcher(t, FetcherOptions{RoundTripper: network, Heed: l.Heed}), Observer: observer, Pauses: l,
			})
			pollOnce(t, p, s)
			<-time.After(10 * time.Second)
			store = store.crash()
		}
		if len(network.asked) != 2 || len(observer.told) != 2 {
			t.Errorf("%d requests, told %q", len(network.asked), observer.told)
		}
	})
}

// The next poll starts from what the observer accepted, and from nothing else:
// a validator that ran ahead would hide a change for ever.
func TestPollAdoptsOnlyAcceptedState(t *testing.T) {
	t.Parallel()
	network := &script{answers: []func() (*http.Response, error){
		answering(200, "one", "ETag", `"1"`), answering(200, "two", "ETag", `"2"`),
		answering(200, "two", "ETag", `"2"`), answering(304, ""), answering(500, ""), answering(304, ""),
	}}
	observer := &ledger{}
	p := NewPoller(PollerOptions{Fetcher: newFetcher(t, FetcherOptions{RoundTripper: network}), Observer: observer})
	s := newSource("http://api.example/")
	s.Retry.MaxAttempts = 1
	poll := func(refuse error) {
		observer.refuse = refuse
		pollOnce(t, p, s)
	}
	poll(nil)
	poll(errors.New("disk full"))
	for range 4 {
		poll(nil)
	}
	var sent []string
	for _, h := range network.asked {
		sent = append(sent, h.Get("If-None-Match"))
	}
	if diff := cmp.Diff([]string{"", `"1"`, `"1"`, `"2"`, `"2"`, `"2"`}, sent); diff != "" {
		t.Errorf("validators sent (-want +got):\n%s", diff)
	}
	told := []string{
		"200 unchanged=false one",
		"200 unchanged=false two", "fail shop: disk full",
		"200 unchanged=false two",
		"304 unchanged=true ",
		"fail shop: GET http://api.example/: answered 500 Internal Server Error",
		"304 unchanged=true ",
	}
	if diff := cmp.Diff(told, observer.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestPollerSetStateAndForget(t *testing.T) {
	t.Parallel()
	network := &script{answers: []func() (*http.Response, error){answering(200, "x", "ETag", `"new"`)}}
	p := NewPoller(PollerOptions{Fetcher: newFetcher(t, FetcherOptions{RoundTripper: network}), Observer: &ledger{}})
	s := newSource("http://api.example/")
	p.SetState("shop", State{ETag: `"saved"`})
	pollOnce(t, p, s)
	pollOnce(t, p, s)
	p.Forget("shop")
	pollOnce(t, p, s)
	var sent []string
	for _, h := range network.asked {
		sent = append(sent, h.Get("If-None-Match"))
	}
	if diff := cmp.Diff([]string{`"saved"`, `"new"`, ""}, sent); diff != "" {
		t.Errorf("validators sent (-want +got):\n%s", diff)
	}
}

type observeFunc func(context.Context, *Observation) error

func (f observeFunc) Observe(ctx context.Context, o *Observation) error { return f(ctx, o) }
func (observeFunc) Fail(context.Context, string, error)                 {}

// A reload may change a source while it is polled: the answer to the old
// request must not lend its validators to the new one.
func TestPollUnderWayAdoptsNothingAfterSetState(t *testing.T) {
	t.Parallel()
	network := &script{answers: []func() (*http.Response, error){answering(200, "x", "ETag", `"old request"`)}}
	var p *Poller
	p = NewPoller(PollerOptions{
		Fetcher: newFetcher(t, FetcherOptions{RoundTripper: network}),
		Observer: observeFunc(func(context.Context, *Observation) error {
			p.SetState("shop", State{})
			return nil
		}),
	})
	s := newSource("http://api.example/")
	pollOnce(t, p, s)
	pollOnce(t, p, s)
	if sent := network.asked[1].Get("If-None-Match"); sent != "" {
		t.Errorf("validator %s was sent after the source had changed", sent)
	}
}

// The end of the process is nobody's failure.
func TestPollStoppedIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		observer := &ledger{}
		p := NewPoller(PollerOptions{
			Fetcher:  newFetcher(t, FetcherOptions{Dial: pipeTo(func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })}),
			Observer: observer,
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if o := p.Poll(ctx, newSource("http://slow.example/"), 1); o != (Outcome{}) {
			t.Errorf("outcome %+v", o)
		}
		if len(observer.told) != 0 {
			t.Errorf("told %q", observer.told)
		}
	})
	log := &bytes.Buffer{}
	ctx, cancel := context.WithCancel(t.Context())
	p := NewPoller(PollerOptions{
		Fetcher: newFetcher(t, FetcherOptions{RoundTripper: &script{answers: []func() (*http.Response, error){answering(200, "x")}}}),
		Observer: observeFunc(func(context.Context, *Observation) error {
			cancel()
			return errors.New("disk full")
		}),
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	p.Poll(ctx, newSource("http://api.example/"), 1)
	if !strings.Contains(log.String(), "disk full") {
		t.Errorf("an error that is no consequence of the stop was not logged: %q", log)
	}
}

// The first failure warns, what only repeats it is quiet, and the end is said.
func TestPollLogs(t *testing.T) {
	t.Parallel()
	network := &script{answers: []func() (*http.Response, error){
		answering(200, "x"), answering(404, "request 1a"), answering(404, "request 2b"),
		breaking(errors.New("read tcp 127.0.0.1:4001: reset")), breaking(errors.New("read tcp 127.0.0.1:4002: reset")),
		answering(200, "x"), answering(200, "x"), answering(404, "request 3c"),
	}}
	var log bytes.Buffer
	handler := slog.NewTextHandler(&log, &slog.HandlerOptions{
		Level: slog.LevelInfo,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})
	p := NewPoller(PollerOptions{
		Fetcher: newFetcher(t, FetcherOptions{RoundTripper: network}), Observer: &ledger{}, Logger: slog.New(handler),
	})
	s := newSource("http://api.example/")
	s.Retry.MaxAttempts = 1
	for range network.answers {
		pollOnce(t, p, s)
	}
	want := `level=WARN msg="poll failed" source=shop err="GET http://api.example/: answered 404 Not Found: request 1a"
level=WARN msg="poll failed" source=shop err="GET http://api.example/: read tcp 127.0.0.1:4001: reset"
level=INFO msg="source recovered" source=shop
level=WARN msg="poll failed" source=shop err="GET http://api.example/: answered 404 Not Found: request 3c"
`
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// What a page says of the rate concerns the next page, where there is no limit
// at which that would wait.
func TestPagesObeyAPauseWithoutLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var asked []time.Duration
		l, got := mustStartLimiter(t, newMemoryBudgets()), &reader{}
		p := NewPoller(PollerOptions{Observer: got, Pauses: l, Fetcher: newFetcher(t, FetcherOptions{
			Heed: l.Heed,
			RoundTripper: handlerNetwork(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, time.Since(start).Round(time.Second))
				if page := number0(r.URL.Query().Get("page")); page < 2 {
					w.Header().Set("Link", fmt.Sprintf(`<?page=%d>; rel=next`, page+1))
					w.Header().Set("X-RateLimit-Remaining", "0")
					w.Header().Set("X-RateLimit-Reset", "60")
				}
				_, _ = fmt.Fprintf(w, `[{"id":%d}]`, len(asked))
			}),
		})})
		s := newSource("http://api.example/orders")
		s.Pagination, s.Retry.MaxRetryAfter = &Pagination{Kind: HeaderLink}, time.Hour
		pollOnce(t, p, s)
		if !slices.Equal(asked, []time.Duration{0, time.Minute, 2 * time.Minute}) || len(got.seen) != 1 {
			t.Errorf("pages were asked for after %v, seen %+v, failures %q", asked, got.seen, got.fails)
		}
	})
}
