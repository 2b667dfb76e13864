package notify

import (
	"net/http"
	"time"
)

const (
	defaultTimeout     = 15 * time.Second
	defaultMaxInFlight = 16
)

// Endpoint is a URL that is told. It is immutable once it was handed to a
// [Dispatcher] or a [Sender].
type Endpoint struct {
	// Name identifies the endpoint; its deliveries and its state follow it.
	Name string
	// URL may be a secret in itself: of it only scheme and host are ever shown.
	URL string
	// Enabled endpoints are posted to, unless they were disabled at run time;
	// the deliveries of the others wait.
	Enabled bool
	// Secrets sign each attempt, all that are live.
	Secrets []Secret
	// Header is sent with each attempt. Its values are taken for secrets. It
	// cannot replace Content-Type, nor the Webhook- and Pollwire- headers.
	Header http.Header
	// Timeout bounds one attempt, from the dial to the last byte of the answer
	// that is read; 0 means 15 s.
	Timeout time.Duration
	// MaxInFlight is the most attempts under way at once; 0 means 16.
	MaxInFlight int
	// Retry says when failed deliveries are tried again.
	Retry RetryPolicy
}

func (e *Endpoint) timeout() time.Duration {
	if e.Timeout <= 0 {
		return defaultTimeout
	}
	return e.Timeout
}

func (e *Endpoint) maxInFlight() int {
	if e.MaxInFlight <= 0 {
		return defaultMaxInFlight
	}
	return e.MaxInFlight
}
