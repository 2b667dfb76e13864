package poller

import (
	"net/url"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// credentials are the values of the source that give access.
func (t *template) credentials() []string {
	r := &t.source.Request
	var secrets []string
	for _, auth := range []Auth{r.Auth, t.auth} {
		if holder, ok := auth.(secretHolder); ok {
			secrets = append(secrets, holder.Secrets()...)
		}
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
