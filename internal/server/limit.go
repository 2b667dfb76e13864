package server

import (
	"net/http"
	"time"
)

// Limit is how a rate limit stands, as the API tells it.
type Limit struct {
	Name        string     `json:"name" doc:"Its name in the configuration; that of a source's own limit is source/NAME."`
	Requests    int        `json:"requests" doc:"How many requests may be sent in any per_seconds."`
	PerSeconds  float64    `json:"per_seconds" doc:"How long its window is, in seconds."`
	Reserve     int        `json:"reserve" doc:"How many of the requests are left to others."`
	Burst       int        `json:"burst" doc:"How many requests may follow each other at once."`
	Concurrency int        `json:"concurrency" doc:"The most requests under way at once; 0 for no bound."`
	Used        int        `json:"used" doc:"How many requests the last window had."`
	Left        int        `json:"left" doc:"How many it has room for."`
	UnderWay    int        `json:"under_way" doc:"How many requests have no answer yet."`
	Waiting     int        `json:"waiting" doc:"How many requests were not admitted yet."`
	PausedUntil *time.Time `json:"paused_until,omitempty" doc:"Until when its server asked to be left alone."`
	Node        string     `json:"node,omitempty" doc:"The name of the node that spends it; missing where nodes share no database, and where none does at the moment."`
	Saved       bool       `json:"saved,omitempty" doc:"Another node has it, so that this is what is saved of it: used counts requests that are reserved and may not have been sent yet; under_way and waiting are 0."`
	Sources     []string   `json:"sources" doc:"The names of the sources that share it."`
}

// limitList is the answer to a question for all limits.
type limitList struct {
	Limits []Limit `json:"limits" doc:"The limits, by name."`
}

func (s *Server) limits(w http.ResponseWriter, r *http.Request) {
	list, err := s.opts.Controller.Limits(r.Context())
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	writeJSON(w, http.StatusOK, limitList{list})
}
