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
	// Interval, where it is positive, is the least time from the end of the poll to
	// the source's next one, as its answers asked for. It counts where the poll has
	// ended.
	Interval time.Duration
}

// Gate holds back polls that would be in vain.
type Gate interface {
	// Held returns why the next request of a source must not be sent, nil where
	// it may. Where it may, it is sent soon.
	Held(s *Source) error
	// Refuse ends the poll of a source that was held, for that reason. It
	// returns soon after ctx is done.
	Refuse(ctx context.Context, s *Source, reason error)
}

// PollFunc makes one request of a poll. They are counted from 1, those that are
// made again included; at 1 a new poll begins, whatever became of the last one.
// It is called on a worker once the source's limit has admitted the request,
// never twice at a time for a source. It returns soon after ctx is done.
type PollFunc func(ctx context.Context, s *Source, request int) Outcome
