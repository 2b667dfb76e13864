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
	Endpoint string     `json:"endpoint,omitempty" doc:"The endpoint that is told; without it all are."`
	Source   string     `json:"source,omitempty" doc:"The source whose events are told; without it those of all."`
	Since    *time.Time `json:"since,omitempty" doc:"The events are not older than this."`
	Until    *time.Time `json:"until,omitempty" doc:"The events are older than this."`
	Dead     bool       `json:"dead,omitempty" doc:"What is dead is told, and nothing else."`
}

// Replay is how far a replay is.
type Replay struct {
	ID string `json:"id" doc:"Names it."`
	ReplayRequest
	Progress   float64    `json:"progress" doc:"How much of the log it has gone through, from 0 to 1."`
	Told       int64      `json:"told" doc:"How many deliveries it has made."`
	Waiting    int64      `json:"waiting" doc:"How many replays of its endpoints wait still."`
	Held       []string   `json:"held,omitempty" doc:"What holds back endpoints that it has something to tell to, until somebody changes that, and how."`
	CreatedAt  time.Time  `json:"created_at" doc:"When it began."`
	FinishedAt *time.Time `json:"finished_at,omitempty" doc:"When it had gone through the log."`
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
