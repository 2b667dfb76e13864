package dashboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/notify"
)

// health says whether all is well, and what is not.
type health struct {
	Tone, Headline, Subline string
	// Alarms are what needs attention, the worst first; MoreAlarms is how many
	// there are besides, and MoreAt where those are listed.
	Alarms     []alarm
	MoreAlarms int
	MoreAt     []about
}

// alarm is one thing that needs attention.
type alarm struct {
	Badge             badge
	Path, Title, Text string
	// Since is from when on, Until when it ends by itself; each nil where that is
	// not known.
	Since, Until *time.Time
}

// newHealth judges how everything stands.
func newHealth(s *standing) health {
	groups := []alarmGroup{
		{about{"the daemon", "/readyz"}, daemonAlarms(s)},
		{about{"sources", "/sources?state=failing"}, sourceAlarms(s.sources)},
		{about{"endpoints", "/endpoints"}, endpointAlarms(s.endpoints)},
		{about{"limits", "/limits"}, limitAlarms(s.limits)},
		{about{"nodes", nodesPath}, nodeAlarms(s.nodes)},
	}
	h := health{Tone: toneOK, Headline: "All is well"}
	total := h.share(groups)
	polled, told := plain(len(s.sources), "source", "sources"), plain(len(s.endpoints), "endpoint", "endpoints")
	h.Subline = fmt.Sprintf("%s, %s; nothing needs attention.", polled, told)
	switch {
	case total > 0:
		h.Tone, h.Headline = h.Alarms[0].Badge.Tone, plain(total, "thing needs", "things need")+" attention"
		h.Subline = fmt.Sprintf("Of %s and %s.", polled, told)
	case len(s.sources) == 0:
		h.Tone, h.Headline, h.Subline = toneInfo, "Nothing is polled yet", "The configuration has no sources."
	}
	return h
}

// alarmGroup are the alarms of one kind of thing, and where all of those are.
type alarmGroup struct {
	about
	alarms []alarm
}

// share takes alarms to show: the worst, but of each kind some, so that a
// thousand sources that fail do not hide the one endpoint that does. It returns
// how many there are in all.
func (h *health) share(groups []alarmGroup) (total int) {
	for i := range groups {
		worstFirst(groups[i].alarms)
		total += len(groups[i].alarms)
	}
	taken := make([]int, len(groups))
	for left := min(total, shownAlarms); left > 0; {
		for i := range groups {
			if left > 0 && taken[i] < len(groups[i].alarms) {
				taken[i]++
				left--
			}
		}
	}
	for i, n := range taken {
		h.Alarms = append(h.Alarms, groups[i].alarms[:n]...)
		if n < len(groups[i].alarms) {
			h.MoreAt = append(h.MoreAt, groups[i].about)
		}
	}
	worstFirst(h.Alarms)
	h.MoreAlarms = total - len(h.Alarms)
	return total
}

// worstFirst puts what is bad before what is not quite well.
func worstFirst(alarms []alarm) {
	slices.SortStableFunc(alarms, func(a, b alarm) int {
		return boolean(b.Badge.Tone == toneBad) - boolean(a.Badge.Tone == toneBad)
	})
}

// checkTimeout bounds all checks of one page together.
const checkTimeout = 5 * time.Second

// unwell is a check of the daemon that fails.
type unwell struct {
	name, reason string
	warning      bool
}

// look makes the checks of the daemon, and returns those that fail.
func (h *Handler) look(ctx context.Context) []unwell {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var failed []unwell
	for _, c := range h.opts.Checks {
		if err := c.Func(ctx); err != nil {
			failed = append(failed, unwell{c.Name, err.Error(), c.Warning})
		}
	}
	return failed
}

// plain is a number with its word.
func plain(n int, one, many string) string {
	text, _ := plural(n, one, many) // an int is a whole number
	return text
}

// daemonAlarms are what is wrong with the daemon itself.
func daemonAlarms(s *standing) []alarm {
	var alarms []alarm
	for _, u := range s.unwell {
		b := badge{toneBad, "not ready"}
		if u.warning {
			b = badge{toneWarn, "warning"}
		}
		alarms = append(alarms, alarm{Badge: b, Path: "/readyz", Title: u.name, Text: u.reason})
	}
	if r := s.reload; r.Number > 0 && !r.OK {
		text := "The configuration was not taken; the one from before goes on."
		if len(r.Errors) > 0 {
			text = r.Errors[0]
		}
		alarms = append(alarms, alarm{Badge: badge{toneBad, "reload"}, Path: "/", Title: "Configuration", Text: text, Since: r.At})
	}
	return alarms
}

// sourceAlarms are the sources that fail.
func sourceAlarms(sources []server.Source) []alarm {
	var alarms []alarm
	for i := range sources {
		if s := &sources[i]; s.State == server.SourceFailing {
			alarms = append(alarms, alarm{Badge: sourceBadge(s.State), Path: "/sources/" + s.Name, Title: s.Name, Text: s.Reason, Since: s.FailingSince})
		}
	}
	return alarms
}

// endpointAlarms are the endpoints that are not posted to, and what is dead.
func endpointAlarms(endpoints []server.Endpoint) []alarm {
	var alarms []alarm
	for i := range endpoints {
		e := &endpoints[i]
		path := "/endpoints/" + e.Name
		if b := endpointBadge(e); b.Tone == toneBad || b.Tone == toneWarn {
			since := e.FailingSince
			if e.Since != nil {
				since = e.Since
			}
			alarms = append(alarms, alarm{Badge: b, Path: path, Title: e.Name, Text: endpointReason(e), Since: since})
		}
		if e.Dead > 0 {
			alarms = append(alarms, alarm{
				Badge: badge{toneWarn, "dead"}, Path: "/deliveries?state=dead&endpoint=" + e.Name, Title: e.Name,
				Text: plain(int(e.Dead), "delivery has", "deliveries have") + " used up the attempts; look why, then have them posted again.",
			})
		}
	}
	return alarms
}

// endpointReason says why an endpoint is not well.
func endpointReason(e *server.Endpoint) string {
	switch {
	case e.Reason != "":
		return e.Reason
	case e.Paused:
		return "Deliveries wait until it is resumed."
	case e.PausedUntil != nil:
		return "It asked to be left alone for a while."
	default:
		return "Its last attempts failed."
	}
}

// limitAlarms are the limits whose server asked to be left alone.
func limitAlarms(limits []server.Limit) []alarm {
	var alarms []alarm
	for i := range limits {
		if l := &limits[i]; l.PausedUntil != nil && l.PausedUntil.After(time.Now()) {
			alarms = append(alarms, alarm{
				Badge: badge{toneWarn, "held"}, Path: "/limits", Title: l.Name, Until: l.PausedUntil,
				Text: fmt.Sprintf("Its server asked to be left alone; %s.", waitingSources(len(l.Sources))),
			})
		}
	}
	return alarms
}

// nodeAlarms are the nodes that nothing is heard of.
func nodeAlarms(nodes []server.Node) []alarm {
	var alarms []alarm
	for i := range nodes {
		if n := &nodes[i]; n.State == server.NodeSuspended {
			text := "It is silent, and does nothing until it is heard of again; others take over what it has."
			if n.Self {
				text = "It cannot tell the others that it lives, and does nothing until it can: look at its way to the database."
			}
			alarms = append(alarms, alarm{Badge: nodeBadge(n.State), Path: nodePath(n), Title: n.Name, Text: text, Since: n.SeenAt})
		}
	}
	return alarms
}

func waitingSources(n int) string {
	if n == 1 {
		return "1 source waits"
	}
	return count(n) + " sources wait"
}

// endpointBadge shows how an endpoint stands, in one word.
func endpointBadge(e *server.Endpoint) badge {
	switch {
	case !e.Enabled && e.Since == nil:
		return badge{toneIdle, "disabled"} // by the configuration
	case !e.Enabled:
		return badge{toneBad, "disabled"}
	case e.Paused:
		return badge{toneWarn, "paused"}
	case e.Breaker == notify.BreakerOpen, e.Breaker == notify.BreakerHalfOpen:
		return badge{toneBad, "failing"}
	case e.PausedUntil != nil && e.PausedUntil.After(time.Now()):
		return badge{toneWarn, "held"}
	case e.Failures > 0:
		return badge{toneWarn, "failing"}
	default:
		return badge{toneOK, "ok"}
	}
}
