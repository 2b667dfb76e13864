package config

import (
	"fmt"
	"net/url"
	"time"
)

// Warning is something that works, but probably not as intended.
type Warning struct {
	// Path is the place, such as sources[2]; in an included file with the file,
	// such as conf.d/shop.yaml: sources[2].
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
			warn(use.Path, "%s", use.text())
		case use.Sources == 0:
			warn(use.Path, "no enabled source uses the rate limit %s", use.Name)
		}
	}
	if s := c.Server.Subscriptions; (s.Verify != "none" || len(s.AllowNetworks) > 0) && c.Storage.EncryptionKey.IsZero() {
		warn("server.subscriptions", "nothing can be subscribed without storage.encryption_key, under which URLs and secrets are kept; make one with: openssl rand -base64 32")
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
		at := c.origin("sources", i).at
		if s.Enabled && len(s.Notify) == 0 {
			warn(at(""), "nobody is told about %s: its changes are only in the log", s.Name)
		}
		if s.Enabled && s.Poke != nil && c.Server.Listen == "" {
			warn(at("poke"), "server.listen is empty: nobody beyond this machine can poke %s", s.Name)
		}
		if !s.Auth.IsZero() && isPlain(s.Request.URL) {
			warn(at("request.url"), "the credentials of %s are sent without TLS: use https://", s.Name)
		}
		if key, u := s.Auth.tokenURL(); isPlain(u) {
			warn(at("auth."+key), "the credentials of %s are sent without TLS: use https://", s.Name)
		}
		if s.Request.TLS.InsecureSkipVerify {
			warn(at("request.tls.insecure_skip_verify"), "whoever is on the way to the server of %s can read and change everything:"+
				" better trust the authority of its certificate by ca_file", s.Name)
		}
	}
}

// isPlain says whether requests leave this machine without TLS.
func isPlain(u URL) bool {
	parsed, err := url.Parse(u.Reveal())
	return err == nil && parsed.Scheme == "http" && !isLoopback(parsed.Hostname())
}
