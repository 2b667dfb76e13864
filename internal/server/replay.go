package server

import (
	"fmt"
	"net/http"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// ReplayRequest says what is told again. Everything is optional: nothing given
// tells the whole log to every endpoint.
type ReplayRequest struct {
	Endpoint string `json:"endpoint,omitempty"`
	Source   string `json:"source,omitempty"`
	// Since and Until bound the time of the events: not before Since, before Until.
	Since *time.Time `json:"since,omitempty"`
	Until *time.Time `json:"until,omitempty"`
	// Dead tells what is dead, and nothing else.
	Dead bool `json:"dead,omitempty"`
}

// Replay is how far a replay is.
type Replay struct {
	ID string `json:"id"`
	ReplayRequest
	// Progress is how much of the log it has gone through, from 0 to 1.
	Progress float64 `json:"progress"`
	// Told counts the deliveries it has made, Waiting those replays of its
	// endpoints that wait still.
	Told       int64      `json:"told"`
	Waiting    int64      `json:"waiting"`
	CreatedAt  time.Time  `json:"created_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

// NewReplay is what the API tells of a replay.
func NewReplay(r *store.Replay) Replay {
	return Replay{
		ID: r.ID,
		ReplayRequest: ReplayRequest{
			Endpoint: r.Endpoint, Source: r.Source, Since: instant(r.Since), Until: instant(r.Until), Dead: r.Dead,
		},
		Progress: r.Progress(), Told: r.Told, Waiting: r.Waiting, CreatedAt: r.CreatedAt.UTC(), FinishedAt: instant(r.FinishedAt),
	}
}

func (s *Server) startReplay(w http.ResponseWriter, r *http.Request) {
	var q ReplayRequest
	if bad := readBody(w, r, &q); bad != nil {
		writeProblem(w, r, bad.status, bad.detail)
		return
	}
	replay, err := s.opts.Controller.StartReplay(r.Context(), &q)
	if err != nil {
		s.fail(w, r, err, "there is nothing of that name")
		return
	}
	writeJSON(w, http.StatusAccepted, replay)
}

func (s *Server) replay(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	replay, err := s.opts.Controller.Replay(r.Context(), id)
	if err != nil {
		s.fail(w, r, err, fmt.Sprintf("there is no replay %q", id))
		return
	}
	writeJSON(w, http.StatusOK, replay)
}
