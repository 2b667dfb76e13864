package poller

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

const (
	defaultTimeout     = 10 * time.Second
	defaultMaxBodySize = 10 << 20
)

// template is what all requests of one source have in common, prepared once.
// Its headers are shared by requests under way and never modified.
type template struct {
	source *Source
	// client takes the source's route.
	client *httpclient.Client
	// base has the configured headers and constant credentials.
	base *http.Request
	// auth is asked for each request; nil where base already has it all.
	auth        Auth
	timeout     time.Duration
	limit       int64
	success     []int
	follow      bool
	conditional bool
	// validated are the headers of base with the validators of the last answer.
	validated atomic.Pointer[validatedHeader]
	// described is how it was shown last.
	described atomic.Pointer[description]
}

// description names a request as it may be shown, as of the secrets at a time.
type description struct {
	secrets *httpclient.Redactor
	text    string
}

type validatedHeader struct {
	etag, lastModified string
	header             http.Header
}

func newTemplate(s *Source, userAgent string) (*template, error) {
	r := &s.Request
	u, err := url.Parse(r.URL)
	if err != nil {
		// The parser's error quotes what may be a password.
		return nil, fmt.Errorf("parse request.url: %w", errRequest)
	}
	user := u.User
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	t := &template{
		source:      s,
		timeout:     cmp.Or(max(r.Timeout, 0), defaultTimeout),
		limit:       cmp.Or(max(r.MaxBodySize, 0), defaultMaxBodySize),
		success:     r.SuccessStatusCodes,
		conditional: r.Conditional,
	}
	if len(t.success) == 0 {
		t.success = []int{http.StatusOK}
	}
	method := cmp.Or(r.Method, http.MethodGet)
	safe := method == http.MethodGet || method == http.MethodHead
	// Only a whole answer says how it is acknowledged.
	t.conditional = r.Conditional && safe && s.Acknowledge == nil
	t.follow = r.FollowRedirects && safe
	t.base, err = http.NewRequest(method, u.String(), http.NoBody) //nolint:noctx // each request gets its own
	if err != nil {
		return nil, fmt.Errorf("create request: %w", errRequest)
	}
	if err := t.setHeader(r.Header, userAgent); err != nil {
		return nil, err
	}
	if user != nil && t.base.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		t.base.SetBasicAuth(user.Username(), password)
	}
	if len(r.Body) > 0 {
		t.base.ContentLength = int64(len(r.Body))
		t.base.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
	}
	return t, t.setAuth(r.Auth)
}

func (t *template) setHeader(configured http.Header, userAgent string) error {
	h := make(http.Header, len(configured)+2)
	for name, values := range configured {
		if slices.ContainsFunc(values, func(v string) bool { return !validHeaderValue(v) }) {
			return fmt.Errorf("header %s has a value with control characters: %w", name, errRequest)
		}
		name = http.CanonicalHeaderKey(name)
		h[name] = append(h[name], values...)
	}
	if host := h.Get("Host"); host != "" {
		t.base.Host = host
		h.Del("Host")
	}
	if h["User-Agent"] == nil {
		h["User-Agent"] = []string{userAgent}
	}
	if h["Accept-Encoding"] == nil {
		h["Accept-Encoding"] = []string{"gzip"}
	}
	t.base.Header = h
	return nil
}

func (t *template) setAuth(auth Auth) error {
	if _, constant := auth.(constantAuth); !constant {
		t.auth = auth
		return nil
	}
	if err := auth.Authorize(context.Background(), t.base); err != nil { // constant: it waits for nothing
		return fmt.Errorf("authorize request: %w: %w", errRequest, err)
	}
	return nil
}

// target is where a request of the source goes as it is configured.
func (t *template) target() target { return target{url: t.base.URL, body: t.source.Request.Body} }

// request returns the request to a target, the zero one for the configured URL,
// and whether it carries validators of state.
func (t *template) request(ctx context.Context, state State, tg target) (req *http.Request, validated bool, err error) {
	req = t.base.WithContext(ctx)
	req.Header, validated = t.header(state)
	if method := tg.ownMethod(); method != "" && (req.Method != method || t.base.GetBody != nil) {
		req.Method, req.Header = method, req.Header.Clone()
		req.Header.Del("Content-Type") // which is that of the body it does without
		req.ContentLength, req.GetBody = 0, nil
	}
	auth := t.auth
	if tg.url != nil {
		t.redirect(req, tg.url)
		if auth == nil {
			auth = t.source.Request.Auth // a credential in the query is one of the configured URL
		}
	}
	if auth != nil {
		req.Header = req.Header.Clone()
		if err := auth.Authorize(ctx, req); err != nil {
			return nil, false, fmt.Errorf("authorize request: %w", err)
		}
	}
	return req, validated, t.setBody(req, tg)
}

// redirect sends a request to another URL.
func (t *template) redirect(req *http.Request, to *url.URL) {
	req.URL = to
	if t.base.Host == t.base.URL.Host {
		req.Host = to.Host
	}
}

// setBody gives a request the body of its target.
func (t *template) setBody(req *http.Request, tg target) (err error) {
	switch {
	case tg.url != nil && len(tg.body) > 0:
		req.ContentLength = int64(len(tg.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(tg.body)), nil }
	case tg.url == nil && t.base.GetBody != nil:
		req.ContentLength, req.GetBody = t.base.ContentLength, t.base.GetBody
	default:
		return nil
	}
	req.Body, err = req.GetBody()
	return err
}

// header returns the headers of base, with the validators of state if there are any.
func (t *template) header(state State) (h http.Header, validated bool) {
	if !t.conditional || state.ETag == "" && state.LastModified == "" {
		return t.base.Header, false
	}
	if v := t.validated.Load(); v != nil && v.etag == state.ETag && v.lastModified == state.LastModified {
		return v.header, true
	}
	h = t.base.Header.Clone()
	// An ETag is exact, a date is not: servers that know both are asked by the ETag only.
	if state.ETag != "" {
		h.Set("If-None-Match", state.ETag)
		h.Del("If-Modified-Since")
	} else {
		h.Set("If-Modified-Since", state.LastModified)
		h.Del("If-None-Match")
	}
	t.validated.Store(&validatedHeader{etag: state.ETag, lastModified: state.LastModified, header: h})
	return h, true
}

// renew gives up the token that a request carried whose answer refuses it, and
// reports whether it may be made again with another.
func (t *template) renew(resp *http.Response) bool {
	auth, ok := t.auth.(*tokenAuth)
	return ok && resp.StatusCode == http.StatusUnauthorized && auth.carried(resp.Request.Header) && auth.renew(resp.Request.Header)
}

// crossing returns the request to another origin. Nothing that was configured
// for the source goes with it, nor a credential that the redirect carries in
// its own query.
func (t *template) crossing(ctx context.Context, target *url.URL, userAgent string, secrets *httpclient.Redactor) (*http.Request, error) {
	u := *target
	key, _ := t.source.Request.Auth.(APIKey)
	u.RawQuery = dropParams(u.RawQuery, func(name, value string) bool {
		return key.In == InQuery && name == key.Name || secrets.Holds(name) || secrets.Holds(value)
	})
	if secrets.Holds(u.String()) {
		return nil, fmt.Errorf("redirect to another origin carries a credential in its path: %w", errRedirect)
	}
	req, err := http.NewRequestWithContext(ctx, t.base.Method, u.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("create request: %w", errRedirect)
	}
	req.Header = http.Header{"User-Agent": {userAgent}, "Accept-Encoding": {"gzip"}}
	return req, nil
}
