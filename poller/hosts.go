package poller

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// firstHostWait is how long a host that does not answer is left alone at
	// first; it doubles up to maxHostWait.
	firstHostWait = 30 * time.Second
	maxHostWait   = 15 * time.Minute
	// defaultHostThreshold is how many polls in a row must fail.
	defaultHostThreshold = 5
)

// HostDownError says that a poll was not sent because the host of its source
// does not answer.
type HostDownError struct {
	// Host is scheme, name and port.
	Host string
	// Next is when it is tried again.
	Next time.Time
}

// Error names the host, and in how long it is tried again.
func (e *HostDownError) Error() string {
	wait := max(time.Until(e.Next).Round(time.Second), time.Second)
	return fmt.Sprintf("host %s does not answer, next try in %s; nothing was sent", e.Host, wait)
}

// hosts knows which hosts do not answer, so that these are not asked by each of
// their sources again and again. It forgets that with the process.
type hosts struct {
	mu sync.Mutex
	// sick are the hosts whose last poll failed at the network.
	sick map[string]*host
}

// host is one that has not answered since a poll of it failed.
type host struct {
	// failures are polls in a row, of all its sources, and threshold is from
	// how many on it counts as down: the least of those sources.
	failures, threshold int
	// until is when the next poll may be sent. Whoever finds it passed sends
	// that, and puts it off for all others by as long as would come after its
	// failure: so there is one probe at a time, and one that comes to nothing,
	// as a poll that is stopped does, holds nobody for good.
	until time.Time
}

// down says whether so much failed that polls wait.
func (h *host) down() bool { return h.failures >= h.threshold }

// wait is how long polls are held back after the last failure.
func (h *host) wait() time.Duration {
	wait := firstHostWait
	for n := h.failures - h.threshold; n > 0 && wait < maxHostWait; n-- {
		wait *= 2
	}
	return min(wait, maxHostWait)
}

// spread makes a wait up to a fifth longer, so that hosts that went down
// together are not tried together.
func spread(wait time.Duration) time.Duration {
	return wait + time.Duration(rand.Int64N(int64(wait/5)))
}

// held returns why a source must not be asked now, nil where it may.
//
// A source that is due less often than its host is tried is always sent: it
// would lose its only run of the day to the failure of another one.
func (hs *hosts) held(s *Source, now time.Time) *HostDownError {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	name, h := hs.avoided(s, now)
	if h == nil || s.Schedule != nil && Interval(s.Schedule, now) > h.wait() {
		return nil
	}
	return &HostDownError{Host: name, Next: h.until}
}

// hold is for how long a source must not be asked out of turn. There is no run
// that it would lose, so that how often it is due makes no difference.
func (hs *hosts) hold(s *Source, now time.Time) time.Duration {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	_, h := hs.avoided(s, now)
	if h == nil {
		return 0
	}
	return h.until.Sub(now)
}

// avoided is the host of a source if it is left alone now, nil if it may be
// asked; where that was to be found out, it must be. The lock is held.
func (hs *hosts) avoided(s *Source, now time.Time) (string, *host) {
	if len(hs.sick) == 0 {
		return "", nil
	}
	name := hostOf(s)
	h := hs.sick[name]
	switch {
	case h == nil || !h.down():
		return name, nil
	case !now.Before(h.until):
		h.until = now.Add(spread(h.wait()))
		return name, nil
	}
	return name, h
}

// failed counts a poll that got no answer, and says for how long the host is
// left alone now, 0 where it is not.
func (hs *hosts) failed(s *Source, now time.Time) time.Duration {
	threshold := s.FailureThreshold
	if threshold < 1 {
		threshold = defaultHostThreshold
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	name := hostOf(s)
	h := hs.sick[name]
	if h == nil {
		h = &host{threshold: threshold}
		hs.sick[name] = h
	}
	h.failures++
	h.threshold = min(h.threshold, threshold)
	if !h.down() {
		return 0
	}
	wait := spread(h.wait())
	h.until = now.Add(wait)
	return wait
}

// answered forgets all that was held against a host, and says whether it was down.
func (hs *hosts) answered(s *Source) (wasDown bool) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if len(hs.sick) == 0 {
		return false
	}
	name := hostOf(s)
	h := hs.sick[name]
	delete(hs.sick, name)
	return h != nil && h.down()
}

// hostOf is scheme, host and port of a source.
func hostOf(s *Source) string {
	u, err := url.Parse(s.Request.URL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port(u))
}
