package poller

import (
	"cmp"
	"time"
)

const (
	defaultWaitMin       = time.Second
	defaultMaxRetryAfter = time.Hour
)

// maxRetryAfter returns the cap of a Retry-After.
func (r Retry) maxRetryAfter() time.Duration {
	return cmp.Or(max(r.MaxRetryAfter, 0), defaultMaxRetryAfter)
}

// wait returns how long to wait after a failed attempt, which counts from 1:
// twice as long after each one, between WaitMin and WaitMax. random, in [0, 1),
// spreads it over the upper half, so that sources which failed together do not
// come back together.
func (r Retry) wait(attempt int, random float64) time.Duration {
	shortest := cmp.Or(max(r.WaitMin, 0), defaultWaitMin)
	longest := max(r.WaitMax, shortest)
	upper := shortest
	for range attempt {
		if upper >= longest-upper {
			upper = longest
			break
		}
		upper *= 2
	}
	lower := max(upper/2, shortest)
	return lower + time.Duration(random*float64(upper-lower))
}

// next decides what comes after a failed attempt: the wait before another one,
// or 0 where there is none in this poll.
func (r Retry) next(attempt int, failure *FetchError, random float64) time.Duration {
	if !failure.Retryable || attempt >= r.MaxAttempts || failure.RetryAfter > r.maxRetryAfter() {
		return 0
	}
	return max(r.wait(attempt, random), failure.RetryAfter)
}
