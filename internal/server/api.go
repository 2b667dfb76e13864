package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// internalError is all that a client is told of an error of ours.
const internalError = "something went wrong here; the log says what"

// api routes requests. The guard stands before it where there is one.
func (s *Server) api() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		h := rt.handler
		if rt.query == nil && strings.HasPrefix(rt.path, "/v1/") {
			h = withoutParameters(h)
		}
		mux.HandleFunc(rt.method+" "+rt.path, h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		switch {
		case pattern != "":
			mux.ServeHTTP(w, r)
		case s.opts.Dashboard != nil && !ofAPI(r.URL.Path):
			s.opts.Dashboard.ServeHTTP(w, r)
		default:
			refuse(w, r, h)
		}
	})
}

// ofAPI says whether a path is for programs; all others are the dashboard's.
func ofAPI(path string) bool {
	switch path {
	case "/healthz", "/readyz", metricsPath, "/openapi.json":
		return true
	}
	return strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, pokePath)
}

// refuse answers what no route takes. The mux's own handler knows whether the
// path exists for other methods; only its words are plain text.
func refuse(w http.ResponseWriter, r *http.Request, h http.Handler) {
	probe := &statusWriter{header: make(http.Header)}
	h.ServeHTTP(probe, r)
	if probe.status != http.StatusMethodNotAllowed {
		writeProblem(w, r, http.StatusNotFound, "there is nothing at this path")
		return
	}
	allow := probe.header.Get("Allow")
	w.Header().Set("Allow", allow)
	writeProblem(w, r, http.StatusMethodNotAllowed, "this path takes "+allow)
}

// statusWriter keeps the status and the header of an answer, and drops its body.
type statusWriter struct {
	header http.Header
	status int
}

func (w *statusWriter) Header() http.Header         { return w.header }
func (w *statusWriter) WriteHeader(status int)      { w.status = status }
func (w *statusWriter) Write(p []byte) (int, error) { return len(p), nil }

// probed is the answer to a probe.
type probed struct {
	Status string `json:"status" doc:"alive."`
}

func (s *Server) daemonRoutes() []route {
	rows := []route{
		{
			method: http.MethodGet, path: "/healthz", id: "getAlive",
			doc:     "Say that the process answers.",
			answers: []answer{{status: http.StatusOK, doc: "It does.", body: probed{}}},
			handler: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, probed{"alive"}) },
		},
		{
			method: http.MethodGet, path: "/readyz", id: "getReady",
			doc:     "Say that the daemon can do its work. A problem of status 503 names the checks that fail.",
			answers: []answer{{status: http.StatusOK, doc: "It can.", body: ready{}}},
			handler: s.readiness.ServeHTTP,
		},
		{
			method: http.MethodGet, path: "/v1/health", id: "getHealth",
			doc:     "Return what each check of the daemon's health says.",
			answers: []answer{{status: http.StatusOK, doc: "How it is, whether all is well or not.", body: Health{}}},
			handler: s.readiness.health,
		},
		{
			method: http.MethodGet, path: "/v1/limits", id: "listLimits",
			doc:     "List the rate limits and how much of them is used.",
			answers: []answer{{status: http.StatusOK, doc: "All of them, by name.", body: limitList{}}},
			handler: s.limits,
		},
		{
			method: http.MethodGet, path: "/v1/nodes", id: "listNodes",
			doc:     "List the daemons that share the database.",
			answers: []answer{{status: http.StatusOK, doc: "All of them.", body: NodeList{}}},
			handler: s.nodes,
		},
		{
			method: http.MethodGet, path: "/v1/nodes/{id}", id: "getNode",
			doc:     "Return one of the daemons that share the database, with what it holds.",
			answers: []answer{{status: http.StatusOK, doc: "The node.", body: Node{}}},
			handler: s.node,
		},
		{
			method: http.MethodGet, path: "/openapi.json", id: "getOpenAPI",
			doc:     "Return this document.",
			answers: []answer{{status: http.StatusOK, doc: "An OpenAPI document.", body: map[string]json.RawMessage{}}},
			handler: s.openAPI,
		},
	}
	if s.opts.Reloader != nil {
		rows = append(rows, s.reloadRoutes()...)
	}
	if s.opts.Metrics != nil {
		rows = append(rows, route{
			method: http.MethodGet, path: metricsPath, id: "getMetrics",
			doc: "Return the metrics, for Prometheus. server.metrics_token opens them too, and nothing else.",
			answers: []answer{{
				status: http.StatusOK, doc: "The metrics, in the format that the request accepts.", body: "",
				media: []string{"text/plain", "application/openmetrics-text"},
			}},
			handler: s.metrics,
		})
	}
	return rows
}

// accepted is the answer to what will be done.
type accepted struct {
	Source string `json:"source" doc:"The name of the source."`
}

// pollRequest is the body that asks for a poll.
type pollRequest struct {
	Preview bool `json:"preview" doc:"Ask at once and say what would come of it, without changing any state but the budget."`
}

func (s *Server) accept(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if bad := readBody(w, r, &struct{}{}); bad != nil {
		writeProblem(w, r, bad.status, bad.detail)
		return
	}
	if err := s.opts.Controller.AcceptRemoval(r.Context(), name); err != nil {
		s.fail(w, r, err, noSource(name))
		return
	}
	writeJSON(w, http.StatusAccepted, accepted{name})
}

func (s *Server) poll(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	var body pollRequest
	if bad := readBody(w, r, &body); bad != nil {
		writeProblem(w, r, bad.status, bad.detail)
		return
	}
	if body.Preview {
		preview, err := s.opts.Controller.Preview(r.Context(), name)
		if err != nil {
			s.fail(w, r, err, noSource(name))
			return
		}
		writeJSON(w, http.StatusOK, preview)
		return
	}
	if err := s.opts.Controller.Poll(r.Context(), name); err != nil {
		s.fail(w, r, err, noSource(name))
		return
	}
	writeJSON(w, http.StatusAccepted, accepted{name})
}

func noSource(name string) string { return fmt.Sprintf("there is no source %q", name) }

func noEndpoint(name string) string { return fmt.Sprintf("there is no endpoint %q", name) }

// fail answers with what became of an error of the Controller.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error, notFound string) {
	refusal, refused := errors.AsType[*Refusal](err)
	switch {
	case errors.Is(err, store.ErrNotFound):
		writeProblem(w, r, http.StatusNotFound, notFound)
	case refused:
		status := refusal.Status
		if status == 0 {
			status = http.StatusConflict
		}
		if refusal.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(max(1, int(refusal.RetryAfter.Round(time.Second)/time.Second))))
		}
		writeProblem(w, r, status, refusal.Reason)
	case r.Context().Err() != nil:
		writeProblem(w, r, http.StatusServiceUnavailable, "the request was given up, by the client or as the server stops")
	case errors.Is(err, store.ErrFull):
		writeProblem(w, r, http.StatusInsufficientStorage, store.ErrFull.Error()+": make room, and try again")
	case errors.Is(err, store.ErrBusy):
		writeProblem(w, r, http.StatusServiceUnavailable, "the database cannot be written: "+store.ErrBusy.Error()+"; try again when it has let go")
	case errors.Is(err, store.ErrUnreachable):
		w.Header().Set("Retry-After", "2")
		writeProblem(w, r, http.StatusServiceUnavailable, store.ErrUnreachable.Error()+"; try again in a moment")
	case errors.Is(err, store.ErrNotHeld):
		w.Header().Set("Retry-After", "2")
		writeProblem(w, r, http.StatusServiceUnavailable, store.ErrNotHeld.Error()+" by now; try again in a moment")
	default:
		s.repeats.tell(r.Context(), slog.LevelError, "request failed", err, "method", r.Method, "path", r.URL.Path)
		writeProblem(w, r, http.StatusInternalServerError, internalError)
	}
}
