package poller

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// FetcherOptions are what a Fetcher is made of. The zero value is usable.
type FetcherOptions struct {
	// Version is pollwire's own, for the User-Agent.
	Version string
	// Tokens obtain the tokens of sources whose Auth wants one. Their owner stops
	// them. Without any, the Fetcher has its own, which serve all but
	// [OAuth2RefreshToken].
	Tokens *Tokens
	// Secrets are values that no error may show, besides the credentials of the
	// source itself.
	Secrets []string
	// MaxIdleConnsPerHost is how many connections to one host are kept for
	// reuse; 0 means 256.
	MaxIdleConnsPerHost int
	// TLS is the configuration of TLS; nil means Go's defaults.
	TLS *tls.Config
	// Proxy chooses a proxy; nil means by HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
	Proxy func(*http.Request) (*url.URL, error)
	// Heed is told of the answers of each source's own origin, redirects and
	// failures too, before they are read; nil for nobody. ctx is that of
	// [Visit.Next].
	Heed func(ctx context.Context, s *Source, status int, h http.Header)
	// Extender is asked before a redirect within the origin is followed; nil
	// for nobody.
	Extender Extender
	// Holds says whether this node may send to a source at this moment. It is asked
	// right before each request, those of redirects too, for what came before it may
	// have taken long: a token, a turn under a limit. Where it may not, the error is
	// ErrElsewhere. nil for always.
	Holds func(s *Source) bool
	// Dial replaces the network. For tests.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// SpoolDir is where pages are kept that do not fit into memory, until their
	// poll ends; empty means the system's directory for temporary files.
	SpoolDir string
	// RoundTripper replaces network and HTTP. For tests.
	RoundTripper http.RoundTripper
}

// Extender admits further requests of an attempt that was admitted already.
type Extender interface {
	// Extend waits until a request may be sent under the limit of that name,
	// at a cost, or returns the error of ctx.
	Extend(ctx context.Context, limit string, cost int) error
}

var _ Extender = (*Limiter)(nil)

// Fetcher asks sources. Its methods may be called concurrently.
type Fetcher struct {
	client  *httpclient.Client // of the zero route
	routes  *httpclient.Routes
	tokens  *Tokens
	secrets atomic.Pointer[httpclient.Redactor]
	heed    func(ctx context.Context, s *Source, status int, h http.Header)
	extend  Extender
	holds   func(s *Source) bool

	mu        sync.RWMutex
	templates map[string]*template // by name of the source
	// headers are those of the templates, by what they hold: thousands of
	// sources of one API send the same.
	headers map[string]http.Header

	spoolDir string
	zip      zipper
}

// NewFetcher returns a fetcher.
func NewFetcher(o FetcherOptions) *Fetcher {
	if o.Heed == nil {
		o.Heed = func(context.Context, *Source, int, http.Header) {}
	}
	if o.Holds == nil {
		o.Holds = func(*Source) bool { return true }
	}
	routes := httpclient.NewRoutes(httpclient.Options{
		Version:             o.Version,
		MaxIdleConnsPerHost: o.MaxIdleConnsPerHost,
		TLS:                 o.TLS,
		Proxy:               o.Proxy,
		Dial:                o.Dial,
		RoundTripper:        o.RoundTripper,
	})
	tokens := o.Tokens
	if tokens == nil {
		tokens = NewTokens(TokensOptions{})
	}
	f := &Fetcher{
		heed:      o.Heed,
		extend:    o.Extender,
		holds:     o.Holds,
		client:    routes.Own(),
		routes:    routes,
		tokens:    tokens,
		templates: make(map[string]*template),
		headers:   make(map[string]http.Header),
		spoolDir:  o.SpoolDir,
	}
	f.SetSecrets(o.Secrets)
	return f
}

// SetSecrets replaces the values that no error may show, besides the credentials
// of the source itself. It holds for all errors that are made from then on.
func (f *Fetcher) SetSecrets(secrets []string) { f.secrets.Store(httpclient.NewRedactor(secrets...)) }

// Describe names the request to a source as it may be shown: its method, and its
// URL with credentials and query values removed. It is cheap when asked again.
func (f *Fetcher) Describe(s *Source) string {
	t, err := f.template(s)
	if err != nil {
		return cmp.Or(s.Request.Method, http.MethodGet)
	}
	secrets := f.secrets.Load()
	if d := t.described.Load(); d != nil && d.secrets == secrets {
		return d.text
	}
	text := t.base.Method + " " + f.mask(t).Mask(httpclient.RedactURL(t.base.URL))
	t.described.Store(&description{secrets, text})
	return text
}

// Forget drops what was prepared for a source.
func (f *Fetcher) Forget(source string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.templates, source)
	clear(f.headers) // what nobody uses any more goes; what is used stays where it is
}

// CloseIdle closes the connections that are kept for reuse.
func (f *Fetcher) CloseIdle() { f.routes.CloseIdle() }

// template returns what was prepared for this very source: one of the same name
// may have been replaced by a reload.
func (f *Fetcher) template(s *Source) (*template, error) {
	f.mu.RLock()
	t := f.templates[s.Name]
	f.mu.RUnlock()
	if t != nil && t.source == s {
		return t, nil
	}
	t, err := newTemplate(s, f.client.UserAgent())
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.client, err = f.route(s.Request.Route); err != nil {
		return nil, err
	}
	if g, ok := t.auth.(grant); ok {
		if t.auth, err = f.tokens.auth(g, s.Request.Route, t.client, f.secrets.Load(), t.timeout); err != nil {
			return nil, err
		}
	}
	t.base.Header = f.share(t.base.Header, f.templates[s.Name])
	f.templates[s.Name] = t
	return t, nil
}

// route returns the client that takes a route.
func (f *Fetcher) route(r Route) (*httpclient.Client, error) {
	client, err := f.routes.Client(httpclient.Route(r))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRequest, err)
	}
	return client, nil
}

// share returns the header that holds the same as h, h itself where there is
// none. That of the template whose place it takes, nil for none, is found no more
// where it is another: whoever shares it goes on with it. The caller holds f.mu.
func (f *Fetcher) share(h http.Header, before *template) http.Header {
	text := headerText(h)
	if before != nil {
		if old := headerText(before.base.Header); old != text {
			delete(f.headers, old)
		}
	}
	if shared, ok := f.headers[text]; ok {
		return shared
	}
	f.headers[text] = h
	return h
}

// headerText is the same for headers that hold the same.
func headerText(h http.Header) string {
	var text strings.Builder
	_ = h.Write(&text) // a builder takes all
	return text.String()
}

// ask sends the request to a target and follows redirects.
func (f *Fetcher) ask(ctx context.Context, t *template, state State, tg target) (answer, error) {
	req, validated, err := t.request(ctx, state, tg)
	if err != nil {
		return answer{}, err
	}
	if err := f.hold(t); err != nil {
		return answer{}, err
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return answer{}, &unreached{err}
	}
	f.heed(ctx, t.source, resp.StatusCode, resp.Header)
	if t.follow && tg.method == "" && isRedirect(resp) && !t.accepts(resp.StatusCode) {
		return f.follow(ctx, t, tg, resp)
	}
	return answer{resp: resp, validated: validated, url: req.URL}, nil
}

// hold is asked right before a request is sent, and fails where it may not be.
func (f *Fetcher) hold(t *template) error {
	if f.holds(t.source) {
		return nil
	}
	return fmt.Errorf("ask source %q: %w", t.source.Name, ErrElsewhere)
}

// failed makes the error of a request to a target. ctx is the caller's, timed the
// request's; resp is nil where there was no answer.
func (f *Fetcher) failed(ctx, timed context.Context, t *template, tg target, resp *http.Response, err error) *FetchError {
	if tg.url == nil {
		tg.url = t.base.URL
	}
	mask := f.mask(t).With(httpclient.QuerySecrets(tg.url)...)
	fe := &FetchError{Method: t.base.Method, URL: mask.Mask(httpclient.RedactURL(tg.url))}
	fe.Method = cmp.Or(tg.ownMethod(), fe.Method)
	if resp != nil {
		fe.Status = resp.StatusCode
		if !t.accepts(resp.StatusCode) {
			fe.RetryAfter = httpclient.RetryAfter(resp.Header, time.Now())
			fe.Renewed = t.renew(resp)
		}
	}
	// What the answer said stays what it said, however the contexts stand now.
	if !isFinal[*unfit](err) && !errors.Is(err, errPage) {
		_, fe.Unreached = errors.AsType[*unreached](err)
		switch {
		case ctx.Err() != nil:
			fe.Unreached = false
			err = &stopped{cause: context.Cause(ctx)}
		case isFinal[*tokenWait](err):
			err = &timedOut{after: t.timeout, doing: "waiting for the access token"}
		case isFinal[*tokenError](err):
			// It has its own timeout, and its own reasons.
		case timed.Err() != nil && resp == nil:
			err = &timedOut{after: t.timeout, doing: waitingFor(err)}
		case timed.Err() != nil:
			err = &timedOut{after: t.timeout, doing: "reading the body"}
		}
	}
	fe.Retryable = retryable(fe.Status, err)
	if failure, ok := errors.AsType[*tokenError](err); ok {
		fe.Retryable = failure.retryable
		fe.RetryAfter = max(time.Until(failure.until), 0)
	}
	fe.Err = mask.Error(err)
	return fe
}

// mask knows all that errors about a source must not show.
func (f *Fetcher) mask(t *template) *httpclient.Redactor {
	return f.secrets.Load().With(append(t.credentials(), httpclient.QuerySecrets(t.base.URL)...)...)
}
