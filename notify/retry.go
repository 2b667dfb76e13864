package notify

import "time"

// RetryPolicy says when a delivery that failed is tried again, and when it is dead.
type RetryPolicy struct {
	// Schedule are the waits after the first, second, … attempt that failed;
	// the delivery is dead when the attempt after the last wait fails too.
	Schedule []time.Duration
	// Jitter spreads each wait evenly over ± this share of it, 0 to 1.
	Jitter float64
	// MaxRetryAfter caps what a Retry-After header can ask for; 0 for no cap.
	MaxRetryAfter time.Duration
}

// Wait returns how long to wait after a number of failed attempts, at least 1,
// or false when the delivery is dead. The random number is in [0, 1).
func (p RetryPolicy) Wait(attempts int, random float64) (time.Duration, bool) {
	if attempts > len(p.Schedule) {
		return 0, false
	}
	wait := p.Schedule[max(attempts, 1)-1]
	return wait + time.Duration(float64(wait)*p.Jitter*(2*random-1)), true
}

// pause caps what a Retry-After header asked for.
func (p RetryPolicy) pause(asked time.Duration) time.Duration {
	if p.MaxRetryAfter > 0 {
		return min(asked, p.MaxRetryAfter)
	}
	return asked
}

// longest is the longest time from now for which a delivery can be made to
// wait. A saved time beyond it was saved before the clock was set back.
func (p RetryPolicy) longest() time.Duration {
	longest := p.MaxRetryAfter
	for _, wait := range p.Schedule {
		longest = max(longest, wait+time.Duration(float64(wait)*p.Jitter))
	}
	return longest
}
