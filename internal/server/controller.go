package server

import (
	"context"
	"encoding/json"

	"github.com/pollwire/pollwire/notify"
)

// Controller does what the API asks for. Methods may be called concurrently
// and return soon after ctx has ended.
//
// A method that is given a name or an id that does not exist returns an error
// that wraps store.ErrNotFound. One that knows why it cannot do what was asked
// returns a [Refusal]. The text of any other error is logged and not told.
type Controller interface {
	SourceController
	EndpointController
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

// EndpointController steers endpoints.
type EndpointController interface {
	// EnableEndpoint lets deliveries to an endpoint go on, and returns its
	// state when that is durable.
	EnableEndpoint(ctx context.Context, name string) (notify.EndpointState, error)
	// DisableEndpoint makes deliveries to an endpoint wait, and returns its
	// state when that is durable.
	DisableEndpoint(ctx context.Context, name string) (notify.EndpointState, error)
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
}

func (r *Refusal) Error() string { return r.Reason }
