package server

import (
	"net/http"
	"time"
)

// Limit is how a rate limit stands, as the API tells it.
type Limit struct {
	// Name is as it is configured; that of a source's own limit is source/NAME.
	Name string `json:"name"`
	// Requests may be sent in any PerSeconds, of which Reserve are left to others.
	Requests   int     `json:"requests"`
	PerSeconds float64 `json:"per_seconds"`
	Reserve    int     `json:"reserve"`
	Burst      int     `json:"burst"`
	// Concurrency is the most requests under way at once; 0 for no bound.
	Concurrency int `json:"concurrency"`
	// Used are the requests of the last window, Left those that it has room for.
	Used int `json:"used"`
	Left int `json:"left"`
	// UnderWay are requests that have no answer yet, Waiting those that were not
	// admitted yet.
	UnderWay int `json:"under_way"`
	Waiting  int `json:"waiting"`
	// PausedUntil is until when its server asked to be left alone.
	PausedUntil *time.Time `json:"paused_until,omitempty"`
	// Sources are the names of those that share it.
	Sources []string `json:"sources"`
}

// limitList is the answer to a question for all limits.
type limitList struct {
	Limits []Limit `json:"limits"`
}

func (s *Server) limits(w http.ResponseWriter, r *http.Request) {
	list, err := s.opts.Controller.Limits(r.Context())
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	writeJSON(w, http.StatusOK, limitList{list})
}
