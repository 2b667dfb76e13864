package poller

import "time"

// DetailRequest is how the page of its own is asked for that an item of a list
// has: by GET, with the headers and the credentials of the source.
type DetailRequest struct {
	// URL is its address, of the same origin as the list's. {item.PATH} stands
	// for what a gjson path leads to in the item, escaped, and {key} for its key.
	// Where nothing else is in it, {item.PATH} is the whole address.
	URL string
}

// Want is an item whose detail is wanted.
type Want struct {
	Key string
	// Item is the item as it stands in its list, in JSON.
	Item []byte
}

// Detail is what came of the request for one detail.
type Detail struct {
	Key string
	// ContentType is the media type of the answer, as in [Observation].
	ContentType string
	// At is when it was complete.
	At time.Time
	// Err is why there is none, nil where it came. It is a *[FetchError] where the
	// request was made.
	Err error
}

// KeptError is an error of [Observer.Observe] after which the observation was
// made all the same, and its State counts: what there was of it is kept, but the
// poll has failed.
type KeptError struct{ Err error }

func (e *KeptError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *KeptError) Unwrap() error { return e.Err }
