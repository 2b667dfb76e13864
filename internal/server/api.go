package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pollwire/pollwire/internal/store"
)

// internalError is all that a client is told of an error of ours.
const internalError = "something went wrong here; the log says what"

// api routes requests. The guard stands before it where there is one.
func (s *Server) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	})
	mux.Handle("GET /readyz", s.readiness)
	if s.opts.Metrics != nil {
		mux.HandleFunc("GET "+metricsPath, s.metrics)
	}
	mux.HandleFunc("GET /v1/sources", s.sources)
	mux.HandleFunc("GET /v1/sources/{name}", s.source)
	mux.HandleFunc("GET /v1/sources/{name}/snapshot", s.snapshot)
	mux.HandleFunc("GET /v1/sources/{name}/polls", s.polls)
	mux.HandleFunc("GET /v1/health", s.readiness.health)
	mux.HandleFunc("POST /v1/sources/{name}/accept", s.accept)
	mux.HandleFunc("POST /v1/sources/{name}/poll", s.poll)
	for _, change := range []SourceChange{PauseSource, ResumeSource} {
		mux.HandleFunc("POST /v1/sources/{name}/"+string(change), s.changeSource(change))
	}
	mux.HandleFunc("GET /v1/limits", s.limits)
	mux.HandleFunc("GET /v1/nodes", s.nodes)
	mux.HandleFunc("GET /v1/endpoints", s.endpoints)
	mux.HandleFunc("GET /v1/endpoints/{name}", s.endpoint)
	for _, change := range []EndpointChange{Enable, Disable, Pause, Resume} {
		mux.HandleFunc("POST /v1/endpoints/{name}/"+string(change), s.changeEndpoint(change))
	}
	mux.HandleFunc("POST /v1/endpoints/{name}/test", s.testEndpoint)
	mux.HandleFunc("GET /v1/deliveries", s.deliveries)
	mux.HandleFunc("GET /v1/deliveries/{id}", s.delivery)
	mux.HandleFunc("POST /v1/deliveries/{id}/retry", s.retryDelivery)
	mux.HandleFunc("POST /v1/replay", s.startReplay)
	mux.HandleFunc("GET /v1/replay/{id}", s.replay)
	mux.HandleFunc("GET /v1/events", s.events)
	mux.HandleFunc("GET /v1/endpoints/{name}/events", s.events)
	mux.HandleFunc("GET /v1/events/stream", s.stream)
	mux.HandleFunc("GET /v1/events/{id}", s.event)
	s.routeSubscriptions(mux)
	mux.HandleFunc("POST "+pokePath+"{source}", s.poke)
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

// accepted is the answer to what will be done.
type accepted struct {
	Source string `json:"source"`
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
	var body struct {
		Preview bool `json:"preview"`
	}
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
		writeProblem(w, r, status, refusal.Reason)
	case r.Context().Err() != nil:
		writeProblem(w, r, http.StatusServiceUnavailable, "the request was given up, by the client or as the server stops")
	case errors.Is(err, store.ErrFull):
		writeProblem(w, r, http.StatusInsufficientStorage, store.ErrFull.Error()+": make room, and try again")
	case errors.Is(err, store.ErrBusy):
		writeProblem(w, r, http.StatusServiceUnavailable, "the database cannot be written: "+store.ErrBusy.Error()+"; try again when it has let go")
	default:
		s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		writeProblem(w, r, http.StatusInternalServerError, internalError)
	}
}
