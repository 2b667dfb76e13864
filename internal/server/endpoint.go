package server

import (
	"cmp"
	"net/http"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// Endpoint is how an endpoint stands, as the API tells it.
type Endpoint struct {
	Name string `json:"name"`
	// URL is the scheme and the host of its URL: more of it may be a secret.
	URL string `json:"url,omitempty"`
	// Enabled endpoints are posted to, unless something below holds it back.
	Enabled bool `json:"enabled"`
	// Reason says why it is disabled, or else why it fails; Since is when it was
	// disabled.
	Reason string     `json:"reason,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	// Paused says that the operator paused it, PausedUntil is when it may be posted
	// to again, as its Retry-After asked.
	Paused      bool       `json:"paused"`
	PausedUntil *time.Time `json:"paused_until,omitempty"`
	// Breaker is closed, open or half_open; OpenUntil is when it lets the next
	// attempt through.
	Breaker   notify.BreakerState `json:"breaker"`
	OpenUntil *time.Time          `json:"open_until,omitempty"`
	// Failures counts the attempts in a row that failed, since FailingSince.
	Failures     int        `json:"failures"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	// InFlight counts the attempts under way, Waiting and Dead its deliveries;
	// WaitingSince is when the oldest that waits was created.
	InFlight     int        `json:"in_flight"`
	Waiting      int64      `json:"waiting"`
	WaitingSince *time.Time `json:"waiting_since,omitempty"`
	Dead         int64      `json:"dead"`
	// Attempts is what came of its attempts in the last 24 hours, or of those of the
	// newest deliveries where there were very many; nothing where it had none.
	Attempts *AttemptStats `json:"attempts,omitempty"`
}

// AttemptStats is what came of the attempts of an endpoint's deliveries.
type AttemptStats struct {
	// Since is when the first of them was made.
	Since time.Time `json:"since"`
	// Count counts them, Failed those that were not answered with a 2xx.
	Count  int `json:"count"`
	Failed int `json:"failed"`
	// P50MS and P95MS are how long half of them took at most, and 95 of a hundred,
	// in milliseconds.
	P50MS int64 `json:"p50_ms"`
	P95MS int64 `json:"p95_ms"`
}

// NewAttemptStats is what the API tells of an endpoint's attempts.
func NewAttemptStats(a *store.AttemptStats) *AttemptStats {
	return &AttemptStats{
		Since: a.Oldest.UTC(), Count: a.Attempts, Failed: a.Failed, P50MS: a.P50.Milliseconds(), P95MS: a.P95.Milliseconds(),
	}
}

// NewEndpoint is what the API tells of an endpoint, its deliveries and the
// scheme and host of its URL.
func NewEndpoint(status *notify.EndpointStatus, depth store.Depth, origin string) Endpoint {
	e := Endpoint{
		Name: status.Name, URL: origin, Enabled: status.Enabled && !status.Disabled,
		Paused: status.Paused, PausedUntil: instant(status.PausedUntil),
		Breaker: status.Breaker, OpenUntil: instant(status.OpenUntil),
		Failures: status.Failures, FailingSince: instant(status.FailingSince),
		InFlight: status.InFlight, Waiting: depth.Waiting, WaitingSince: instant(depth.Oldest), Dead: depth.Dead,
	}
	switch {
	case status.Disabled:
		e.Reason, e.Since = status.Reason, instant(status.Since)
	case !status.Enabled:
		e.Reason = "the configuration has enabled: false"
	case !status.FailingSince.IsZero():
		e.Reason = cmp.Or(status.Reason, status.LastError)
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

// EndpointChange is what can be done to an endpoint.
type EndpointChange string

// The changes.
const (
	// Enable lets deliveries go on, Disable makes them wait.
	Enable  EndpointChange = "enable"
	Disable EndpointChange = "disable"
	// Pause makes deliveries wait too; Resume ends that, a pause that the receiver
	// asked for, and the wait of its breaker.
	Pause  EndpointChange = "pause"
	Resume EndpointChange = "resume"
)

// endpointList is the answer to a question for all endpoints.
type endpointList struct {
	Endpoints []Endpoint `json:"endpoints"`
}

func (s *Server) endpoints(w http.ResponseWriter, r *http.Request) {
	list, err := s.opts.Controller.Endpoints(r.Context())
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	writeJSON(w, http.StatusOK, endpointList{list})
}

func (s *Server) endpoint(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	endpoint, err := s.opts.Controller.Endpoint(r.Context(), name)
	if err != nil {
		s.fail(w, r, err, noEndpoint(name))
		return
	}
	writeJSON(w, http.StatusOK, endpoint)
}

// changeEndpoint answers with what a change made of an endpoint.
func (s *Server) changeEndpoint(change EndpointChange) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if bad := readBody(w, r, &struct{}{}); bad != nil {
			writeProblem(w, r, bad.status, bad.detail)
			return
		}
		endpoint, err := s.opts.Controller.ChangeEndpoint(r.Context(), name, change)
		if err != nil {
			s.fail(w, r, err, noEndpoint(name))
			return
		}
		writeJSON(w, http.StatusOK, endpoint)
	}
}

// Test is what came of a test of an endpoint.
type Test struct {
	// ID is the webhook-id that was posted.
	ID      string  `json:"id"`
	Attempt Attempt `json:"attempt"`
}

func (s *Server) testEndpoint(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if bad := readBody(w, r, &struct{}{}); bad != nil {
		writeProblem(w, r, bad.status, bad.detail)
		return
	}
	// The receiver may take longer than a request may take to arrive.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	test, err := s.opts.Controller.TestEndpoint(r.Context(), name)
	if err != nil {
		s.fail(w, r, err, noEndpoint(name))
		return
	}
	writeJSON(w, http.StatusOK, test)
}
