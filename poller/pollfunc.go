package poller

import (
	"context"
	"time"
)

// Outcome is what came of one attempt of a poll.
type Outcome struct {
	// RetryAfter, where it is positive, says that the attempt failed and that
	// the next one of the same poll may be made after this wait.
	RetryAfter time.Duration
}

// PollFunc makes one attempt of a poll, counted from 1. It is called on a worker
// once the source's limit has admitted it, never twice at a time for a source.
// It returns soon after ctx is done.
type PollFunc func(ctx context.Context, s *Source, attempt int) Outcome
