package poller

import (
	"cmp"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// minBackoff is the least that a refusal without a word of how long means.
const minBackoff = time.Second

// learned is what the upstream said of the budget that a limit stands for. It
// narrows what the limit lets through, and never widens it.
type learned struct {
	// at is when it was heard, until when it ends.
	at, until time.Duration
	// ceiling is how much may be sent in all until then, counted as sent is.
	ceiling int
	// refusals in a row did not say for how long.
	refusals int
}

// learn takes note of what the answer to the request of a ticket said, nil where
// the ticket is not known, and returns for how long nothing may be sent.
//
// What remains upstream is less than our own count says where others use the
// same budget. An answer to a request that was sent after the last one was heard
// knows better than that; an older one can only narrow it further.
func (l *limit) learn(now time.Duration, t *ticket, said httpclient.RateLimit, failed bool, longest time.Duration) time.Duration {
	reserve := max(0, l.def.Reserve)
	usedUp := said.Remaining >= 0 && said.Remaining <= reserve
	wait := said.RetryAfter
	if usedUp || said.Refused && said.Remaining < 0 {
		wait = max(wait, said.Reset)
	}
	switch {
	case wait > 0:
	case said.Refused:
		wait = l.backOff(now, longest)
	case usedUp:
		wait = l.shortestBackoff()
	case !failed && now >= l.pausedUntil:
		l.heard.refusals = 0
	}
	if said.Remaining > reserve && l.defined() {
		l.narrow(now, t, said.Remaining-reserve, min(cmp.Or(said.Reset, l.def.Per), longest))
	}
	return min(wait, longest)
}

// narrow bounds what is sent within a while to what is left upstream. What is
// under way may not have arrived there when that was said.
func (l *limit) narrow(now time.Duration, t *ticket, left int, within time.Duration) {
	ceiling := l.sent + left - l.inFlight
	newer := l.heard.until <= now || t != nil && t.sentAt > l.heard.at
	if newer || ceiling < l.heard.ceiling {
		l.heard.at, l.heard.until, l.heard.ceiling = now, now+within, ceiling
	}
}

// narrowedUntil returns when as much as cost may be sent for all that the
// upstream said.
func (l *limit) narrowedUntil(now time.Duration, cost int) time.Duration {
	if l.heard.until <= now || l.sent+l.offeredCost+cost <= l.heard.ceiling {
		return 0
	}
	return l.heard.until
}

// backOff returns how long to wait after a refusal that does not say it: twice
// as long after each one. Those that come during the wait were sent before it,
// and are the same refusal.
func (l *limit) backOff(now, longest time.Duration) time.Duration {
	if now < l.pausedUntil {
		return 0
	}
	wait := l.shortestBackoff()
	for range l.heard.refusals {
		if wait >= longest/2 {
			return longest
		}
		wait *= 2
	}
	l.heard.refusals++
	return wait
}

func (l *limit) shortestBackoff() time.Duration {
	if !l.defined() {
		return minBackoff
	}
	return max(minBackoff, l.interval())
}
