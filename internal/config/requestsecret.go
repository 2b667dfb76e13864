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
// of the URLs that tokens are asked for, and in the bodies of both. Paths are shown in errors, and servers echo bodies, so
// these must be masked there. What stands in a query, a header or auth is
// masked by whoever sends it.
func (c *Config) RequestSecrets() []string {
	revealed := make([]string, len(c.requestSecrets))
	for i, secret := range c.requestSecrets {
		revealed[i] = secret.Reveal()
	}
	return revealed
}

// requestSecrets are those of the values that stand in a source's path or body.
func requestSecrets(values []string, sources []Source) []Secret {
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) == 0 {
		return nil
	}
	var paths, bodies []string
	for i := range sources {
		r, a := &sources[i].Request, &sources[i].Auth
		_, tokenURL := a.tokenURL()
		written := []URL{r.URL, tokenURL}
		if sources[i].Detail != nil {
			written = append(written, sources[i].Detail.URL.URL)
		}
		for _, written := range written {
			if u, err := url.Parse(written.Reveal()); err == nil && u.Path != "" {
				paths = append(paths, u.Path, u.EscapedPath())
			}
		}
		body := r.Body.Reveal() + r.JSON.Reveal()
		if a.Login != nil {
			body += a.Login.Request.Body.Reveal() + a.Login.Request.JSON.Reveal()
		}
		if r.GraphQL != nil {
			body = string(r.GraphQL.Body())
		}
		if body != "" {
			bodies = append(bodies, body)
		}
	}
	var secrets []Secret
	for _, value := range values {
		inBody := len(value) >= minBodySecret && (within(bodies, value) || within(bodies, inJSON(value)))
		if value != "" && (inBody || within(paths, value)) {
			secrets = append(secrets, NewSecret(value))
		}
	}
	return secrets
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
