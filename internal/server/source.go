package server

import (
	"net/http"
	"time"
)

// SourceState is how a source stands, in one word.
type SourceState string

// The states of a source.
const (
	// SourceOK sources were answered the last time, SourceNew ones never yet.
	SourceOK  SourceState = "ok"
	SourceNew SourceState = "new"
	// SourceFailing sources gave no observation the last time.
	SourceFailing SourceState = "failing"
	// SourcePaused sources are held back by the operator, SourceDisabled ones by
	// the configuration.
	SourcePaused   SourceState = "paused"
	SourceDisabled SourceState = "disabled"
)

// Source is how a source stands, as the API tells it.
type Source struct {
	Name  string      `json:"name"`
	State SourceState `json:"state"`
	// Request is the method and the URL of its request, secrets and the values of
	// the query left out.
	Request string `json:"request"`
	// Schedule is as it is configured, Limit the rate limit that it shares; empty
	// where it has none.
	Schedule string `json:"schedule"`
	Limit    string `json:"limit,omitempty"`
	// Reason says why it is failing; Failures counts the polls in a row that
	// failed, since FailingSince.
	Reason       string     `json:"reason,omitempty"`
	Failures     int        `json:"failures"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	// Paused says that the operator paused it, PausedSince when.
	Paused      bool       `json:"paused"`
	PausedSince *time.Time `json:"paused_since,omitempty"`
	// HeldUntil is until when it is left alone, as its server asked for.
	HeldUntil *time.Time `json:"held_until,omitempty"`
	// Polling says that a poll is under way, Waiting that one is due and waits for
	// its limit or for others; NextRun is when it is due next.
	Polling bool       `json:"polling"`
	Waiting bool       `json:"waiting"`
	NextRun *time.Time `json:"next_run,omitempty"`
	// LastPoll is the last poll since the start of the daemon.
	LastPoll *Poll `json:"last_poll,omitempty"`
	// Version counts its snapshots, Sequence its changes; ChangedAt is when the
	// last snapshot was taken.
	Version   int64      `json:"version"`
	Sequence  int64      `json:"sequence"`
	ChangedAt *time.Time `json:"changed_at,omitempty"`
	// Changes counts its changes in each of the last 24 hours, the oldest first; the
	// last one is the hour that ends now.
	Changes []int64 `json:"changes"`
}

// PollOutcome is what a poll came to.
type PollOutcome string

// The outcomes of a poll: those of a [Preview], in the same words.
const (
	PollUnchanged   PollOutcome = PollOutcome(Unchanged)
	PollBaseline    PollOutcome = PollOutcome(Baseline)
	PollRebaselined PollOutcome = PollOutcome(Rebaselined)
	PollChanged     PollOutcome = PollOutcome(Changed)
	PollFailed      PollOutcome = PollOutcome(Failed)
)

// Poll is a poll that has ended.
type Poll struct {
	// At is when it ended.
	At time.Time `json:"at"`
	// DurationMS is how long its requests took, in milliseconds, without the waits
	// between them; Requests is how many were made.
	DurationMS int64 `json:"duration_ms"`
	Requests   int   `json:"requests"`
	// Status is the HTTP status code of its answer, of several pages that of the
	// first; 0 where there was none.
	Status int `json:"status"`
	// Bytes is the length of its answer, decompressed; 0 of a 304.
	Bytes   int64       `json:"bytes"`
	Outcome PollOutcome `json:"outcome"`
	// Changes is how many changes it brought.
	Changes int `json:"changes"`
	// Error is why it failed.
	Error string `json:"error,omitempty"`
}

// PollList is the answer to a question for the polls of a source, the newest
// first. They are kept in memory, since the start of the daemon.
type PollList struct {
	Polls []Poll `json:"polls"`
}

// SourceChange is what can be done to a source.
type SourceChange string

// The changes.
const (
	// PauseSource ends the polls of a source until ResumeSource, over restarts.
	PauseSource  SourceChange = "pause"
	ResumeSource SourceChange = "resume"
)

// sourceList is the answer to a question for all sources.
type sourceList struct {
	Sources []Source `json:"sources"`
}

func (s *Server) sources(w http.ResponseWriter, r *http.Request) {
	list, err := s.opts.Controller.Sources(r.Context())
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	writeJSON(w, http.StatusOK, sourceList{list})
}

func (s *Server) source(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	source, err := s.opts.Controller.Source(r.Context(), name)
	if err != nil {
		s.fail(w, r, err, noSource(name))
		return
	}
	writeJSON(w, http.StatusOK, source)
}

func (s *Server) polls(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	polls, err := s.opts.Controller.Polls(r.Context(), name)
	if err != nil {
		s.fail(w, r, err, noSource(name))
		return
	}
	writeJSON(w, http.StatusOK, PollList{polls})
}

// changeSource answers with what a change made of a source.
func (s *Server) changeSource(change SourceChange) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if bad := readBody(w, r, &struct{}{}); bad != nil {
			writeProblem(w, r, bad.status, bad.detail)
			return
		}
		source, err := s.opts.Controller.ChangeSource(r.Context(), name, change)
		if err != nil {
			s.fail(w, r, err, noSource(name))
			return
		}
		writeJSON(w, http.StatusOK, source)
	}
}
