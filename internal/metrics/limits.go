package metrics

import (
	"time"

	"github.com/pollwire/pollwire/poller"
)

// Limits knows how the rate limits stand.
type Limits interface {
	// Limits returns all of them, by name.
	Limits() []poller.LimitStatus
}

var _ Limits = (*poller.Limiter)(nil)

// limitFamilies tell how the limits stand. A limit that a source shares with no
// other is one of them, so that there may be as many as sources.
func limitFamilies(limits Limits, t tenancy) []*family {
	now := time.Now()
	all := limits.Limits()
	gauge := func(name, help string) *family { return newFamily("pollwire_limit_"+name, help, false, len(all)) }
	requests := gauge("requests", "Requests that a limit has for us in one window: as configured, less its reserve.")
	used := gauge("used_requests", "Requests of the last window, those under way included.")
	left := gauge("left_requests", "Requests that may be sent now: what the window has room for, and its server says is left.")
	waiting := gauge("waiting_requests", "Requests that wait for a limit.")
	paused := gauge("paused_seconds", "For how long a limit is still paused, as its server asked; 0 where it is not.")
	for i := range all {
		l := &all[i]
		if !t.limit(l.Name) {
			continue
		}
		labels := labelled("limit", l.Name)
		requests.add(labels, float64(max(1, l.Requests-max(0, l.Reserve))))
		used.add(labels, float64(l.Used))
		left.add(labels, float64(l.Left))
		waiting.add(labels, float64(l.Waiting))
		paused.add(labels, max(0, l.PausedUntil.Sub(now).Seconds()))
	}
	return []*family{requests, used, left, waiting, paused}
}
