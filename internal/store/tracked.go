package store

import (
	"context"
	"time"

	"github.com/pollwire/pollwire/notify"
)

// TrackedDelivery is a delivery with all that there is to know of it.
type TrackedDelivery struct {
	notify.Delivery
	State notify.State
	// EventID, EventType, Source and Subject are those of its event.
	EventID, EventType, Source, Subject string
	CreatedAt                           time.Time
	// Last is its last attempt, without the answer's body; its Number is 0 before
	// the first.
	Last notify.Attempt
}

// DeliveryQuery says which deliveries are listed.
type DeliveryQuery struct {
	// State, Endpoint and Event, the ID of an event, choose; empty ones take all.
	State    notify.State
	Endpoint string
	Event    string
	// Before is the ID below which the list begins; 0 for the newest.
	Before int64
	// Limit is how many are listed at most.
	Limit int
}

// DeliveryPage is a page of deliveries.
type DeliveryPage struct {
	// Deliveries are ordered by ID, the newest first.
	Deliveries []TrackedDelivery
	// Next is Before of the next page, 0 where nothing follows. A page looks at a
	// bounded number of deliveries, so that one that is not full, or has none, may
	// be followed by others.
	Next int64
}

// Depth is how much there is of an endpoint's deliveries.
type Depth struct {
	Endpoint      string
	Waiting, Dead int64
	// Oldest is when the first one that waits was created; zero where none does.
	Oldest time.Time
}

// DeliveryLog is where deliveries are looked at.
type DeliveryLog interface {
	// Deliveries returns a page of deliveries.
	Deliveries(ctx context.Context, q DeliveryQuery) (DeliveryPage, error)
	// Delivery returns one with its attempts, by number, or ErrNotFound.
	Delivery(ctx context.Context, id int64) (TrackedDelivery, []notify.Attempt, error)
	// Depths returns how many deliveries of each endpoint wait or are dead, by
	// name; endpoints that have none of either are left out.
	Depths(ctx context.Context) ([]Depth, error)
	// AttemptStats returns, by endpoint, what came of the attempts since a time, of
	// as many of the newest deliveries; endpoints without any are left out.
	AttemptStats(ctx context.Context, since time.Time, deliveries int) ([]AttemptStats, error)
}
