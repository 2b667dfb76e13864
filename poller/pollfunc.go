package poller

import (
	"context"
	"time"
)

// Outcome is what came of one request of a poll.
type Outcome struct {
	// RetryAfter, where it is positive, says that the request failed and that it
	// may be made again, as part of the same poll, after this wait.
	RetryAfter time.Duration
	// More says that the poll goes on: its next request waits for the limit like
	// any other, behind those that wait already.
	More bool
}

// PollFunc makes one request of a poll. They are counted from 1, those that are
// made again included; at 1 a new poll begins, whatever became of the last one.
// It is called on a worker once the source's limit has admitted the request,
// never twice at a time for a source. It returns soon after ctx is done.
type PollFunc func(ctx context.Context, s *Source, request int) Outcome
