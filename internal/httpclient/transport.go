package httpclient

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"time"
)

const (
	defaultDialTimeout = 10 * time.Second
	defaultTLSTimeout  = 10 * time.Second
	defaultIdlePerHost = 256
	// maxIdle bounds the file descriptors that wait for reuse.
	maxIdle     = 4096
	idleTimeout = 90 * time.Second
	// maxHeaderBytes is room for any honest header; net/http's own default of
	// 10 MiB, times the number of workers, is not a bound.
	maxHeaderBytes = 256 << 10
	// An HTTP/2 connection whose peer went away silently would take the
	// requests of all sources of that host with it until each times out.
	http2PingAfter   = 30 * time.Second
	http2PingTimeout = 10 * time.Second
)

// ErrProxied says that an address could not be checked because a proxy resolves it.
var ErrProxied = errors.New("behind a proxy the address of this host cannot be checked:" +
	" write the final url into the configuration, or where the proxy comes from the environment, except the host by NO_PROXY")

func newTransport(o Options) *http.Transport {
	proxy := o.Proxy
	switch {
	case o.ProxyURL != nil:
		proxy = http.ProxyURL(o.ProxyURL)
	case proxy == nil:
		proxy = http.ProxyFromEnvironment
	}
	t := &http.Transport{
		Proxy:                  proxy,
		OnProxyConnectResponse: connected,
		DialContext:            openDialer(o).dial,
		ForceAttemptHTTP2:      true, // a DialContext of our own would turn it off
		TLSHandshakeTimeout:    cmp.Or(o.TLSHandshakeTimeout, defaultTLSTimeout),
		ResponseHeaderTimeout:  o.ResponseHeaderTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    cmp.Or(o.MaxIdleConnsPerHost, defaultIdlePerHost),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// BodyReader decompresses: its limit and its notion of a complete
		// stream must hold for what comes out.
		DisableCompression: true,
		HTTP2:              &http.HTTP2Config{SendPingTimeout: http2PingAfter, PingTimeout: http2PingTimeout},
	}
	if o.TLS != nil {
		t.TLSClientConfig = o.TLS.Clone()
	}
	if o.ProxyURL != nil && o.ProxyURL.Scheme == "https" {
		t.DialTLSContext = dialProxyTLS(t.DialContext, o.TLS, t.TLSHandshakeTimeout)
	}
	return t
}

// newOpenTransport serves requests that all have the guard of the options.
func newOpenTransport(o Options) *http.Transport {
	if o.guard().Private {
		return newTransport(o)
	}
	if o.TLS != nil {
		o.TLS = public(o.TLS)
	}
	t := newTransport(o)
	t.Proxy = noneOf(t.Proxy)
	return t
}

// noneOf refuses requests that would go through a proxy: a guard would see its
// address in place of the host's.
func noneOf(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		u, err := proxy(req)
		if err == nil && u != nil {
			err = ErrProxied
		}
		return nil, err
	}
}

// newGuardedTransport makes one connection for each request. A connection that
// was dialled for one source, whose guard opens a private network, can so never
// serve another source, whose guard does not. Whoever chose the url is shown no
// certificate of the client's.
func newGuardedTransport(o Options) *http.Transport {
	if o.TLS != nil {
		o.TLS = public(o.TLS)
	}
	t := newTransport(o)
	t.DialContext = guardedDialer(o).dial
	t.DisableKeepAlives = true
	// HTTP/2 shares connections among requests.
	t.ForceAttemptHTTP2 = false
	t.HTTP2 = nil
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.Proxy = noneOf(t.Proxy)
	return t
}
