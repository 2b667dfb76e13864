package config

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// shortOutage is one that nobody wants to end by hand.
const shortOutage = Duration(time.Hour)

func (c *Config) warnEndpoint(i int, now time.Time, warn warner) {
	e := &c.Endpoints[i]
	at := c.origin("endpoints", i).at
	c.warnTold(at, e, warn)
	warnWay(at, e, warn)
	for j, s := range e.Secrets {
		if !s.Until.IsZero() && s.Until.Before(now) {
			warn(at(fmt.Sprintf("secrets[%d]", j)), "this secret of %s ended on %s: remove it", e.Name, s.Until.Format(time.DateOnly))
		}
	}
	c.warnPatterns(at, e, warn)
	if e.From.Time.After(now) {
		warn(at("from"), "%s is told nothing before %s: from is the time at which it starts in the log, which has nothing of the future", e.Name, e.From)
	}
	c.warnPace(at, e, warn)
}

// warnTold finds endpoints that nothing is told.
func (c *Config) warnTold(at func(below string) string, e *Endpoint, warn warner) {
	isTold := func(s Source) bool { return slices.Contains(s.Notify, e.Name) }
	if e.Enabled && !slices.ContainsFunc(c.Sources, isTold) && !slices.ContainsFunc(e.Events, isOfAlerts) {
		warn(at(""), "no source notifies %s, and its events name no alerts: it is told nothing", e.Name)
	}
}

// warnWay looks at the way to the receiver, and at what goes there.
func warnWay(at func(below string) string, e *Endpoint, warn warner) {
	switch plain := isPlain(e.URL); {
	case plain && !e.Auth.IsZero():
		warn(at("url"), "the credentials of %s are sent without TLS: use https://", e.Name)
	case plain && len(e.Secrets) > 0:
		warn(at("url"), "the webhooks of %s are signed, but sent readable for others on the way: use https://", e.Name)
	case plain:
		warn(at("url"), "the webhooks of %s are neither signed nor encrypted, so that others on the way can read and forge them: use https://", e.Name)
	}
	if key, u := e.Auth.tokenURL(); isPlain(u) {
		warn(at("auth."+key), "the credentials of %s are sent without TLS: use https://", e.Name)
	}
	if e.TLS.InsecureSkipVerify {
		warn(at("tls.insecure_skip_verify"), "whoever is on the way to %s can read and change everything:"+
			" better trust the authority of its certificate by ca_file", e.Name)
	}
	if service, format := chatOf(e.URL); e.isEnvelope() && format != "" {
		warn(at("format"), "%s takes no format: %s: set format: %s for %s", service, e.Format, format, e.Name)
	}
}

// discordHook is the path of a webhook of Discord, of any version of its API.
var discordHook = regexp.MustCompile(`^/api/(v[0-9]+/)?webhooks/[0-9]+/[^/]+$`)

// isWithin says whether a host is a domain or beneath one.
func isWithin(host string, domains ...string) bool {
	return slices.ContainsFunc(domains, func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) })
}

// chatOf is the chat service that a URL belongs to, and the format that it takes.
func chatOf(u URL) (service, format string) {
	parsed, err := url.Parse(u.Reveal())
	if err != nil {
		return "", ""
	}
	switch host := strings.ToLower(parsed.Hostname()); {
	case host == "hooks.slack.com" && strings.HasPrefix(parsed.Path, "/services/"):
		return "Slack", "slack"
	case isWithin(host, "discord.com", "discordapp.com") && discordHook.MatchString(parsed.Path):
		return "Discord", "discord"
	case isWithin(host, "webhook.office.com"):
		return "Teams", "teams"
	}
	return "", ""
}

// warnPace looks at when webhooks are sent, and how many together.
func (c *Config) warnPace(at func(below string) string, e *Endpoint, warn warner) {
	if r := e.RateLimit; r != nil && r.Burst > r.Requests {
		warn(at("rate_limit.burst"), "a burst of %d is more than the %d webhooks that the limit allows, and is taken for %d", r.Burst, r.Requests, r.Requests)
	}
	var whole Duration
	for _, wait := range e.Retry.Schedule {
		whole += wait
	}
	if whole > c.Storage.Retention.Waiting {
		warn(at("retry.schedule"), "its waits add up to %s, but storage.retention.waiting ends a delivery after %s", whole, c.Storage.Retention.Waiting)
	}
	switch {
	case e.DisableAfter == 0:
	case e.DisableAfter < shortOutage:
		warn(at("disable_after"), "an outage of %s disables %s until somebody enables it: deliveries are repeated for much longer than that", e.DisableAfter, e.Name)
	case e.DisableAfter > c.Storage.Retention.Waiting:
		warn(at("disable_after"), "%s is disabled after %s, but storage.retention.waiting ends a delivery after %s", e.Name, e.DisableAfter, c.Storage.Retention.Waiting)
	}
}

// warnPatterns finds patterns that no event of any source can match.
func (c *Config) warnPatterns(at func(below string) string, e *Endpoint, warn warner) {
	var changes []string
	for i := range c.Sources {
		s := &c.Sources[i]
		if slices.Contains(s.Notify, e.Name) {
			for _, kind := range s.Detect.Events {
				changes = append(changes, s.EventType+"."+kind)
			}
		}
	}
	for i, pattern := range e.Events {
		types := changes
		if isOfAlerts(pattern) {
			types = ownTypes()
		}
		if slices.ContainsFunc(types, matching(pattern)) {
			continue
		}
		hint := ""
		if slices.ContainsFunc(ownTypes(), matching("*"+pattern)) {
			hint = "; alerts are told only where a pattern begins with pollwire."
		}
		warn(at(fmt.Sprintf("events[%d]", i)), "%s matches no event that a source tells %s%s", pattern, e.Name, hint)
	}
}

// matching says whether an event type fits a pattern. What may stand in patterns
// and types leaves * as all that path.Match knows of.
func matching(pattern string) func(eventType string) bool {
	return func(eventType string) bool {
		ok, err := path.Match(pattern, eventType)
		return ok && err == nil
	}
}

// isOfAlerts says whether a pattern names alerts: the types of pollwire itself,
// unless they are those that changes have without an event_type.
func isOfAlerts(pattern string) bool {
	const own = "pollwire."
	return strings.HasPrefix(pattern, own) && !strings.HasPrefix(pattern, own+"item") && !strings.HasPrefix(pattern, own+"document")
}

// ownTypes are the event types of pollwire itself.
func ownTypes() []string {
	return []string{
		"pollwire.source.failing", "pollwire.source.recovered", "pollwire.source.gap", "pollwire.source.rebaselined",
		"pollwire.endpoint.failing", "pollwire.endpoint.disabled", "pollwire.endpoint.recovered", "pollwire.ping",
	}
}
