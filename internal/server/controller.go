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
	// AcceptRemoval lets the next poll of a source remove more items than
	// allowed. It returns when that is durable; doing it twice is doing it once.
	AcceptRemoval(ctx context.Context, source string) error
	// Poll makes a source due now and returns at once.
	Poll(ctx context.Context, source string) error
	// Preview asks a source once and says what would come of it, without
	// changing any state but the source's request budget. A poll that fails is
	// a preview too, with the reason in it.
	Preview(ctx context.Context, source string) (*Preview, error)
	// EnableEndpoint lets deliveries to an endpoint go on, and returns its
	// state when that is durable.
	EnableEndpoint(ctx context.Context, name string) (notify.EndpointState, error)
	// DisableEndpoint makes deliveries to an endpoint wait, and returns its
	// state when that is durable.
	DisableEndpoint(ctx context.Context, name string) (notify.EndpointState, error)
	// Event returns the envelope of an event of the log, as webhooks carry it.
	Event(ctx context.Context, id string) (json.RawMessage, error)
}

// Refusal is the error of a Controller that knows why it cannot do what was
// asked. Clients are told the reason, with status 409.
type Refusal struct {
	// Reason is told to the client: why not, and the way out.
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }
