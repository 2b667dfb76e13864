package notify

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/pollwire/pollwire/internal/httpclient"
)

const (
	// maxLocationBytes bounds what is shown of a Location header.
	maxLocationBytes = 256
	// leastURLForm is the length from which a form of the URL is not shown in
	// errors: beneath it are "/" and the like.
	leastURLForm = 3
)

// errURL says that a URL cannot be used. The parser's own error quotes it, escaped
// in ways that no redactor knows.
var errURL = errors.New("build request: the URL cannot be read")

// target is an endpoint with what its attempts share.
type target struct {
	endpoint *Endpoint
	client   *httpclient.Client
	url      *url.URL
	// header is that of the endpoint, its names in canonical form, so that none of
	// pollwire's own can stand beside one in another spelling.
	header http.Header
	host   string
	// fixed knows what of the configuration must not be shown, forms are those of
	// the URL, which are too common to be looked for in answers.
	fixed *httpclient.Redactor
	forms []string

	mu sync.Mutex
	// tokens are the secrets of the credentials for which answers and errors were
	// made; they change.
	tokens          []string
	answers, errors *httpclient.Redactor
}

// guard says where the endpoint may lead.
func (e *Endpoint) guard() httpclient.Guard {
	return httpclient.Guard{Private: !e.Foreign, Allow: e.AllowNetworks, Key: e.AllowKey}
}

// CheckAddress says whether the endpoint is posted to at an address that the host
// of its URL resolves to: nil, or an error that says what it is and names the way
// out. It is the verdict of each attempt, which asks when it dials; only behind a
// proxy, which resolves the name itself, it is not asked.
func (e *Endpoint) CheckAddress(addr netip.Addr) error {
	u, err := url.Parse(e.URL)
	if err != nil {
		return errURL
	}
	return e.guard().For(u.Hostname()).Check(addr)
}

// route returns the client that the endpoint is posted with. Endpoints without
// anything of their own share one.
func (e *Endpoint) route(routes *httpclient.Routes) (*httpclient.Client, error) {
	way := httpclient.Route(e.Route)
	if !e.Foreign && len(e.AllowNetworks) == 0 {
		return routes.Client(way)
	}
	return routes.Guarded(way, e.guard())
}

// newTarget prepares an endpoint. With an error too there is a target, which can
// explain it.
func newTarget(e *Endpoint, routes *httpclient.Routes) (*target, error) {
	t := &target{endpoint: e, header: make(http.Header, len(e.Header)+16)}
	for name, values := range e.Header {
		name = http.CanonicalHeaderKey(name)
		if name != "Host" {
			t.header[name] = values
		} else if len(values) > 0 {
			t.host = values[0]
		}
	}
	t.fixed = httpclient.NewRedactor(e.credentials()...)
	u, err := url.Parse(e.URL)
	switch {
	case err != nil:
		return t, errURL
	case u.Host == "":
		return t, errors.New("build request: the URL has no host")
	}
	t.url = u
	t.forms = urlForms(e.URL, u)
	if t.client, err = e.route(routes); err != nil {
		return t, fmt.Errorf("%w: %w", ErrNoRoute, err)
	}
	return t, nil
}

// credentials are the values of an endpoint that give access.
func (e *Endpoint) credentials() []string {
	secrets := slices.Clone(e.Mask)
	for _, s := range e.Secrets {
		if m := s.reveal(); m != nil {
			_, encoded, _ := strings.Cut(m.text, "_")
			secrets = append(secrets, m.text, encoded)
		}
	}
	for name, values := range e.Header {
		for _, value := range values {
			secrets = append(secrets, httpclient.HeaderSecrets(name, value)...)
		}
	}
	if u, err := url.Parse(e.URL); err == nil {
		secrets = append(secrets, httpclient.UserinfoSecrets(u)...)
		secrets = append(secrets, httpclient.QuerySecrets(u)...)
		secrets = append(secrets, httpclient.PathSecrets(u)...)
	}
	secrets = append(secrets, httpclient.Route(e.Route).Secrets()...)
	return secrets
}

// urlForms are the ways in which errors may quote a URL.
func urlForms(raw string, u *url.URL) []string {
	var forms []string
	for _, form := range []string{raw, u.String(), u.Redacted(), u.RequestURI(), u.Path, u.EscapedPath(), u.RawQuery} {
		if len(form) >= leastURLForm {
			forms = append(forms, form)
		}
	}
	return forms
}

// masks are what knows all that must not be shown now: of what the receiver says,
// and of errors.
func (t *target) masks() (answers, errors *httpclient.Redactor) {
	var tokens []string
	if t.endpoint.Auth != nil {
		tokens = t.endpoint.Auth.Secrets()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.errors == nil || !slices.Equal(tokens, t.tokens) {
		t.tokens = tokens
		t.answers = t.fixed.With(tokens...)
		t.errors = t.answers.With(t.forms...)
	}
	return t.answers, t.errors
}

// body is the beginning of an answer as it is kept.
func (t *target) body(got answer) []byte {
	if len(got.body) == 0 {
		return nil
	}
	mask, _ := t.masks()
	return mask.Body(got.body, got.cut, maxKeptBytes)
}

// origin is all of the endpoint's URL that may be shown.
func (t *target) origin() string {
	if t.url == nil {
		return "its URL"
	}
	return t.url.Scheme + "://" + t.url.Host
}

// failure returns the text of an error with neither secrets nor the URL in it.
func (t *target) failure(err error) string {
	if refused, ok := errors.AsType[*httpclient.ForbiddenAddressError](err); ok {
		// Endpoints that share connections may have keys of their own.
		named := *refused
		named.Key = t.endpoint.AllowKey
		err = &named
	}
	_, mask := t.masks()
	return "post to " + t.origin() + ": " + strings.ToValidUTF8(mask.Error(err).Error(), "\uFFFD")
}

// location shows where a redirect leads. It may repeat the whole URL, as one to
// https does, so that it is shown like an error.
func (t *target) location(header string) string {
	if header == "" {
		return "no Location"
	}
	to, err := t.url.Parse(header)
	if err != nil || to.Host == "" {
		return "an unreadable Location"
	}
	_, mask := t.masks()
	return fmt.Sprintf("Location %q", clip(mask.URL(to), maxLocationBytes))
}

// explain puts a failed attempt in words, without secrets.
func (t *target) explain(got answer, err error) string {
	switch {
	case got.status == 0:
		return t.failure(err)
	case got.status >= 300 && got.status <= 399:
		return fmt.Sprintf("answered %s: redirects are not followed (%s)", statusText(got.status), t.location(got.location))
	default:
		return "answered " + statusText(got.status)
	}
}

// clip cuts a text to at most limit bytes, at the boundary of a character.
func clip(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len("…")], "") + "…"
}
