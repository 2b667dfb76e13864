package server

import (
	"context"
	"net/http"
	"time"
)

// Reload is what came of the last attempt to take a new configuration.
type Reload struct {
	Number int        `json:"number" doc:"Counts the attempts since the start of the daemon; 0 before the first."`
	Begun  int        `json:"begun" doc:"Counts the attempts that have begun: one more than number while one is under way."`
	At     *time.Time `json:"at,omitempty" doc:"When it ended."`
	OK     bool       `json:"ok" doc:"The configuration was taken. Else everything is as it was."`
	Errors []string   `json:"errors,omitempty" doc:"Why it was not taken, each with its place."`
	// BadConfiguration tells whether an edit helps, or a restart where an error says so.
	BadConfiguration bool `json:"bad_configuration,omitempty" doc:"The configuration is why it was not taken."`

	Added   []string `json:"added,omitempty" doc:"What it added, as source/NAME and endpoint/NAME."`
	Changed []string `json:"changed,omitempty" doc:"What it changed."`
	Removed []string `json:"removed,omitempty" doc:"What it removed."`
}

// Reloader gives the daemon another configuration.
type Reloader interface {
	// Reload takes the configuration anew and returns when that is done. What is
	// wrong with the configuration is in its answer, not in its error.
	Reload(ctx context.Context) (*Reload, error)
	// AwaitReload returns what came of the last attempt. Where that is not beyond
	// the number after, it waits for the next one, or until ctx or stop ends that.
	AwaitReload(ctx context.Context, after int, stop <-chan struct{}) Reload
}

// mostReloads is the largest number of a reload that a client may have seen.
const mostReloads = 1 << 30

func (s *Server) reloadRoutes() []route {
	return []route{
		{
			method: http.MethodPost, path: "/v1/reload", id: "reload",
			doc:     "Take the configuration anew. What stays as it is goes on undisturbed. A configuration that cannot be used changes nothing: the answer says why, with ok false.",
			answers: []answer{{status: http.StatusOK, doc: "What came of it.", body: Reload{}}},
			handler: s.reload,
		},
		{
			method: http.MethodGet, path: "/v1/reload", id: "getReload",
			doc: "Return what came of the last reload.",
			query: []parameter{
				numberParameter("after", "With wait: the number of the last reload that is known.", 0, mostReloads),
				durationParameter("wait", "How long to wait for a reload after that: seconds up to 60."),
			},
			answers: []answer{{status: http.StatusOK, doc: "What came of it; its number is 0 before the first.", body: Reload{}}},
			handler: s.lastReload,
		},
	}
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	if bad := readBody(w, r, &struct{}{}); bad != nil {
		writeProblem(w, r, bad.status, bad.detail)
		return
	}
	if !s.beginReading(w, r) { // it may have to wait for another one
		return
	}
	defer s.endReading()
	done, err := s.opts.Reloader.Reload(r.Context())
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	writeJSON(w, http.StatusOK, done)
}

// lastReload answers at once, or with wait when there is one after a number.
func (s *Server) lastReload(w http.ResponseWriter, r *http.Request) {
	p := parameters(r)
	after, wait := p.number("after", 0, mostReloads), p.duration("wait", maxWait)
	if bad := p.bad(); bad != "" {
		writeProblem(w, r, http.StatusBadRequest, bad)
		return
	}
	if !s.beginReading(w, r) {
		return
	}
	defer s.endReading()
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	writeJSON(w, http.StatusOK, s.opts.Reloader.AwaitReload(ctx, after, s.draining))
}
