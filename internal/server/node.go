package server

import (
	"net/http"
	"time"
)

// Node is one running daemon, as the API tells it.
type Node struct {
	Name         string    `json:"name" doc:"The host that it runs on."`
	PID          int       `json:"pid" doc:"Its process, as it is numbered there."`
	Version      string    `json:"version" doc:"The version of pollwire."`
	StartedAt    time.Time `json:"started_at" doc:"When it started."`
	ConfiguredAt time.Time `json:"configured_at" doc:"When it last took a configuration."`
	Sources      int       `json:"sources" doc:"How many sources it serves."`
	Endpoints    int       `json:"endpoints" doc:"How many endpoints it serves, subscriptions included."`
}

// nodeList is the answer to a question for all nodes.
type nodeList struct {
	Nodes []Node `json:"nodes" doc:"The nodes."`
}

func (s *Server) nodes(w http.ResponseWriter, r *http.Request) {
	list, err := s.opts.Controller.Nodes(r.Context())
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	writeJSON(w, http.StatusOK, nodeList{list})
}
