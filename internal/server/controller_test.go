package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
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

func (c *controller) Sources(ctx context.Context) ([]server.Source, error) {
	return []server.Source{exampleSource()}, c.call(ctx, "sources", "")
}

func (c *controller) Source(ctx context.Context, name string) (*server.Source, error) {
	s := exampleSource()
	return &s, c.call(ctx, "source", name)
}

func (c *controller) Polls(ctx context.Context, source string) ([]server.Poll, error) {
	return []server.Poll{*exampleSource().LastPoll}, c.call(ctx, "polls", source)
}

func (c *controller) Snapshot(ctx context.Context, q server.SnapshotQuery) (*server.Snapshot, error) {
	snapshot := &server.Snapshot{Version: 5, At: exampleTime, Format: diff.XML, Pages: 3, Body: []byte("<a/>")}
	if q.Version > 0 {
		snapshot.Version, snapshot.Format, snapshot.Pages = q.Version, diff.JSON, 1
	}
	return snapshot, c.call(ctx, "snapshot", fmt.Sprintf("%+v", q))
}

func (c *controller) ChangeSource(ctx context.Context, name string, change server.SourceChange) (*server.Source, error) {
	s := exampleSource()
	return &s, c.call(ctx, string(change), name)
}

func (c *controller) Limits(ctx context.Context) ([]server.Limit, error) {
	return []server.Limit{{
		Name: "github", Requests: 5000, PerSeconds: 3600, Reserve: 500, Burst: 10, Concurrency: 4, Used: 7, Left: 4493, UnderWay: 1, Waiting: 2,
		PausedUntil: new(exampleTime.UTC()), Node: "b", Saved: true, Sources: []string{"orders"},
	}}, c.call(ctx, "limits", "")
}

func (c *controller) Nodes(ctx context.Context) (*server.NodeList, error) {
	at := exampleTime.UTC()
	return &server.NodeList{Nodes: []server.Node{
		{Name: "box", PID: 4711, Version: "1.2.3", StartedAt: at, ConfiguredAt: at, Sources: 3, Endpoints: 2},
	}}, c.call(ctx, "nodes", "")
}

func (c *controller) Node(ctx context.Context, id string) (*server.Node, error) {
	at := exampleTime.UTC()
	return &server.Node{
		ID: id, Name: "b", Host: "box", PID: 4711, Self: true, State: server.NodeSuspended, Version: "1.2.3", Configuration: "c0ffee",
		Differs: []server.NodeAspect{server.NodeVersion, server.NodeConfiguration, server.NodeClock}, ClockAhead: -1.5, StartedAt: at, ConfiguredAt: at, SeenAt: &at,
		Sources: 3, Endpoints: 2, Limits: 1, Held: 7, Leases: []server.Lease{{Resource: "source/orders", Since: at}},
	}, c.call(ctx, "node", id)
}

func (c *controller) Endpoints(ctx context.Context) ([]server.Endpoint, error) {
	return []server.Endpoint{exampleEndpoint()}, c.call(ctx, "endpoints", "")
}

func (c *controller) Endpoint(ctx context.Context, name string) (*server.Endpoint, error) {
	e := exampleEndpoint()
	return &e, c.call(ctx, "endpoint", name)
}

func (c *controller) ChangeEndpoint(ctx context.Context, name string, change server.EndpointChange) (*server.Endpoint, error) {
	e := exampleEndpoint()
	return &e, c.call(ctx, string(change), name)
}

func (c *controller) TestEndpoint(ctx context.Context, name string) (*server.Test, error) {
	attempt := notify.Attempt{Number: 1, At: exampleTime, Duration: 1500 * time.Microsecond, Status: 500, Error: "500", Response: []byte("a\xff<")}
	return &server.Test{ID: "test_1", Attempt: server.NewAttempt(&attempt)}, c.call(ctx, "test", name)
}

func (c *controller) Deliveries(ctx context.Context, q store.DeliveryQuery) (*server.DeliveryPage, error) {
	return &server.DeliveryPage{Deliveries: []server.Delivery{exampleDelivery(nil)}, Next: "6"}, c.call(ctx, "deliveries", fmt.Sprintf("%+v", q))
}

func (c *controller) Delivery(ctx context.Context, id int64) (*server.Delivery, error) {
	d := exampleDelivery([]notify.Attempt{{Number: 1, At: exampleTime, Error: "timeout"}, {Number: 2, At: exampleTime, Status: 429, Error: "429", Response: []byte("slow")}})
	return &d, c.call(ctx, "delivery", fmt.Sprint(id))
}

func (c *controller) RetryDelivery(ctx context.Context, id int64) (*server.Delivery, error) {
	d := exampleDelivery(nil)
	return &d, c.call(ctx, "retry", fmt.Sprint(id))
}

func (c *controller) StartReplay(ctx context.Context, q *server.ReplayRequest) (*server.Replay, error) {
	r := store.Replay{ID: "rpl_1", Endpoint: q.Endpoint, Source: q.Source, Dead: q.Dead, CreatedAt: exampleTime}
	if q.Since != nil {
		r.Since = *q.Since
	}
	told := server.NewReplay(&r)
	return &told, c.call(ctx, "replay", q.Endpoint)
}

func (c *controller) Replay(ctx context.Context, id string) (*server.Replay, error) {
	told := server.NewReplay(&store.Replay{ID: id, Start: 10, Reached: 15, Last: 20, Told: 4, Waiting: 2, CreatedAt: exampleTime})
	return &told, c.call(ctx, "replay", id)
}

// exampleSource has something of everything.
func exampleSource() server.Source {
	at := exampleTime.UTC()
	return server.Source{
		Name: "orders", State: server.SourcePaused, Request: "GET https://api.example.com/orders", Schedule: "@hourly", Limit: "github",
		Reason: "503", Failures: 2, FailingSince: &at, Paused: true, PausedSince: &at, HeldUntil: &at, Polling: true, NextRun: &at,
		LastPoll: &server.Poll{At: at, DurationMS: 12, Requests: 1, Status: 503, Bytes: 9, Outcome: server.PollFailed, Error: "503"},
		Node:     "b", Saved: true, Version: 3, Sequence: 9, ChangedAt: &at, Changes: make([]int64, 3),
	}
}

// exampleEndpoint has something of everything.
func exampleEndpoint() server.Endpoint {
	e := server.NewEndpoint(&notify.EndpointStatus{
		EndpointState: notify.EndpointState{
			Name: "ops", Disabled: true, Reason: "by hand", Since: exampleTime, Paused: true, PausedUntil: exampleTime,
			Failures: 3, FailingSince: exampleTime, OpenUntil: exampleTime,
		},
		Enabled: true, Breaker: notify.BreakerOpen, InFlight: 1,
	}, store.Depth{Endpoint: "ops", Waiting: 5, Dead: 2, Oldest: exampleTime}, "https://hooks.example.com")
	e.Node, e.Saved = "b", true
	return e
}

func exampleDelivery(tried []notify.Attempt) server.Delivery {
	return server.NewDelivery(&store.TrackedDelivery{
		Delivery: notify.Delivery{ID: 7, Endpoint: "ops", Lane: "\x00", Batch: "bat_1", Posts: 2, Attempts: 1, NotBefore: exampleTime, Replay: true},
		State:    notify.Waiting, EventID: "evt_1", EventType: "shop.order.created", Source: "orders", Subject: "1", CreatedAt: exampleTime,
		Last: notify.Attempt{Number: 2, At: exampleTime, Duration: time.Second, Status: 429, Error: "429"},
	}, tried)
}

func (c *controller) Event(ctx context.Context, id string) (json.RawMessage, error) {
	return json.RawMessage(envelopeJSON(id, `{"after":{"big":12345678901234567890.0}}`)), c.call(ctx, "event", id)
}

func (c *controller) Events(ctx context.Context, q *server.EventQuery) (*server.EventPage, error) {
	if c.page != nil {
		return c.page(ctx, q)
	}
	told := *q
	told.Stop = nil
	page := &server.EventPage{
		Events: []server.LoggedEvent{{Envelope: json.RawMessage(envelopeJSON("evt_1", `{"after":1.0}`))}, {Envelope: json.RawMessage(envelopeJSON("evt_2", `{}`))}},
		Next:   "2-X", Removed: q.After == "old",
	}
	if q.Before != "" {
		page.Previous = "1-X"
	}
	if q.After == "end" {
		page.Events = []server.LoggedEvent{}
	}
	return page, c.call(ctx, "events", fmt.Sprintf("%+v", told))
}

// envelopeJSON is an envelope with some data.
func envelopeJSON(id, data string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"/sources/orders","type":"shop.order.created","subject":"1",` +
		`"time":"2026-01-02T03:04:05.678Z","timestamp":"2026-01-02T03:04:05.678Z","datacontenttype":"application/json",` +
		`"sequence":"00000000000000000042","data":` + data + `}`
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
