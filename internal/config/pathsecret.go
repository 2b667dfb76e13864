package config

import (
	"net/url"
	"slices"
	"strings"
)

// PathSecrets are the values of ${…} that stand in the paths of sources' URLs,
// such as the token in https://api.telegram.org/bot${TOKEN}/getUpdates. Paths
// are shown in errors, so these must be masked there.
func (c *Config) PathSecrets() []string { return c.pathSecrets }

// pathSecrets are those of the values that stand in the path of a source's URL.
func pathSecrets(values []string, sources []Source) []string {
	slices.Sort(values)
	values = slices.Compact(values)
	var paths []string
	for i := range sources {
		if u, err := url.Parse(sources[i].Request.URL.Reveal()); err == nil && len(values) > 0 {
			paths = append(paths, u.Path, u.EscapedPath())
		}
	}
	return slices.DeleteFunc(values, func(value string) bool {
		return value == "" || !slices.ContainsFunc(paths, func(path string) bool { return strings.Contains(path, value) })
	})
}
