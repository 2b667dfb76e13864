package notify

import (
	"errors"
	"net/http"
	"time"
)

// Action is what becomes of a delivery after an attempt.
type Action int

const (
	// Retry tries again later.
	Retry Action = iota
	// Deliver ends the delivery: it was answered with a 2xx.
	Deliver
	// Disable disables the endpoint, which said that it is gone; the delivery waits.
	Disable
	// Drop forgets the attempt: the sender was told to stop in the middle of
	// it, which says nothing about the endpoint.
	Drop
	// Bury ends the delivery as dead: it can never be posted.
	Bury
)

// Verdict is what an attempt means.
type Verdict struct {
	Action Action
	// Counts says that a Retry counts against the retry schedule.
	Counts bool
	// Away says that a Retry is due to a failure as a receiver makes that is away
	// or overloaded: no connection, no answer in time, 408, 429, 5xx.
	Away bool
	// Probe says that the attempt was made to see whether the endpoint is well
	// again: it does not count, however it ends.
	Probe bool
	// Pause is for how long the endpoint asked not to be posted to; 0 when it
	// did not.
	Pause time.Duration
}

var (
	// ErrInterrupted says that the context of an attempt was cancelled before
	// there was an answer.
	ErrInterrupted = errors.New("interrupted")
	// ErrNoSecret says that an endpoint has no secret that is live, so that
	// nothing was posted to it.
	ErrNoSecret = errors.New("no secret is live; nothing is posted unsigned")
	// ErrNoRoute says that the way to a receiver could not be prepared, because a
	// file with certificates cannot be read, say, so that nothing was posted.
	ErrNoRoute = errors.New("the way to the receiver cannot be prepared")
)

// Judge says what an attempt means, from its status (0 when there was no
// answer), its error and the Retry-After of its answer (0 for none).
func Judge(status int, err error, retryAfter time.Duration) Verdict {
	v := Verdict{Action: Retry, Counts: true, Pause: retryAfter}
	switch {
	case status >= 200 && status <= 299:
		v.Action, v.Counts = Deliver, false
	case status == http.StatusGone:
		v.Action, v.Counts = Disable, false
	case status == http.StatusTooManyRequests && retryAfter > 0:
		v.Counts, v.Away = false, true
	case status != 0:
		v.Away = status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
		// 3xx, other 4xx and 5xx: what the receiver refuses today it may take
		// tomorrow, after its owner has repaired it.
	case errors.Is(err, ErrInterrupted):
		v.Action, v.Counts = Drop, false
	case errors.Is(err, errBody):
		v.Action, v.Counts = Bury, false
	case errors.Is(err, ErrNoSecret), errors.Is(err, ErrNoRoute):
		v.Counts = false
	default:
		v.Away = true
	}
	return v
}
