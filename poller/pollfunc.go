package poller

import (
	"context"
	"time"
)

type Outcome struct{ RetryAfter time.Duration } // > 0: the attempt failed and may be tried again within this poll, after this wait
type PollFunc func(ctx context.Context, s *Source, attempt int) Outcome
