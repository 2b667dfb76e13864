package httpclient

import (
	"errors"
	"fmt"
	"net/url"
	"sync"
)

// Route is the way to servers. Its zero value is that of the [Options].
type Route struct {
	// Proxy is the URL of a proxy for all requests, empty for none: http, https,
	// socks5 or socks5h, with user and password where it wants them.
	Proxy string
	// CAVersion tells apart what CAFile held at different times. The others are those
	// of [TLSFiles].
	CAFile, CAVersion  string
	CertFile, KeyFile  string
	ServerName         string
	InsecureSkipVerify bool
}

// Secrets returns the values of the route that give access.
func (r Route) Secrets() []string {
	u, err := url.Parse(r.Proxy)
	if err != nil {
		return nil
	}
	return UserinfoSecrets(u)
}

// String shows the route without the password of its proxy.
func (r Route) String() string {
	if r.Proxy == "" {
		return "direct"
	}
	if u, err := url.Parse(r.Proxy); err == nil {
		return "by proxy " + u.Host
	}
	return "by proxy"
}

// apply sets options to the route.
func (r Route) apply(o *Options) error {
	if r.Proxy != "" {
		u, err := url.Parse(r.Proxy)
		if err != nil || u.Host == "" {
			// The parser's error quotes what may be a password.
			return errors.New("parse proxy_url: it is no url with a host")
		}
		o.ProxyURL = u
	}
	files := TLSFiles{
		CAFile: r.CAFile, CertFile: r.CertFile, KeyFile: r.KeyFile,
		ServerName: r.ServerName, InsecureSkipVerify: r.InsecureSkipVerify,
	}
	if files == (TLSFiles{}) {
		return nil
	}
	config, err := files.Config()
	if err != nil {
		return fmt.Errorf("prepare tls: %w", err)
	}
	o.TLS = config
	return nil
}

// Routes keep one client for each way to servers, so that all who go the same
// way share their connections. Its methods may be called concurrently.
type Routes struct {
	options Options
	own     *Client // of the zero route

	mu      sync.Mutex
	clients map[way]*Client
}

// way is what tells clients apart.
type way struct {
	route   Route
	guarded bool
	private bool
	allow   string
}

// NewRoutes returns routes that begin from these options.
func NewRoutes(o Options) *Routes {
	own := New(o)
	return &Routes{options: o, own: own, clients: map[way]*Client{{}: own}}
}

// Own returns the client of the zero route.
func (r *Routes) Own() *Client { return r.own }

// Client returns the client that takes a route; with another CAVersion, one that
// trusts what CAFile holds now. Its errors name the configuration key and the
// file, and are not remembered: what was missing may be there the next time.
func (r *Routes) Client(route Route) (*Client, error) {
	return r.client(way{route: route}, r.options)
}

// Guarded returns the client that takes a route under a guard, whose key it does
// not know, since many may share the client.
func (r *Routes) Guarded(route Route, guard Guard) (*Client, error) {
	o := r.options
	o.Guard = &Guard{Private: guard.Private, Allow: guard.Allow}
	return r.client(way{route: route, guarded: true, private: guard.Private, allow: fmt.Sprint(guard.Allow)}, o)
}

func (r *Routes) client(w way, o Options) (*Client, error) {
	r.mu.Lock()
	c := r.clients[w]
	r.mu.Unlock()
	if c != nil {
		return c, nil
	}
	if err := w.route.apply(&o); err != nil { // it reads files, which may take long
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c = r.clients[w]; c == nil { // else another came first
		c = New(o)
		r.clients[w] = c
		r.dropOlder(w)
	}
	return c, nil
}

// dropOlder forgets the clients of a way that trust what its file of authorities
// held before. Who still has one goes on with it. The lock is held.
func (r *Routes) dropOlder(w way) {
	if w.route.CAFile == "" {
		return
	}
	for other, c := range r.clients {
		version := other.route.CAVersion
		if other.route.CAVersion = w.route.CAVersion; other == w && version != w.route.CAVersion {
			other.route.CAVersion = version
			delete(r.clients, other)
			c.CloseIdle()
		}
	}
}

// CloseIdle closes the connections that are kept for reuse.
func (r *Routes) CloseIdle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		c.CloseIdle()
	}
}
