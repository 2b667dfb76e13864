package poller

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// credentials are the values of the source that give access.
func (t *template) credentials() []string {
	r := &t.source.Request
	var secrets []string
	for _, auth := range []Auth{r.Auth, t.auth} {
		secrets = append(secrets, secretsOf(auth)...)
	}
	secrets = append(secrets, r.Route.secrets()...)
	if u, err := url.Parse(r.URL); err == nil {
		secrets = append(secrets, httpclient.UserinfoSecrets(u)...)
	}
	for name, values := range r.Header {
		for _, v := range values {
			secrets = append(secrets, httpclient.HeaderSecrets(name, v)...)
		}
	}
	return secrets
}

// secretsOf are the secrets of an Auth that names them.
func secretsOf(auth Auth) []string {
	if holder, ok := auth.(secretHolder); ok {
		return holder.Secrets()
	}
	return nil
}

// Credentials add an [Auth] to requests that no [Fetcher] makes, such as
// webhooks. Its methods may be called concurrently.
type Credentials struct {
	auth Auth
	// grant is what auth obtains tokens by, nil where it needs none.
	grant Auth
}

// Credentials returns the credentials of an Auth for requests that go a route.
// Where it is a grant, its token is obtained by that route too, within a timeout,
// and is the one that sources with the same grant have.
func (t *Tokens) Credentials(a Auth, r Route, timeout time.Duration) (*Credentials, error) {
	g, ok := a.(grant)
	if !ok {
		return &Credentials{auth: a}, nil
	}
	client, err := t.routes.Client(httpclient.Route(r))
	if err != nil {
		return nil, err
	}
	auth, err := t.auth(g, r, client, nil, timeout)
	if err != nil {
		return nil, err
	}
	return &Credentials{auth: auth, grant: a}, nil
}

// Authorize implements [Auth]. It waits for the token where there is none.
func (c *Credentials) Authorize(ctx context.Context, req *http.Request) error {
	return c.auth.Authorize(ctx, req)
}

// Renew is told that a request with this header was refused, with 401. It gives
// up the token that the request carried and reports whether the request may be
// made again with another.
func (c *Credentials) Renew(sent http.Header) bool {
	renewing, ok := c.auth.(*tokenAuth)
	return ok && renewing.carried(sent) && renewing.renew(sent)
}

// Secrets returns the values that must never be shown, the tokens of now too.
func (c *Credentials) Secrets() []string {
	return append(secretsOf(c.grant), secretsOf(c.auth)...)
}

var _ Auth = (*Credentials)(nil)
