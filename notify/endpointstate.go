package notify

import "time"

// The types of the events that tell others how an endpoint stands.
const (
	// EndpointFailing says that it does not take what it is told.
	EndpointFailing = "pollwire.endpoint.failing"
	// EndpointDisabled says that it is not posted to any more.
	EndpointDisabled = "pollwire.endpoint.disabled"
	// EndpointRecovered says that one that was told to be failing is well again.
	EndpointRecovered = "pollwire.endpoint.recovered"
)

// EndpointState is what must survive of an endpoint. It is saved when something
// of it changes by more than a count, so that after a crash Failures and
// FailedAt may be those of an hour ago.
type EndpointState struct {
	Name string
	// Disabled endpoints are not posted to; their deliveries wait.
	Disabled bool
	// Reason says for the operator why it is disabled, or else what was told of
	// its failures.
	Reason string
	// Since is when it was disabled.
	Since time.Time
	// Paused endpoints are not posted to either, because the operator said so.
	Paused bool
	// PausedUntil is when the endpoint may be posted to again, as its
	// Retry-After asked; zero when not paused.
	PausedUntil time.Time
	// Failures counts the attempts in a row that failed, FailingSince is when the
	// first of them did, FailedAt when the last. FailingSince is zero when the
	// last attempt succeeded.
	Failures               int
	FailingSince, FailedAt time.Time
	// OpenUntil is when the breaker lets an attempt through, and Cooldown how
	// long it waits for that; zero while it is closed.
	OpenUntil time.Time
	Cooldown  time.Duration
	// Told says that others were told it is failing or disabled, and not yet
	// that it recovered. Untold is the type of the event that they are still to
	// be told, empty for none.
	Told   bool
	Untold string
}

// BreakerState is where the breaker of an endpoint stands.
type BreakerState string

const (
	// BreakerClosed lets everything through.
	BreakerClosed BreakerState = "closed"
	// BreakerOpen lets nothing through.
	BreakerOpen BreakerState = "open"
	// BreakerHalfOpen lets one attempt through, to see how it ends.
	BreakerHalfOpen BreakerState = "half_open"
)

// Breaker returns where the breaker stands at a time.
func (s *EndpointState) Breaker(now time.Time) BreakerState {
	switch {
	case s.OpenUntil.IsZero():
		return BreakerClosed
	case now.Before(s.OpenUntil):
		return BreakerOpen
	}
	return BreakerHalfOpen
}
