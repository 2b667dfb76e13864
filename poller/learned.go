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
	// refusals in a row did not say for how long, and so many answers in a row
	// said that nothing is left, each to a request that was sent after the one
	// before was heard.
	refusals, dry int
	// probing says that after a pause one request goes first, alone, for
	// nobody knows how much there is again.
	probing bool
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
	newer := l.newer(now, t)
	wait := said.RetryAfter
	if usedUp || said.Refused && said.Remaining < 0 {
		wait = max(wait, said.Reset)
	}
	switch {
	case usedUp && said.RetryAfter == 0:
		wait = max(wait, l.dryFor(now, newer))
	case wait > 0:
	case said.Refused:
		wait = l.backOff(now, longest)
	case !failed && newer:
		l.heard.refusals, l.heard.probing = 0, false
	}
	if said.Remaining > reserve && l.defined() {
		if newer {
			l.heard.dry = 0
		}
		l.narrow(now, newer, said.Remaining-reserve, min(cmp.Or(said.Reset, l.def.Per), longest))
	}
	if wait > 0 {
		l.heard.probing = true
	}
	return min(wait, longest)
}

// newer says whether an answer is to a request that was sent after the last one
// was heard that said something, and after the pause that it asked for.
func (l *limit) newer(now time.Duration, t *ticket) bool {
	if t == nil {
		return now >= l.pausedUntil && now >= l.heard.until
	}
	return t.sentAt >= l.pausedUntil && t.sentAt > l.heard.at
}

// narrow bounds what is sent within a while to what is left upstream. What is
// under way may not have arrived there when that was said.
func (l *limit) narrow(now time.Duration, newer bool, left int, within time.Duration) {
	ceiling := l.sent + left - l.inFlight
	if newer || l.heard.until <= now || ceiling < l.heard.ceiling {
		l.heard.at, l.heard.until, l.heard.ceiling = now, now+within, ceiling
	}
}

// dryFor returns how long to wait at least after nothing is left. Some count a
// window that slides, and name the time when one request has left it: whoever
// came back each time would find nothing and use what is reserved. So the wait
// doubles while nothing is found, up to a whole window.
func (l *limit) dryFor(now time.Duration, newer bool) time.Duration {
	wait := l.shortestBackoff()
	for range l.heard.dry {
		wait = min(2*wait, max(wait, l.def.Per))
	}
	if newer {
		l.heard.at = now
		l.heard.dry++
	}
	return wait
}

// narrowedUntil returns when as much as cost may be sent for all that the
// upstream said.
func (l *limit) narrowedUntil(now time.Duration, cost int) time.Duration {
	if l.heard.probing && l.inFlight+l.offeredCost > 0 {
		return never
	}
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
			wait = longest
			break
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
