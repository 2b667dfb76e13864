package server

import (
	"net/http"
	"time"
)

// Node is one running daemon, as the API tells it.
type Node struct {
	// Name is the host that it runs on.
	Name    string `json:"name"`
	Version string `json:"version"`
	// StartedAt is when it started, ConfiguredAt when it last took a configuration.
	StartedAt    time.Time `json:"started_at"`
	ConfiguredAt time.Time `json:"configured_at"`
	// Sources and Endpoints are how many it serves; subscriptions are endpoints too.
	Sources   int `json:"sources"`
	Endpoints int `json:"endpoints"`
}

// nodeList is the answer to a question for all nodes.
type nodeList struct {
	Nodes []Node `json:"nodes"`
}

func (s *Server) nodes(w http.ResponseWriter, r *http.Request) {
	list, err := s.opts.Controller.Nodes(r.Context())
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	writeJSON(w, http.StatusOK, nodeList{list})
}
