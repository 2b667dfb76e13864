package server

import (
	"time"

	"github.com/pollwire/pollwire/notify"
)

// Endpoint is the state of an endpoint as the API tells it.
type Endpoint struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	// Reason and Since say why and since when it is disabled.
	Reason string     `json:"reason,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	// PausedUntil is when it may be posted to again, as its Retry-After asked.
	PausedUntil *time.Time `json:"paused_until,omitempty"`
}

func newEndpoint(state notify.EndpointState) Endpoint {
	e := Endpoint{Name: state.Name, Enabled: !state.Disabled, PausedUntil: instant(state.PausedUntil)}
	if state.Disabled {
		e.Reason, e.Since = state.Reason, instant(state.Since)
	}
	return e
}

// instant is t in UTC, or nil for the zero time.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
