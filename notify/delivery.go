package notify

import (
	"context"
	"time"
)

// State is where a delivery stands.
type State string

const (
	// Waiting deliveries have not been answered with a 2xx yet.
	Waiting State = "waiting"
	// Delivered ones have.
	Delivered State = "delivered"
	// Dead ones used up their attempts; they are kept, visible and replayable.
	Dead State = "dead"
	// Superseded ones have another one in their place: a later one, so that they
	// were never posted, or a replay, after they were dead.
	Superseded State = "superseded"
)

// Delivery is one event for one endpoint.
type Delivery struct {
	// ID orders deliveries: within a lane they are posted in its order. Assigned at commit.
	ID       int64
	Endpoint string
	// Lane names the deliveries of the endpoint that must keep their order; empty
	// where it need not keep any.
	Lane string
	// Key names the item that the delivery is about, where only the latest one of
	// an item is to be told; empty where all are.
	Key string
	// Batch is the ID of the batch that it is told in, empty while it has none.
	Batch string
	// Position is the event's place in the log.
	Position int64
	// Posts counts all POSTs so far, Attempts those that count against the
	// retry schedule.
	Posts, Attempts int
	// NotBefore is when the next attempt is due.
	NotBefore time.Time
	// Replay marks an event that is told again on request.
	Replay bool
}

// Attempt is one POST of a delivery.
type Attempt struct {
	// Number counts the POSTs of its delivery from 1.
	Number   int
	At       time.Time
	Duration time.Duration
	// Status is the HTTP status code, 0 where there was no answer.
	Status int
	// Error says what went wrong, in words for the operator, secrets removed;
	// empty on success.
	Error string
	// Response is the beginning of the answer's body, at most 16 KiB, known
	// secrets masked.
	Response []byte
}

// Outcome is what came of one attempt, or of a delivery that was superseded.
type Outcome struct {
	// Endpoint is the one of the delivery.
	Endpoint string
	Delivery int64
	// Attempt has no Number where there was none.
	Attempt Attempt
	// State is where the delivery stands now.
	State State
	// Attempts is how many count against the retry schedule now.
	Attempts int
	// NotBefore is when a delivery that still waits is due again.
	NotBefore time.Time
}

// Queue keeps deliveries. All methods may be called concurrently.
type Queue interface {
	// Waiting returns up to limit waiting deliveries of an endpoint whose ID is
	// greater than after, by ID. Deliveries become visible in the order of
	// their IDs: one that was seen is never followed by a lower one.
	Waiting(ctx context.Context, endpoint string, after int64, limit int) ([]Delivery, error)
	// WaitingInLane is Waiting for one lane of the endpoint.
	WaitingInLane(ctx context.Context, endpoint, lane string, after int64, limit int) ([]Delivery, error)
	// Relabel gives the waiting deliveries of an endpoint whose lane is none of
	// an order's the one that they have in it.
	Relabel(ctx context.Context, endpoint string, order Order) error
	// Superseded returns those of an endpoint's deliveries that a later one of the
	// same key takes the place of: both wait and are no replays, and the earlier
	// one has had no POST and is in no batch.
	Superseded(ctx context.Context, endpoint string, deliveries []int64) ([]int64, error)
	// SaveBatch gives those of an endpoint's deliveries the ID of a batch that wait
	// and have no other yet, and returns their IDs when that is durable. Done again it
	// returns the same: the answer to it may have been lost.
	SaveBatch(ctx context.Context, endpoint, batch string, deliveries []int64) ([]int64, error)
	// Batch returns the waiting deliveries of a batch, by ID. Record and retention
	// let all of them end at once.
	Batch(ctx context.Context, endpoint, batch string) ([]Delivery, error)
	// Hasten makes a waiting delivery of an endpoint due at once, with all others of
	// its batch, and returns it, or fails with ErrNotWaiting.
	Hasten(ctx context.Context, endpoint string, delivery int64) (Delivery, error)
	// Event returns the event at a position of the log.
	Event(ctx context.Context, position int64) (Event, error)
	// Record saves outcomes, all or none, and returns when they are durable. Those of
	// endpoints that somebody else serves by now are left out.
	Record(ctx context.Context, outcomes []Outcome) error
	// Pace returns what was saved last of an endpoint's rate limit; its zero value,
	// but for the name, where nothing was.
	Pace(ctx context.Context, endpoint string) (Pace, error)
	// SavePaces replaces those of the same endpoints, all or none, and returns when
	// they are durable.
	SavePaces(ctx context.Context, paces []Pace) error
	// EndpointStates returns the states of those of the named endpoints that have one
	// saved; of all without a name.
	EndpointStates(ctx context.Context, endpoints ...string) ([]EndpointState, error)
	// SaveEndpointState replaces the state of one endpoint.
	SaveEndpointState(ctx context.Context, state EndpointState) error
}
