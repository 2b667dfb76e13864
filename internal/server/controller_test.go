package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/notify"
)

var _ server.Controller = (*controller)(nil)

// controller notes what it is asked for, and answers with what it was given.
type controller struct {
	// err is what every method returns.
	err error
	// during runs inside each call.
	during func(ctx context.Context)

	// page answers what is read of the log; nil gives one of two events.
	page func(ctx context.Context, q *server.EventQuery) (*server.EventPage, error)

	mu    sync.Mutex
	calls []string
}

func (c *controller) call(ctx context.Context, what, name string) error {
	c.mu.Lock()
	c.calls = append(c.calls, what+" "+name)
	c.mu.Unlock()
	if c.during != nil {
		c.during(ctx)
	}
	return c.err
}

// taken returns the calls so far, and forgets them.
func (c *controller) taken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

func (c *controller) AcceptRemoval(ctx context.Context, source string) error {
	return c.call(ctx, "accept", source)
}

func (c *controller) Poll(ctx context.Context, source string) error {
	return c.call(ctx, "poll", source)
}

func (c *controller) Preview(ctx context.Context, source string) (*server.Preview, error) {
	return examplePreview(), c.call(ctx, "preview", source)
}

func (c *controller) EnableEndpoint(ctx context.Context, name string) (notify.EndpointState, error) {
	state := notify.EndpointState{Name: name, Reason: "left over", Since: exampleTime, PausedUntil: exampleTime}
	return state, c.call(ctx, "enable", name)
}

func (c *controller) DisableEndpoint(ctx context.Context, name string) (notify.EndpointState, error) {
	state := notify.EndpointState{Name: name, Disabled: true, Reason: "by hand", Since: exampleTime}
	return state, c.call(ctx, "disable", name)
}

func (c *controller) Event(ctx context.Context, id string) (json.RawMessage, error) {
	return json.RawMessage(`{"id":"` + id + `","data":{"big":12345678901234567890.0}}`), c.call(ctx, "event", id)
}

func (c *controller) Events(ctx context.Context, q *server.EventQuery) (*server.EventPage, error) {
	if c.page != nil {
		return c.page(ctx, q)
	}
	told := *q
	told.Stop = nil
	page := &server.EventPage{
		Events: []server.LoggedEvent{{Envelope: json.RawMessage(`{"id":"evt_1","n":1.0}`)}, {Envelope: json.RawMessage(`{"id":"evt_2"}`)}},
		Next:   "2-X", Removed: q.After == "old",
	}
	if q.After == "end" {
		page.Events = []server.LoggedEvent{}
	}
	return page, c.call(ctx, "events", fmt.Sprintf("%+v", told))
}

var exampleTime = time.Date(2026, 1, 2, 4, 4, 5, 0, time.FixedZone("CET", 3600))

func examplePreview() *server.Preview {
	return &server.Preview{
		Source: "orders", Request: "GET https://api.example.com/orders?a=1&b=2",
		Status: 200, DurationMS: 12, Bytes: 512, ContentType: "application/json", Outcome: server.Changed,
		Webhooks: []server.Webhook{{ID: "test_1", Endpoints: []string{"ops"}, Body: json.RawMessage(`{"n":9007199254740993}`)}},
	}
}

// start runs a server on a free loopback port until the test ends.
func start(tb testing.TB, opts server.Options) *server.Server {
	tb.Helper()
	if opts.Listen == "" {
		opts.Listen = "127.0.0.1:0"
	}
	if opts.Controller == nil {
		opts.Controller = &controller{}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := server.New(opts)
	if err := s.Start(tb.Context()); err != nil {
		tb.Fatalf("start: %v", err)
	}
	tb.Cleanup(func() {
		// The test's own context has ended by now.
		if err := s.Stop(context.Background()); err != nil {
			tb.Errorf("stop: %v", err)
		}
	})
	return s
}
