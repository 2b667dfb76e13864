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
// and in their bodies. Paths are shown in errors, and servers echo bodies, so
// these must be masked there. What stands in a query, a header or auth is
// masked by whoever sends it.
func (c *Config) RequestSecrets() []string { return c.requestSecrets }

// requestSecrets are those of the values that stand in a source's path or body.
func requestSecrets(values []string, sources []Source) []string {
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) == 0 {
		return nil
	}
	var paths, bodies []string
	for i := range sources {
		r := &sources[i].Request
		if u, err := url.Parse(r.URL.Reveal()); err == nil {
			paths = append(paths, u.Path, u.EscapedPath())
		}
		if body := r.Body.Reveal() + r.JSON.Reveal(); body != "" {
			bodies = append(bodies, body)
		}
	}
	return slices.DeleteFunc(values, func(value string) bool {
		if value == "" || within(paths, value) {
			return value == ""
		}
		return len(value) < minBodySecret || !within(bodies, value) && !within(bodies, inJSON(value))
	})
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
