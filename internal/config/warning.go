package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Warning is something that works, but probably not as intended.
type Warning struct {
	// Path is the place, such as sources[2].
	Path    string
	Message string
}

// String gives path: message.
func (w Warning) String() string { return w.Path + ": " + w.Message }

// Warnings are what an operator may want to know of a valid configuration:
// limits that the schedules do not fit, sources that nobody is told about,
// secrets that have ended, and the like. Their order is that of the document.
func (c *Config) Warnings(now time.Time) []Warning {
	var all []Warning
	warn := func(path, format string, args ...any) {
		all = append(all, Warning{path, fmt.Sprintf(format, args...)})
	}
	for _, use := range c.Budget(now) {
		switch {
		case !use.Fits():
			path, text, _ := strings.Cut(use.String(), " ")
			warn(path, "%s", text)
		case use.Sources == 0:
			warn(use.Path, "no enabled source uses the rate limit %s", use.Name)
		}
	}
	c.warnSources(warn)
	for i := range c.Endpoints {
		c.warnEndpoint(i, now, warn)
	}
	return all
}

type warner func(path, format string, args ...any)

func (c *Config) warnSources(warn warner) {
	for i := range c.Sources {
		s := &c.Sources[i]
		path := fmt.Sprintf("sources[%d]", i)
		if s.Enabled && len(s.Notify) == 0 {
			warn(path, "nobody is told about %s: its changes are only in the log", s.Name)
		}
		if !s.Auth.IsZero() && isPlain(s.Request.URL) {
			warn(path+".request.url", "the credentials of %s are sent without TLS: use https://", s.Name)
		}
		if key, u := s.Auth.tokenURL(); isPlain(u) {
			warn(path+".auth."+key, "the credentials of %s are sent without TLS: use https://", s.Name)
		}
		if s.Request.TLS.InsecureSkipVerify {
			warn(path+".request.tls.insecure_skip_verify", "whoever is on the way to the server of %s can read and change everything:"+
				" better trust the authority of its certificate by ca_file", s.Name)
		}
	}
}

func (c *Config) warnEndpoint(i int, now time.Time, warn warner) {
	e := &c.Endpoints[i]
	path := fmt.Sprintf("endpoints[%d]", i)
	if isPlain(e.URL) {
		warn(path+".url", "the webhooks of %s are signed, but sent readable for others on the way: use https://", e.Name)
	}
	for j, s := range e.Secrets {
		if !s.Until.IsZero() && s.Until.Before(now) {
			warn(fmt.Sprintf("%s.secrets[%d]", path, j), "this secret of %s ended on %s: remove it", e.Name, s.Until.Format(time.DateOnly))
		}
	}
	var whole Duration
	for _, wait := range e.Retry.Schedule {
		whole += wait
	}
	if whole > c.Storage.Retention.Waiting {
		warn(path+".retry.schedule", "its waits add up to %s, but storage.retention.waiting ends a delivery after %s", whole, c.Storage.Retention.Waiting)
	}
	c.warnPatterns(path, e, warn)
}

// warnPatterns finds patterns that no event of any source can match.
func (c *Config) warnPatterns(path string, e *Endpoint, warn warner) {
	types := ownTypes()
	for i := range c.Sources {
		s := &c.Sources[i]
		if slices.Contains(s.Notify, e.Name) {
			for _, kind := range s.Detect.Events {
				types = append(types, s.EventType+"."+kind)
			}
		}
	}
	for i, pattern := range e.Events {
		parts := strings.Split(pattern, "*")
		for j := range parts {
			parts[j] = regexp.QuoteMeta(parts[j])
		}
		glob := regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
		if !slices.ContainsFunc(types, glob.MatchString) {
			warn(fmt.Sprintf("%s.events[%d]", path, i), "%s matches no event that a source tells %s", pattern, e.Name)
		}
	}
}

// ownTypes are the event types of pollwire itself.
func ownTypes() []string {
	return []string{
		"pollwire.source.failing", "pollwire.source.recovered", "pollwire.source.gap", "pollwire.source.rebaselined",
		"pollwire.endpoint.failing", "pollwire.endpoint.disabled", "pollwire.endpoint.recovered", "pollwire.ping",
	}
}

// isPlain says whether requests leave this machine without TLS.
func isPlain(u URL) bool {
	parsed, err := url.Parse(u.Reveal())
	return err == nil && parsed.Scheme == "http" && !isLoopback(parsed.Hostname())
}
