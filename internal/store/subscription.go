package store

import "time"

// Subscription is an endpoint that was registered over the API.
type Subscription struct {
	// ID is "sub_" and a ULID. It is the name of the endpoint, too.
	ID string
	// Sealed holds the URL and the secret, encrypted before they come here.
	Sealed []byte
	// Sources are the names of the sources whose events are told, none for all.
	Sources []string
	// Events are the patterns of event types that are told, none for all changes.
	Events []string
	// Filter is an expression, empty for none.
	Filter    string
	CreatedAt time.Time
}
