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
	Name         string              `json:"name" doc:"Its name, or the id of a subscription."`
	URL          string              `json:"url,omitempty" doc:"Scheme and host of its URL: more of it may be a secret."`
	Enabled      bool                `json:"enabled" doc:"It is posted to, unless something below holds it back."`
	Reason       string              `json:"reason,omitempty" doc:"Why it is disabled, or else why it fails."`
	Since        *time.Time          `json:"since,omitempty" doc:"When it was disabled."`
	Paused       bool                `json:"paused" doc:"The operator paused it."`
	PausedUntil  *time.Time          `json:"paused_until,omitempty" doc:"When it may be posted to again, as its Retry-After asked."`
	Breaker      notify.BreakerState `json:"breaker" doc:"The state of its breaker: an open one lets nothing through."`
	OpenUntil    *time.Time          `json:"open_until,omitempty" doc:"When its breaker lets the next attempt through."`
	Failures     int                 `json:"failures" doc:"How many attempts in a row failed."`
	FailingSince *time.Time          `json:"failing_since,omitempty" doc:"When the first of them did."`
	InFlight     int                 `json:"in_flight" doc:"How many attempts are under way."`
	Waiting      int64               `json:"waiting" doc:"How many of its deliveries wait."`
	WaitingSince *time.Time          `json:"waiting_since,omitempty" doc:"When the oldest that waits was created."`
	Dead         int64               `json:"dead" doc:"How many of its deliveries are dead and kept."`
	Node         string              `json:"node,omitempty" doc:"The name of the node that posts to it; missing where nodes share no database, and where none does at the moment."`
	Saved        bool                `json:"saved,omitempty" doc:"Another node has it, so that this is what is saved of it: in_flight is 0."`
	Attempts     *AttemptStats       `json:"attempts,omitempty" doc:"What came of its attempts in the last 24 hours, or of those of the newest deliveries where there were very many; missing where it had none."`
}

// AttemptStats is what came of the attempts of an endpoint's deliveries.
type AttemptStats struct {
	Since  time.Time `json:"since" doc:"When the first of them was made."`
	Count  int       `json:"count" doc:"How many there were."`
	Failed int       `json:"failed" doc:"How many were not answered with a 2xx."`
	P50MS  int64     `json:"p50_ms" doc:"How long half of them took at most, in milliseconds."`
	P95MS  int64     `json:"p95_ms" doc:"How long 95 of a hundred took at most, in milliseconds."`
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
	Endpoints []Endpoint `json:"endpoints" doc:"The endpoints, by name."`
}

func (s *Server) endpointRoutes() []route {
	rows := []route{
		{
			method: http.MethodGet, path: "/v1/endpoints", id: "listEndpoints",
			doc:     "List the endpoints and how they stand.",
			answers: []answer{{status: http.StatusOK, doc: "All of them.", body: endpointList{}}},
			handler: s.endpoints,
		},
		{
			method: http.MethodGet, path: "/v1/endpoints/{name}", id: "getEndpoint",
			doc:     "Return how an endpoint stands.",
			answers: []answer{{status: http.StatusOK, doc: "How it stands.", body: Endpoint{}}},
			handler: s.endpoint,
		},
		{
			method: http.MethodPost, path: "/v1/endpoints/{name}/test", id: "testEndpoint",
			doc:     "Post a pollwire.ping to an endpoint, whether deliveries wait for it or not.",
			answers: []answer{{status: http.StatusOK, doc: "What came of it.", body: Test{}}},
			handler: s.testEndpoint,
		},
	}
	for _, change := range []struct {
		name EndpointChange
		doc  string
	}{
		{Enable, "Enable an endpoint. What waited is delivered."},
		{Disable, "Disable an endpoint. Its deliveries wait, over restarts, until it is enabled."},
		{Pause, "Pause an endpoint. Its deliveries wait, over restarts, until it is resumed."},
		{Resume, "Resume an endpoint. That ends a pause, also one that its receiver asked for, and the wait of its breaker."},
	} {
		rows = append(rows, route{
			method: http.MethodPost, path: "/v1/endpoints/{name}/" + string(change.name), id: string(change.name) + "Endpoint",
			doc:     change.doc,
			answers: []answer{{status: http.StatusOK, doc: "How it stands now.", body: Endpoint{}}},
			handler: s.changeEndpoint(change.name),
		})
	}
	return rows
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
	ID      string  `json:"id" doc:"The webhook-id that was posted."`
	Attempt Attempt `json:"attempt" doc:"What came of it."`
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
