// Package httpclient is outbound HTTP for the asking and the telling side.
//
// It owns what every request needs whoever sends it: timeouts, connection
// reuse, the address guard, bodies read within a limit, what headers say of rate
// limits, and the removal of secrets from what is shown. It never follows a redirect, never
// retries on its own account, and does not know what an answer means.
package httpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Options are what a Client is made of. The zero value is usable.
type Options struct {
	// Version is pollwire's own, for the User-Agent; empty means "dev".
	Version string
	// DialTimeout bounds name resolution and connecting. The default is 10 s.
	DialTimeout time.Duration
	// TLSHandshakeTimeout bounds the handshake. The default is 10 s.
	TLSHandshakeTimeout time.Duration
	// ResponseHeaderTimeout bounds the wait from the end of the request to the
	// end of the answer's header; 0 leaves it to the request's context.
	ResponseHeaderTimeout time.Duration
	// MaxIdleConnsPerHost is how many connections to one host are kept for
	// reuse. The default is 256: many sources often share one host.
	MaxIdleConnsPerHost int
	// TLS is the configuration of TLS; nil means the defaults of crypto/tls. Of
	// it, guarded requests use only the authorities that are trusted.
	TLS *tls.Config
	// Proxy chooses a proxy. The default is http.ProxyFromEnvironment, so that
	// HTTP_PROXY, HTTPS_PROXY and NO_PROXY work as operators expect.
	Proxy func(*http.Request) (*url.URL, error)
	// ProxyURL is the proxy of every request, in place of Proxy: http, https,
	// socks5 or socks5h, user and password where it wants them. All of them
	// resolve the names of servers themselves.
	ProxyURL *url.URL
	// Guard says which addresses [Client.Do] reaches; nil means all but link-local
	// ones. One that is not Private is for URLs that somebody else chose: then no
	// proxy is used, because that would resolve the names, and of TLS only the
	// authorities that are trusted.
	Guard *Guard
	// Resolver resolves names; nil means Go's own. For tests.
	Resolver *net.Resolver
	// Dial replaces the network. The guard then sees only addresses that stand
	// literally in the URL. For tests.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// RoundTripper replaces the network and HTTP itself. The guard then sees
	// only addresses that stand literally in the URL. For tests.
	RoundTripper http.RoundTripper
}

func (o *Options) guard() Guard {
	if o.Guard == nil {
		return Guard{Private: true}
	}
	return *o.Guard
}

// Client sends requests. All its methods may be called concurrently.
type Client struct {
	BodyReader
	userAgent string
	// guard is that of open.
	guard Guard
	// open serves Do. Each of its connections was dialled under the same guard, so
	// that all requests may share them.
	open http.RoundTripper
	// guarded serves URLs that somebody else chose. It never reuses a
	// connection, so each one was dialled under the guard of its own request.
	guarded http.RoundTripper
}

// New returns a client.
func New(o Options) *Client {
	if o.Version == "" {
		o.Version = "dev"
	}
	c := &Client{userAgent: "pollwire/" + o.Version, guard: o.guard()}
	if o.RoundTripper != nil {
		c.open, c.guarded = o.RoundTripper, o.RoundTripper
		return c
	}
	c.open = newOpenTransport(o)
	c.guarded = newGuardedTransport(o)
	return c
}

// UserAgent returns the User-Agent of requests that set none.
func (c *Client) UserAgent() string { return c.userAgent }

// Do sends one request under the guard of the [Options]. Any answer is returned
// as it is, redirects too; the caller closes its body. The request's context
// bounds everything, the body included.
//
// Where the guard is that of URLs that the operator wrote himself, link-local
// addresses, where clouds keep their metadata services, are reached only where it
// names them, or the URL itself does.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	host := req.URL.Hostname()
	if err := checkLiteral(c.guard.For(host), host); err != nil {
		return nil, err
	}
	return c.roundTrip(c.open, req)
}

// DoGuarded is Do for a URL that somebody else chose. It reaches only addresses
// that guard lets through, checked on the resolved address when it is dialled;
// else the error is a *ForbiddenAddressError. Each call makes a new connection.
func (c *Client) DoGuarded(req *http.Request, guard Guard) (*http.Response, error) {
	if err := checkLiteral(guard, req.URL.Hostname()); err != nil {
		return nil, err
	}
	return c.roundTrip(c.guarded, req.WithContext(withGuard(req.Context(), guard)))
}

// checkLiteral checks a host that is an address, before anything is dialled.
func checkLiteral(guard Guard, host string) error {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return nil //nolint:nilerr // a name is checked when it was resolved
	}
	return guard.Check(addr)
}

// CloseIdle closes the connections that are kept for reuse.
func (c *Client) CloseIdle() {
	for _, rt := range []http.RoundTripper{c.open, c.guarded} {
		if t, ok := rt.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
}

// roundTrip goes past http.Client, whose redirects turn a POST into a GET, and
// whose errors carry the whole URL.
func (c *Client) roundTrip(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	if s := req.URL.Scheme; s != "http" && s != "https" {
		return nil, fmt.Errorf("url scheme %q is neither http nor https", s)
	}
	if req.URL.Host == "" {
		return nil, errors.New("url names no host")
	}
	if _, ok := req.Header["User-Agent"]; !ok {
		req = req.Clone(req.Context())
		if req.Header == nil {
			req.Header = make(http.Header, 1)
		}
		req.Header.Set("User-Agent", c.userAgent)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, stripURL(err)
	}
	resp.Request = req // a RoundTripper of a test may not say it
	return resp, nil
}
