package server

import (
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

// guarded lets h answer only what the guard of now lets in.
func (s *Server) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.guard.Load().wrap(h).ServeHTTP(w, r)
	})
}
