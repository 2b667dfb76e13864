// Package notify tells endpoints what changed.
//
// An [Event] of the log becomes one [Delivery] for each endpoint that is to be
// told. A [Dispatcher] hands deliveries to lanes, which keep their order, and a
// [Sender] signs and posts them (Standard Webhooks 1.0.0, CloudEvents 1.0) and
// reports the outcome. What is told to whom is decided elsewhere, and what must
// survive is kept by a [Queue].
package notify

import (
	"encoding/json"
	"time"
)

// Event is an accepted change in the log, or an alert of pollwire's own.
type Event struct {
	// Position is its place in the log, across all sources; assigned at commit.
	Position int64
	// ID is "evt_" and a ULID, the same on every attempt, replay and endpoint.
	ID string
	// Type is the event type, such as github.release.created.
	Type string
	// Source is the source's name; of an endpoint alert, the endpoint's.
	Source string
	// Subject is the item's key, empty for a document.
	Subject string
	// Time is when the change was observed.
	Time time.Time
	// Sequence counts the source's changes from 1, without gaps; 0 for an
	// alert, which has none. Assigned at commit.
	Sequence int64
	// Alert marks pollwire's own types, which are told only to endpoints that name them.
	Alert bool
	// Data is the JSON object that the envelope carries in "data", without its "url".
	Data json.RawMessage
}
