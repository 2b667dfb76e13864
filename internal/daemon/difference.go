package daemon

import (
	"maps"
	"slices"

	"github.com/pollwire/pollwire/internal/server"
)

// difference names the sources and endpoints that another setup adds, changes and
// removes, endpoints first, by name.
func (s *setup) difference(next *setup) server.Reload {
	var r server.Reload
	for _, name := range slices.Sorted(maps.Keys(next.prints)) {
		was, known := s.prints[name]
		before, now := s.configured.endpoint(name), next.configured.endpoint(name)
		switch {
		case !known:
			r.Added = append(r.Added, "endpoint/"+name)
		case was != next.prints[name], before.Route != now.Route:
			r.Changed = append(r.Changed, "endpoint/"+name)
		}
	}
	for _, name := range next.names() {
		before := s.sources[name]
		switch {
		case before == nil:
			r.Added = append(r.Added, "source/"+name)
		case before != next.sources[name]:
			r.Changed = append(r.Changed, "source/"+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.prints)) {
		if _, stays := next.prints[name]; !stays {
			r.Removed = append(r.Removed, "endpoint/"+name)
		}
	}
	for _, name := range s.names() {
		if next.sources[name] == nil {
			r.Removed = append(r.Removed, "source/"+name)
		}
	}
	return r
}

// formerly are the older names of the sources that are not as they were before.
func (s *setup) formerly(before *setup) map[string]string {
	names := make(map[string]string)
	for name, source := range s.sources {
		if source.formerly != "" && before.sources[name] != source {
			names[name] = source.formerly
		}
	}
	return names
}

// serverChanges are the options of the server that may be changed.
func (s *setup) serverChanges() server.Changes {
	return server.Changes{PublicURL: s.publicURL, Token: s.token, MetricsToken: s.metricsToken, Pokes: s.pokes()}
}
