package server

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
)

// Changes are the [Options] that can be replaced while a server runs.
type Changes struct {
	PublicURL           *url.URL
	Token, MetricsToken string
	Pokes               map[string]string
}

// Check says whether the server could go on with other options.
func (s *Server) Check(c Changes) error {
	at, err := netip.ParseAddrPort(s.Addr())
	reached := err == nil && !at.Addr().IsLoopback() // without TCP nobody else reaches it
	if c.Token != "" || !reached {
		return nil
	}
	return errors.New("server.token is gone, and the server can be reached from other machines: set it, or change server.listen to 127.0.0.1 and restart")
}

// Change replaces options, which Check has passed. Requests that come from then on
// go by them: with another token all sessions have ended.
func (s *Server) Change(c Changes) {
	opts := s.opts
	opts.PublicURL, opts.Token, opts.MetricsToken = c.PublicURL, c.Token, c.MetricsToken
	g := newGuard(opts)
	if before := s.guard.Load(); slices.Equal(before.token, g.token) {
		g.sessions = before.sessions // who has logged out, and who tries, is in them
	}
	s.guard.Store(g)
	s.pokes.set(c.Pokes)
}

// guardedKey is the key, in the context of a request, that says that it came by a
// guard.
type guardedKey struct{}

// guarded lets h answer only what the guard of now lets in.
func (s *Server) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), guardedKey{}, true))
		s.guard.Load().wrap(h).ServeHTTP(w, r)
	})
}

// stillMay says whether a request of the API that was let in would be let in now:
// its session may have ended, and the token may be another one.
func (s *Server) stillMay(r *http.Request) bool {
	if r.Context().Value(guardedKey{}) == nil {
		return true // over the socket
	}
	g := s.guard.Load()
	return g.token.has(r) || g.hasSession(r)
}
