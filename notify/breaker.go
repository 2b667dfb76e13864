package notify

import "time"

// minCooldown is the shortest cooldown. Without one a breaker would not keep
// anything from the endpoint, while its probes use up no attempts.
const minCooldown = time.Second

// first is how long a breaker that has just opened waits.
func (b Breaker) first() time.Duration { return max(b.Cooldown, minCooldown) }

// next is how long it waits after a probe that failed.
func (b Breaker) next(cooldown time.Duration) time.Duration {
	return min(max(2*cooldown, b.first()), max(b.MaxCooldown, b.first()))
}

// miss counts a failure that a receiver makes which is away, and opens the
// breaker after so many in a row. It reports whether it opened just now.
func (h *health) miss(probe bool, now time.Time) bool {
	b := h.endpoint.Breaker
	if h.state.OpenUntil.IsZero() {
		h.misses++
		if b.Failures <= 0 || h.misses < b.Failures {
			return false
		}
		h.state.Cooldown = b.first()
		h.state.OpenUntil = now.Add(h.state.Cooldown)
		return true
	}
	if probe {
		h.state.Cooldown = b.next(h.state.Cooldown)
		h.state.OpenUntil = now.Add(h.state.Cooldown)
	}
	// Else it was under way when the breaker opened, and says nothing new.
	return false
}

// close lets everything through again: the receiver is there.
func (h *health) close() {
	h.misses, h.state.OpenUntil, h.state.Cooldown = 0, time.Time{}, 0
}

// probeNow lets a breaker that is open try at once.
func (h *health) probeNow(now time.Time) {
	if h.state.Breaker(now) == BreakerOpen {
		h.state.OpenUntil = now
	}
}
