package config

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
)

// minBodySecret is how long a value in a body must be to be masked wherever it
// turns up, in bytes: shorter ones stand in any text.
const minBodySecret = 6

// RequestSecrets are the values of ${…} that stand in the paths of sources'
// URLs, such as the token in https://api.telegram.org/bot${TOKEN}/getUpdates,
// of the URLs that tokens are asked for, and in the bodies of both; and those in
// the templates of endpoints. Paths are shown in errors, and servers echo bodies,
// so these must be masked there. What stands in a query, a header, auth or the
// URL of an endpoint is masked by whoever sends it.
func (c *Config) RequestSecrets() []string {
	revealed := make([]string, len(c.requestSecrets))
	for i, secret := range c.requestSecrets {
		revealed[i] = secret.Reveal()
	}
	return revealed
}

// requestSecrets are those of the values that stand in a path or a body.
func requestSecrets(values []string, sources []Source, endpoints []Endpoint) []Secret {
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) == 0 {
		return nil
	}
	var r sentTexts
	for i := range sources {
		r.source(&sources[i])
	}
	for i := range endpoints {
		r.auth(&endpoints[i].Auth)
		if t := endpoints[i].Template; t != nil {
			r.body(t.Body.Reveal())
		}
	}
	var secrets []Secret
	for _, value := range values {
		inBody := len(value) >= minBodySecret && (within(r.bodies, value) || within(r.bodies, inJSON(value)))
		if value != "" && (inBody || within(r.paths, value)) {
			secrets = append(secrets, NewSecret(value))
		}
	}
	return secrets
}

// sentTexts are the paths and the bodies that are sent.
type sentTexts struct{ paths, bodies []string }

func (r *sentTexts) source(s *Source) {
	r.path(s.Request.URL)
	if s.Detail != nil {
		r.path(s.Detail.URL.URL)
	}
	if g := s.Request.GraphQL; g != nil {
		r.body(string(g.Body()))
	} else {
		r.body(s.Request.Body.Reveal() + s.Request.JSON.Reveal())
	}
	r.auth(&s.Auth)
}

// auth adds what a token is asked for with.
func (r *sentTexts) auth(a *Auth) {
	_, tokenURL := a.tokenURL()
	r.path(tokenURL)
	if a.Login != nil {
		r.body(a.Login.Request.Body.Reveal() + a.Login.Request.JSON.Reveal())
	}
}

func (r *sentTexts) path(written URL) {
	if u, err := url.Parse(written.Reveal()); err == nil && u.Path != "" {
		r.paths = append(r.paths, u.Path, u.EscapedPath())
	}
}

func (r *sentTexts) body(text string) {
	if text != "" {
		r.bodies = append(r.bodies, text)
	}
}

func within(texts []string, part string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, part) })
}

// inJSON is a value as it stands between the quotes of a JSON string.
func inJSON(value string) string {
	var b bytes.Buffer
	writeJSONString(&b, value)
	return strings.Trim(b.String(), `"`)
}
