package server

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// Controller does what the API asks for. Methods may be called concurrently
// and return soon after ctx has ended.
//
// A method that is given a name or an id that does not exist returns an error
// that wraps store.ErrNotFound. One that knows why it cannot do what was asked
// returns a [Refusal]. The text of any other error is logged and not told.
type Controller interface {
	SourceController
	SourceReader
	DaemonReader
	EndpointController
	DeliveryController
	ReplayController
	EventLog
}

// SourceController steers sources.
type SourceController interface {
	// AcceptRemoval lets the next poll of a source remove more items than
	// allowed. It returns when that is durable; doing it twice is doing it once.
	AcceptRemoval(ctx context.Context, source string) error
	// Poll makes a source due now and returns at once.
	Poll(ctx context.Context, source string) error
	// Preview asks a source once and says what would come of it, without
	// changing any state but the source's request budget. A poll that fails is
	// a preview too, with the reason in it.
	Preview(ctx context.Context, source string) (*Preview, error)
}

// SourceReader looks at sources, and holds them back.
type SourceReader interface {
	// Sources returns how all sources stand, by name.
	Sources(ctx context.Context) ([]Source, error)
	// Source returns how one stands.
	Source(ctx context.Context, name string) (*Source, error)
	// Polls returns the last polls of a source, the newest first.
	Polls(ctx context.Context, source string) ([]Poll, error)
	// Snapshot returns a page of an accepted answer of a source.
	Snapshot(ctx context.Context, q SnapshotQuery) (*Snapshot, error)
	// ChangeSource makes a change and returns how the source stands when that is
	// durable. Doing it twice is doing it once.
	ChangeSource(ctx context.Context, name string, change SourceChange) (*Source, error)
}

// DaemonReader looks at the daemon as a whole.
type DaemonReader interface {
	// Limits returns how all rate limits stand, by name.
	Limits(ctx context.Context) ([]Limit, error)
	// Nodes returns the daemons that share the database.
	Nodes(ctx context.Context) (*NodeList, error)
	// Node returns one of them, by its ID or its name, with what it holds.
	Node(ctx context.Context, id string) (*Node, error)
}

// EndpointController looks at endpoints and steers them.
type EndpointController interface {
	// Endpoints returns how all endpoints stand, by name.
	Endpoints(ctx context.Context) ([]Endpoint, error)
	// Endpoint returns how one stands.
	Endpoint(ctx context.Context, name string) (*Endpoint, error)
	// ChangeEndpoint makes a change and returns how the endpoint stands when that is
	// durable. Doing it twice is doing it once.
	ChangeEndpoint(ctx context.Context, name string, change EndpointChange) (*Endpoint, error)
	// TestEndpoint posts a pollwire.ping to an endpoint, whether deliveries wait
	// for it or not, and returns what came of it.
	TestEndpoint(ctx context.Context, name string) (*Test, error)
}

// DeliveryController looks at deliveries.
type DeliveryController interface {
	// Deliveries returns a page of deliveries.
	Deliveries(ctx context.Context, q store.DeliveryQuery) (*DeliveryPage, error)
	// Delivery returns one with its attempts.
	Delivery(ctx context.Context, id int64) (*Delivery, error)
	// RetryDelivery has a delivery posted again, and returns what will be posted: of
	// one that has ended another one.
	RetryDelivery(ctx context.Context, id int64) (*Delivery, error)
}

// ReplayController tells the log again.
type ReplayController interface {
	// StartReplay begins a replay and returns when that is durable.
	StartReplay(ctx context.Context, q *ReplayRequest) (*Replay, error)
	// Replay returns how far a replay is.
	Replay(ctx context.Context, id string) (*Replay, error)
}

// EventLog is the log of events.
type EventLog interface {
	// Event returns the envelope of an event of the log, as webhooks carry it.
	Event(ctx context.Context, id string) (json.RawMessage, error)
	// Events returns a page of the log. A cursor that is of no use is a Refusal.
	Events(ctx context.Context, q *EventQuery) (*EventPage, error)
}

// Refusal is the error of a Controller that knows why it cannot do what was
// asked. Clients are told the reason.
type Refusal struct {
	// Status is the HTTP status, 0 for 409.
	Status int
	// Reason is told to the client: why not, and the way out.
	Reason string
	// RetryAfter is when it is worth asking again, to the second; 0 where that is not
	// known.
	RetryAfter time.Duration
}

func (r *Refusal) Error() string { return r.Reason }
