package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The vector of the Standard Webhooks documentation.
const vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func mustSecret(tb testing.TB, text string) Secret {
	tb.Helper()
	s, err := ParseSecret(text)
	if err != nil {
		tb.Fatalf("ParseSecret: %v", err)
	}
	return s
}

// receiver is a transport that answers by itself, at the pace of the bubble.
type receiver struct {
	// answer says what becomes of a POST; nil means 204.
	answer func(p post) (status int, header map[string]string, err error)
	// delay is how long an answer takes.
	delay func(p post) time.Duration

	mu      sync.Mutex
	posts   []post
	busy    map[string]int
	overlap []string
}

// post is a request that arrived.
type post struct {
	at       time.Time
	endpoint string
	id       string
	number   int
	header   http.Header
	body     string
}

// position is the place in the log, which memQueue puts into the ID.
func (p post) position() int64 {
	n, _ := strconv.ParseInt(strings.TrimPrefix(p.id, "evt_"), 10, 64)
	return n
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(req.Header.Get("Pollwire-Attempt"))
	if err != nil {
		return nil, err
	}
	p := post{
		at: time.Now(), endpoint: req.Header.Get("Pollwire-Endpoint"), id: req.Header.Get(HeaderID),
		number: number, header: req.Header, body: string(body),
	}
	defer r.enter(p)()
	if r.delay != nil {
		select {
		case <-time.After(r.delay(p)):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	status, header := http.StatusNoContent, map[string]string(nil)
	if r.answer != nil {
		if status, header, err = r.answer(p); err != nil {
			return nil, err
		}
	}
	res := &http.Response{StatusCode: status, Header: make(http.Header), Body: http.NoBody, Request: req}
	for name, value := range header {
		res.Header.Set(name, value)
	}
	return res, nil
}

// enter notes a POST, and any other one of the same lane that is under way: the
// source of memQueue's events is their lane.
func (r *receiver) enter(p post) (leave func()) {
	_, lane, _ := strings.Cut(p.body, `"source":"/sources/`)
	lane, _, _ = strings.Cut(lane, `"`)
	key := p.endpoint + "/" + lane
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy == nil {
		r.busy = make(map[string]int)
	}
	if r.busy[key]++; r.busy[key] > 1 {
		r.overlap = append(r.overlap, key)
	}
	r.posts = append(r.posts, p)
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.busy[key]--
	}
}

// seen returns the POSTs so far.
func (r *receiver) seen() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]post(nil), r.posts...)
}

func (r *receiver) positions() []int64 {
	var positions []int64
	for _, p := range r.seen() {
		positions = append(positions, p.position())
	}
	return positions
}

// logBuffer keeps a log that is read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// rig is a dispatcher with its queue and its receiver.
type rig struct {
	*Dispatcher
	queue    *memQueue
	receiver *receiver
	logs     *logBuffer
	fatal    chan error
	alerts   chan EndpointState
}

// newRig returns a dispatcher that is not started, with these endpoints.
func newRig(queue *memQueue, receiver *receiver, endpoints ...Endpoint) *rig {
	r := &rig{
		queue: queue, receiver: receiver, logs: &logBuffer{},
		fatal: make(chan error, 8), alerts: make(chan EndpointState, 1024),
	}
	r.Dispatcher = NewDispatcher(DispatcherOptions{
		Queue: queue, Sender: NewSender(SenderOptions{Transport: receiver, Version: "1.2.3"}),
		Logger:  slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnFatal: func(err error) { r.fatal <- err },
		Alert:   func(_ context.Context, s EndpointState) error { r.alerts <- s; return nil },
	})
	r.Apply(endpoints)
	return r
}

func (r *rig) mustStart(tb testing.TB) {
	tb.Helper()
	if err := r.Start(tb.Context()); err != nil {
		tb.Fatalf("Start: %v", err)
	}
}

// mustStop drains the dispatcher.
func (r *rig) mustStop(tb testing.TB) {
	tb.Helper()
	// The test's own context may have ended when this is a cleanup.
	if err := r.Stop(context.WithoutCancel(tb.Context())); err != nil {
		tb.Fatalf("Stop: %v", err)
	}
}

// testEndpoint is an endpoint that tries three times, a second and a minute apart.
func testEndpoint(tb testing.TB, name string) Endpoint {
	tb.Helper()
	return Endpoint{
		Name: name, URL: "https://" + name + ".example.com/hook", Enabled: true, Order: OrderSource,
		Secrets: []Secret{mustSecret(tb, vectorSecret)},
		Retry:   RetryPolicy{Schedule: []time.Duration{time.Second, time.Minute}, MaxRetryAfter: time.Hour},
	}
}

var errRefused = errors.New("connection refused")

// status answers every POST alike.
func status(code int) func(post) (int, map[string]string, error) {
	return func(post) (int, map[string]string, error) { return code, nil, nil }
}

func lanes(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("lane-%d", i)
	}
	return names
}
