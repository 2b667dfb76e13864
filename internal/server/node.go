package server

import (
	"fmt"
	"net/http"
	"time"
)

// NodeState is how a node stands, in one word.
type NodeState string

// The states of a node.
const (
	// NodeOK nodes do what they hold.
	NodeOK NodeState = "ok"
	// NodeLeaving nodes are about to stop, and give back what they have.
	NodeLeaving NodeState = "leaving"
	// NodeSuspended nodes have been silent for so long that another one may take
	// over what they hold: until they are heard of again they do nothing.
	NodeSuspended NodeState = "suspended"
)

// Node is one running daemon, as the API tells it.
type Node struct {
	ID            string       `json:"id,omitempty" doc:"Names this life of it, where nodes share the database: it has another one after each start."`
	Name          string       `json:"name" doc:"Its name: the host that it runs on, where it was given no other."`
	Host          string       `json:"host,omitempty" doc:"The host that it runs on, where nodes share the database."`
	PID           int          `json:"pid" doc:"Its process, as it is numbered there."`
	Self          bool         `json:"self,omitempty" doc:"It is the one that answers."`
	State         NodeState    `json:"state,omitempty" doc:"How it stands, where nodes share the database: a suspended one was silent for so long that it does nothing until it is heard of again."`
	Version       string       `json:"version" doc:"The version of pollwire."`
	Configuration string       `json:"configuration,omitempty" doc:"A fingerprint of its configuration, without the values of secrets and what may be different on each machine. Nodes that have the same should have the same fingerprint."`
	Differs       []NodeAspect `json:"differs,omitempty" doc:"In what it is unlike most of the others; clock, where its own is more than a second off the database's."`
	ClockAhead    float64      `json:"clock_ahead_seconds,omitempty" doc:"By how many seconds its clock is ahead of the database's, where they are apart; negative where it is behind."`
	StartedAt     time.Time    `json:"started_at" doc:"When it started."`
	ConfiguredAt  time.Time    `json:"configured_at" doc:"When it last took a configuration."`
	SeenAt        *time.Time   `json:"seen_at,omitempty" doc:"When it was last heard of, where nodes share the database."`
	Sources       int          `json:"sources" doc:"How many sources it serves."`
	Endpoints     int          `json:"endpoints" doc:"How many endpoints it serves, subscriptions included."`
	Limits        int          `json:"limits,omitempty" doc:"How many rate limits it serves, where nodes share the database."`
	Held          int          `json:"held,omitempty" doc:"How many leases it holds in all, where nodes share the database."`
	Leases        []Lease      `json:"leases,omitempty" doc:"What it holds, by name; only where one node is asked for."`
}

// NodeAspect is in what a node can be unlike others.
type NodeAspect string

// The aspects.
const (
	NodeVersion       NodeAspect = "version"
	NodeConfiguration NodeAspect = "configuration"
	// NodeClock nodes have another time than the database.
	NodeClock NodeAspect = "clock"
)

// Lease is what a node holds.
type Lease struct {
	Resource string    `json:"resource" doc:"What it is for: source/NAME, limit/NAME, endpoint/NAME, token/ID or task/NAME. The own limit of a source goes with the source."`
	Since    time.Time `json:"since" doc:"When it was taken."`
}

// NodeList is the answer to a question for all nodes.
type NodeList struct {
	Nodes []Node `json:"nodes" doc:"The nodes, by name."`
	Free  int    `json:"free,omitempty" doc:"How many sources, limits and endpoints no node has at the moment."`
}

func (s *Server) nodes(w http.ResponseWriter, r *http.Request) {
	list, err := s.opts.Controller.Nodes(r.Context())
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	writeJSON(w, http.StatusOK, list)
}

func (s *Server) node(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	node, err := s.opts.Controller.Node(r.Context(), id)
	if err != nil {
		s.fail(w, r, err, fmt.Sprintf("there is no node %q: GET /v1/nodes lists them", id))
		return
	}
	writeJSON(w, http.StatusOK, node)
}
