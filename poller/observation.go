package poller

import (
	"context"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// Observation is what one complete poll saw.
type Observation struct {
	Source string
	// At is when the answer was complete.
	At time.Time
	// Duration is how long the request took, to the last byte.
	Duration time.Duration
	Status   int
	// Unchanged says that the answer is the one State was taken from: a 304, or
	// the same bytes again. Body is nil then.
	Unchanged bool
	// ContentType is the media type of the answer, without parameters, in lower case.
	ContentType string
	// Body is the whole answer, decompressed. It lives in a pooled buffer: who
	// wants to keep it beyond the call that received it must copy it.
	Body []byte
	// State is what the next poll of the source starts from, once the
	// observation has been accepted.
	State State

	buffer *httpclient.Body
}

// Release gives the buffer of Body back for reuse; Body is invalid afterwards.
// Who called [Fetcher.Fetch] calls it, an [Observer] does not. It may be called
// more than once.
func (o *Observation) Release() {
	o.Body = nil
	o.buffer.Release()
	o.buffer = nil
}

// State is what lets the next poll notice cheaply that nothing changed. It is
// valid only together with the snapshot of the same answer: an ETag that ran
// ahead of its snapshot would hide a change for ever.
type State struct {
	ETag         string
	LastModified string
	// RawHash is the SHA-256 of the whole body as it came, decompressed.
	// All zero means unknown.
	RawHash [32]byte
}

// Observer receives what polls saw.
type Observer interface {
	// Observe takes a complete answer and returns when all that it changes is
	// durable. After an error the observation counts as not made: the poller
	// keeps the state it had, and the poll has failed with that error.
	Observe(ctx context.Context, o *Observation) error
	// Fail takes a poll that ended without an observation, after its last
	// attempt, with the reason. It is also told of the errors of Observe.
	Fail(ctx context.Context, source string, reason error)
}
