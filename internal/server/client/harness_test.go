package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
	"github.com/pollwire/pollwire/internal/store"
)

// controller knows one source and one endpoint, whose names need escaping.
type controller struct{}

const known = "a/b c?d#%2F"

func (controller) find(name string) error {
	if name != known {
		return fmt.Errorf("find: %w", store.ErrNotFound)
	}
	return nil
}

func (c controller) AcceptRemoval(_ context.Context, name string) error { return c.find(name) }
func (c controller) Poll(_ context.Context, name string) error          { return c.find(name) }

func (c controller) Preview(_ context.Context, name string) (*server.Preview, error) {
	return &server.Preview{Source: name, Outcome: server.Failed, Reason: "503", Webhooks: []server.Webhook{}}, c.find(name)
}

func (controller) Sources(context.Context) ([]server.Source, error) {
	return []server.Source{{Name: known}}, nil
}

func (c controller) Source(_ context.Context, name string) (*server.Source, error) {
	return &server.Source{Name: name, State: server.SourceNew}, c.find(name)
}

func (c controller) Polls(_ context.Context, name string) ([]server.Poll, error) {
	return []server.Poll{{Status: 200}}, c.find(name)
}

func (c controller) Snapshot(_ context.Context, q server.SnapshotQuery) (*server.Snapshot, error) {
	return &server.Snapshot{Version: 5, At: time.Unix(0, 0), Pages: 2, Format: "json", Body: fmt.Append(nil, q)}, c.find(q.Source)
}

func (c controller) ChangeSource(_ context.Context, name string, change server.SourceChange) (*server.Source, error) {
	return &server.Source{Name: name, Reason: string(change)}, c.find(name)
}

func (controller) Limits(context.Context) ([]server.Limit, error) {
	return []server.Limit{{Name: "github"}}, nil
}

func (controller) Nodes(context.Context) (*server.NodeList, error) {
	return &server.NodeList{Nodes: []server.Node{{Name: "box"}}}, nil
}

func (c controller) Node(_ context.Context, id string) (*server.Node, error) {
	return &server.Node{ID: id, Leases: []server.Lease{{Resource: "source/" + known}}}, c.find(id)
}

func (controller) Endpoints(context.Context) ([]server.Endpoint, error) {
	return []server.Endpoint{{Name: known}}, nil
}

func (c controller) Endpoint(_ context.Context, name string) (*server.Endpoint, error) {
	return &server.Endpoint{Name: name}, c.find(name)
}

func (c controller) ChangeEndpoint(_ context.Context, name string, change server.EndpointChange) (*server.Endpoint, error) {
	if change == server.Enable {
		return nil, &server.Refusal{Reason: "the configuration disables it"}
	}
	return &server.Endpoint{Name: name, Reason: string(change)}, c.find(name)
}

func (c controller) TestEndpoint(_ context.Context, name string) (*server.Test, error) {
	return &server.Test{ID: "test_1"}, c.find(name)
}

func (controller) Deliveries(_ context.Context, q store.DeliveryQuery) (*server.DeliveryPage, error) {
	return &server.DeliveryPage{Deliveries: []server.Delivery{{ID: 8, Event: fmt.Sprint(q)}}, Next: "8"}, nil
}

func (controller) Delivery(_ context.Context, id int64) (*server.Delivery, error) {
	return &server.Delivery{ID: id}, nil
}

func (controller) RetryDelivery(_ context.Context, id int64) (*server.Delivery, error) {
	return &server.Delivery{ID: id + 1}, nil
}

func (controller) StartReplay(_ context.Context, q *server.ReplayRequest) (*server.Replay, error) {
	return &server.Replay{ID: "rpl_1", ReplayRequest: *q}, nil
}

func (controller) Replay(_ context.Context, id string) (*server.Replay, error) {
	return &server.Replay{ID: id, Progress: 0.5}, nil
}

func (c controller) Event(_ context.Context, id string) (json.RawMessage, error) {
	return json.RawMessage(`{"n":9007199254740993}`), c.find(id)
}

func (c controller) Events(_ context.Context, q *server.EventQuery) (*server.EventPage, error) {
	if q.Endpoint != "" && q.Endpoint != known {
		return nil, c.find(q.Endpoint)
	}
	envelope := fmt.Appendf(nil, `{"id":"evt_7","n":9007199254740993,"q":%q}`, fmt.Sprint(q.After, q.Source, q.Type, q.Endpoint, q.Limit, q.Newest, q.NewestFirst, q.Wait))
	return &server.EventPage{Events: []server.LoggedEvent{{Envelope: envelope}}, Next: "7", More: true}, nil
}

// start runs a server on both kinds of listener, and returns a client for each.
func start(tb testing.TB) map[string]*client.Client {
	tb.Helper()
	socket := filepath.Join(socketDir(tb), "s")
	s := server.New(server.Options{
		Listen: "127.0.0.1:0", Socket: socket, Token: "s3cret",
		Controller: controller{}, Logger: slog.New(slog.DiscardHandler),
	})
	if err := s.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	clients := map[string]*client.Client{
		"socket": newClient(tb, client.Options{Socket: socket}),
		"url":    newClient(tb, client.Options{URL: "http://" + s.Addr() + "/", Token: "s3cret"}),
	}
	tb.Cleanup(func() {
		for _, c := range clients {
			c.Close()
		}
		// The test's own context has ended by now.
		if err := s.Stop(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return clients
}

// socketDir is short enough for a socket's path.
func socketDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "pw")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func newClient(tb testing.TB, opts client.Options) *client.Client {
	tb.Helper()
	c, err := client.New(opts)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
