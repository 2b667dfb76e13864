package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard decides which requests that arrive over TCP are let in.
//
// A browser on the operator's machine reaches loopback for any page that is
// open in it. Two checks keep such pages out, token or not: the Host header
// must name this server, else a page could rebind its own name to 127.0.0.1
// and read along; and what changes something must come from the same origin.
type guard struct {
	hosts  map[string]bool
	origin *http.CrossOriginProtection
	// secureHost is the host of a public URL of https; empty for none.
	secureHost string
	// sessions let people in; nil where no token is asked for.
	sessions *sessions
	// pages says that there are any.
	pages bool
	// token is the hash of the bearer token, and metrics are those of the tokens that
	// open /metrics. Without any, none is asked for.
	token, metrics tokens
}

func newGuard(opts Options) *guard {
	g := &guard{
		hosts:    map[string]bool{"localhost": true},
		origin:   http.NewCrossOriginProtection(),
		sessions: newSessions(opts.Token, opts.Logger),
		pages:    opts.Dashboard != nil,
	}
	if host, _, err := net.SplitHostPort(opts.Listen); err == nil && host != "" {
		g.hosts[hostname(host)] = true
	}
	if u := opts.PublicURL; u != nil && u.Host != "" {
		g.hosts[hostname(u.Host)] = true
		if u.Scheme == "https" {
			g.secureHost = hostname(u.Host)
		}
		// A proxy in front may send its own Host. A scheme that browsers have
		// no origin for is refused here, and then there is nothing to trust.
		_ = g.origin.AddTrustedOrigin((&url.URL{Scheme: u.Scheme, Host: u.Host}).String())
	}
	g.token, g.metrics = newTokens(opts.Token), newTokens(opts.Token, opts.MetricsToken)
	return g
}

// wrap lets h answer only what the guard lets in.
func (g *guard) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Probes come by address, from load balancers, and learn nothing.
		probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		scrape := r.URL.Path == metricsPath
		switch {
		case scrape && g.metrics != nil && g.metrics.has(r):
			// It may come by any name: what a browser can be made to send has no token.
			h.ServeHTTP(w, r)
		case !probe && !g.knowsHost(r):
			writeProblem(w, r, http.StatusMisdirectedRequest, fmt.Sprintf(
				"the Host header %q does not name this server; if it should, set server.public_url to it", r.Host))
		case !strings.HasPrefix(r.URL.Path, pokePath) && g.origin.Check(r) != nil:
			writeProblem(w, r, http.StatusForbidden, "requests from pages of another origin may not change anything")
		case g.pages && !ofAPI(r.URL.Path):
			g.page(w, r, h)
		case scrape && !g.metrics.has(r) && !g.hasSession(r):
			w.Header().Set("WWW-Authenticate", `Bearer realm="pollwire"`)
			writeProblem(w, r, http.StatusUnauthorized, "this needs the header Authorization: Bearer, with the token that server.metrics_token or server.token sets")
		case strings.HasPrefix(r.URL.Path, "/v1/") && !g.token.has(r) && !g.hasSession(r):
			w.Header().Set("WWW-Authenticate", `Bearer realm="pollwire"`)
			writeProblem(w, r, http.StatusUnauthorized, "this needs the header Authorization: Bearer, with the token that server.token sets")
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// page lets a reader see a page who has a session or sends the token. Others are
// asked for the token first.
func (g *guard) page(w http.ResponseWriter, r *http.Request, h http.Handler) {
	// A redirect without it would part a tab from its page: browsers compare all
	// answers on the way.
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	v := visit{secure: g.isSecure(r)}
	until, id, session := g.sessions.of(r, v.secure)
	v.session = session
	switch {
	case g.sessions == nil && r.URL.Path == loginPath, session && r.URL.Path == loginPath && r.Method == http.MethodGet:
		http.Redirect(w, r, LocalPath(r.URL.Query().Get("next")), http.StatusSeeOther) //nolint:gosec // LocalPath leads nowhere else.
	case g.sessions != nil && r.URL.Path == loginPath && r.Method == http.MethodPost:
		g.sessions.login(w, r, v.secure)
	case g.sessions != nil && r.URL.Path == logoutPath && r.Method == http.MethodPost:
		g.sessions.logout(w, r, v.secure)
	case r.URL.Path == loginPath, strings.HasPrefix(r.URL.Path, assetPath):
		h.ServeHTTP(w, visiting(r, v))
	case session:
		if r.Method == http.MethodGet {
			g.sessions.renew(w, id, until, v.secure)
		}
		h.ServeHTTP(w, visiting(r, v))
	case g.token.has(r):
		h.ServeHTTP(w, visiting(r, v))
	default:
		askForToken(w, r)
	}
}

// askForToken leads to the page to log in. A browser that follows a link from
// another site sends no cookie of ours, though it may have one: it is made to ask
// again, as from a page of this site.
func askForToken(w http.ResponseWriter, r *http.Request) {
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	site := r.Header.Get("Sec-Fetch-Site")
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	if reading && (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") == "navigate" {
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, bouncePage) // A client that has gone away is no error of ours.
		return
	}
	next := "/"
	if reading {
		next = r.URL.RequestURI()
	}
	http.Redirect(w, r, loginPath+"?"+url.Values{"next": {next}}.Encode(), http.StatusSeeOther)
}

// bouncePage asks for the same page again.
const bouncePage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>pollwire</title><meta http-equiv="refresh" content="0">`

// hasSession says whether somebody has logged in who sends this.
func (g *guard) hasSession(r *http.Request) bool {
	_, _, ok := g.sessions.of(r, g.isSecure(r))
	return ok
}

// isSecure says whether the browser reached the server by https: a proxy in front
// ends that, under the host of the public URL.
func (g *guard) isSecure(r *http.Request) bool {
	return r.TLS != nil || g.secureHost != "" && hostname(r.Host) == g.secureHost
}

// knowsHost says whether the Host header names this server. Addresses need no
// list: an attack by a rebound name always sends a name. Still, only loopback
// and the address that the request came in at are taken.
func (g *guard) knowsHost(r *http.Request) bool {
	host := hostname(r.Host)
	if g.hosts[host] {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if addr = addr.Unmap(); addr.IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.AddrPort().Addr().Unmap().WithZone("") == addr
}

// hostname is the host in a Host header or URL: without port, brackets, case
// and the dot at the end.
func hostname(host string) string {
	u := url.URL{Host: host}
	if strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "[") {
		return strings.ToLower(host) // A bare IPv6 address.
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}
