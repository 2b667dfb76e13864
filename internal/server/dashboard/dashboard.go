// Package dashboard is pollwire for people: web pages that show how sources,
// events, deliveries and endpoints stand, and forms that steer them.
//
// Pages are made on the server from one set of templates and work without
// JavaScript; with it they stay live. What they show and do goes through the
// Controller of the API, as the API does: this package reads and writes no state of its
// own. Who may ask is decided before a request comes here.
package dashboard

import (
	"errors"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

// Options are what a Handler is made of.
type Options struct {
	// Controller is what the pages show and do.
	Controller server.Controller
	// LastReload returns what came of the last reload; nil where there are none.
	LastReload func() server.Reload
	// Subscriptions are listed; nil where nothing can be registered.
	Subscriptions server.Subscriptions
	// Shared says that other nodes may share the database: then there are pages of
	// them, and what one of them has says so.
	Shared bool
	// Checks are what must be well with the daemon itself, as behind /readyz.
	Checks []server.Check
	// Version is the daemon's own.
	Version string
	// Logger receives what readers of the pages are not told.
	Logger *slog.Logger
}

// Handler answers for the pages, their assets and their forms.
type Handler struct {
	opts   Options
	log    *slog.Logger
	assets *assets
	views  map[string]*template.Template
	mux    *http.ServeMux
}

var _ http.Handler = (*Handler)(nil)

// New returns a handler for all paths that begin at the root.
func New(opts Options) *Handler {
	h := &Handler{opts: opts, log: opts.Logger, assets: newAssets(), mux: http.NewServeMux()}
	h.views = h.parse()
	for _, p := range h.pages() {
		h.mux.HandleFunc("GET "+p.pattern, h.show(p))
	}
	for _, a := range actions() {
		h.mux.HandleFunc("POST "+a.pattern, h.act(a))
	}
	h.mux.Handle("GET "+assetPath+"{file}", h.assets)
	return h
}

// ServeHTTP answers a request that was let in.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	handler, pattern := h.mux.Handler(r)
	if pattern == "" {
		h.refuse(w, r, handler)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// protect forbids a page everything that it does not need: whatever an upstream
// smuggled into it could neither run nor load nor send anything.
func protect(header http.Header) {
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	// Without any referrer, forms would come from the origin "null" and be refused.
	header.Set("Referrer-Policy", "same-origin")
}

// refuse answers what no page takes.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		handler.ServeHTTP(w, r) // It knows which methods the path takes.
		return
	}
	h.problem(w, r, http.StatusNotFound, "There is nothing at this address.")
}

// fail answers with what became of an error of the Controller.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, words := h.say(r, err)
	h.problem(w, r, status, words)
}

// say is what a reader is told of an error of the Controller, and its HTTP status.
func (h *Handler) say(r *http.Request, err error) (status int, words string) {
	refusal, refused := errors.AsType[*server.Refusal](err)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound, "It does not exist, or was removed since."
	case refused && refusal.Status != 0:
		return refusal.Status, refusal.Reason
	case refused:
		return http.StatusConflict, refusal.Reason
	case r.Context().Err() != nil:
		return http.StatusServiceUnavailable, "The request was given up, as the daemon stops."
	case errors.Is(err, store.ErrFull):
		return http.StatusInsufficientStorage, "There is " + store.ErrFull.Error() + ": make room, and try again."
	case errors.Is(err, store.ErrBusy):
		return http.StatusServiceUnavailable, "The database cannot be written, as " + store.ErrBusy.Error() + "; try again when it has let go."
	case errors.Is(err, store.ErrUnreachable):
		return http.StatusServiceUnavailable, "The database cannot be reached; try again in a moment."
	case errors.Is(err, store.ErrNotHeld):
		return http.StatusServiceUnavailable, "It has just gone to another node; try again in a moment."
	default:
		level := slog.LevelError
		if isRefresh(r) {
			level = slog.LevelDebug // the page was loud when somebody opened it
		}
		h.log.Log(r.Context(), level, "page failed", "method", r.Method, "path", r.URL.Path, "err", err)
		return http.StatusInternalServerError, "Something went wrong here. The daemon's log says what."
	}
}

// isRefresh says that a page asks for itself, to stay live.
func isRefresh(r *http.Request) bool { return r.Header.Get("X-Pollwire-Refresh") != "" }
