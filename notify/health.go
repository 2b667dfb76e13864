package notify

import (
	"fmt"
	"time"
)

const (
	// lasting is how long an endpoint has to fail before that is saved, so that
	// one that fails now and then costs no write each time.
	lasting = time.Minute
	// refresh is how often the time of the last failure is saved.
	refresh = time.Hour
	// calm is how long an endpoint that was told to be failing has to be well
	// before others are told so. One that comes and goes is told to be failing
	// once.
	calm = time.Minute
	// silence is how long there may be nothing between two failures, beyond the
	// longest wait for a retry, if nothing but failures is to be said of the time.
	silence = 25 * time.Hour
)

// ReasonGone is the [EndpointState.Reason] of an endpoint that said itself that
// it is gone.
const ReasonGone = "the endpoint answered 410 Gone"

// disabledNow ends the error of the attempt that disabled its endpoint.
const disabledNow = ": the endpoint is disabled"

// health is how an endpoint stands: what its answers say of it, what keeps it
// from being posted to, and what others are to be told of it. It neither posts
// nor saves. It belongs to the worker's goroutine.
type health struct {
	endpoint *Endpoint
	// state is how it stands, saved how it was saved last.
	state, saved EndpointState

	// probing says that the attempt is under way that a half-open breaker lets
	// through, misses counts the failures in a row of the kind that opens it.
	probing bool
	misses  int
	// failed is the delivery that the failures since FailingSince were of, several
	// says that they were of more than one.
	failed  int64
	several bool
	// wellAt is when others can be told that it recovered, zero while nothing has
	// succeeded since they were told of a failure.
	wellAt time.Time
}

// finding is what the end of an attempt says of its endpoint.
type finding struct {
	verdict  Verdict
	delivery int64
	// reason is the attempt's error.
	reason string
	// probe says that it was let through by a half-open breaker, dead that the
	// delivery has ended by it.
	probe, dead bool
}

func newHealth(e *Endpoint, state EndpointState, now time.Time) *health {
	h := &health{endpoint: e, state: state, saved: state}
	if state.Told && state.FailingSince.IsZero() && !state.Disabled {
		h.wellAt = now.Add(calm)
	}
	h.adopt(e, now)
	return h
}

// adopt goes on with a configuration. Times beyond what it allows were saved
// before it was changed, or before the clock was set back. What another URL has
// answered says nothing of the new one.
func (h *health) adopt(e *Endpoint, now time.Time) {
	s := &h.state
	if h.endpoint.URL != e.URL {
		s.PausedUntil, s.Failures, s.FailingSince, h.misses = time.Time{}, 0, time.Time{}, 0
		h.probeNow(now)
	}
	h.endpoint = e
	if most := e.Retry.MaxRetryAfter; most > 0 && s.PausedUntil.Sub(now) > most {
		s.PausedUntil = now.Add(most)
	}
	if most := e.Breaker.next(s.Cooldown); s.OpenUntil.Sub(now) > most {
		s.OpenUntil = now.Add(most)
	}
	if e.Breaker.Failures <= 0 {
		h.close()
	}
	if s.FailingSince.After(now) {
		s.FailingSince = now
	}
}

// postable reports whether the endpoint may be posted to.
func (h *health) postable(now time.Time) bool {
	s := &h.state
	return !h.stopped() && !now.Before(s.PausedUntil) && !now.Before(s.OpenUntil)
}

// stopped reports whether only the operator can let it be posted to again.
func (h *health) stopped() bool { return !h.endpoint.Enabled || h.state.Disabled || h.state.Paused }

// postableAt returns when an endpoint that is not stopped is postable; a time
// that has passed where it is.
func (h *health) postableAt() time.Time {
	if h.state.OpenUntil.After(h.state.PausedUntil) {
		return h.state.OpenUntil
	}
	return h.state.PausedUntil
}

// most is how many attempts may be under way of a postable endpoint, when so
// many are. A half-open breaker lets one through, beside those from before.
func (h *health) most(inFlight int) int {
	most := h.endpoint.maxInFlight()
	switch {
	case h.state.OpenUntil.IsZero():
		return most
	case h.probing:
		return min(inFlight, most)
	}
	return min(inFlight+1, most)
}

// begin notes that an attempt is made, and reports whether it is a probe.
func (h *health) begin() bool {
	probe := !h.state.OpenUntil.IsZero()
	h.probing = h.probing || probe
	return probe
}

// end notes that the attempt is over, whatever came of it.
func (h *health) end(probe bool) {
	if probe {
		h.probing = false
	}
}

// take learns from an attempt that was made.
func (h *health) take(a finding, now time.Time) {
	v := a.verdict
	// Of several that were refused at once for a limit, the first has said it.
	again := !v.Counts && now.Before(h.state.PausedUntil)
	if until := now.Add(v.Pause); v.Pause > 0 && until.After(h.state.PausedUntil) {
		h.state.PausedUntil = until
	}
	switch {
	case v.Action == Deliver:
		h.succeed(now)
	case v.Action == Disable:
		h.close()
		h.disable(ReasonGone, now)
	case v.Action == Retry && (v.Counts || v.Away):
		h.fail(&a, again, now)
	case v.Action == Retry && v.Pause == 0:
		// Nothing can be posted until the configuration is repaired.
		h.sicken(a.reason, now)
	}
	if a.dead {
		h.sicken("a delivery is dead after its last attempt: "+a.reason, now)
	}
}

// succeed ends the failures.
func (h *health) succeed(now time.Time) {
	h.close()
	h.state.FailingSince = time.Time{}
	if !h.state.Told {
		h.state.Failures = 0
	} else if h.wellAt.IsZero() {
		h.wellAt = now.Add(calm)
	}
}

// fail counts a failure of the endpoint. An answer of any kind shows that the
// receiver is there: what it refuses is an affair of that delivery.
func (h *health) fail(a *finding, again bool, now time.Time) {
	s := &h.state
	if s.FailingSince.IsZero() || h.broken(now) {
		s.FailingSince, s.Failures = now, 0
		h.failed, h.several = a.delivery, false
	}
	if h.failed == 0 {
		h.failed = a.delivery
	}
	h.several = h.several || h.failed != a.delivery
	s.FailedAt = now
	s.Failures++
	switch {
	case !a.verdict.Away:
		h.close()
	case !again && h.miss(a.probe, now):
		h.sicken(fmt.Sprintf("%d attempts in a row failed, the last one: %s", h.misses, a.reason), now)
	}
	after := h.endpoint.DisableAfter
	if after > 0 && now.Sub(s.FailingSince) >= after && (a.verdict.Away || h.several) {
		h.close()
		h.disable(fmt.Sprintf("nothing but failures for %s, the last one: %s", after, a.reason), now)
	}
}

// broken reports whether nothing is known of a time since the last failure: no
// attempt was made, pollwire was away, or the clock was set.
func (h *health) broken(now time.Time) bool {
	passed := now.Sub(h.state.FailedAt)
	return passed < 0 || passed > silence+h.endpoint.Retry.longest()
}

// disable stops posting, for a reason that others are told.
func (h *health) disable(reason string, now time.Time) {
	if h.state.Disabled {
		return
	}
	h.state.Disabled, h.state.Reason, h.state.Since = true, reason, now
	h.state.Told, h.state.Untold = true, EndpointDisabled
	h.wellAt = time.Time{}
}

// sicken has others told that the endpoint fails, once until it is well.
func (h *health) sicken(reason string, now time.Time) {
	h.wellAt = time.Time{}
	s := &h.state
	if s.Told || s.Disabled {
		return
	}
	s.Reason, s.Since = reason, now
	if !s.FailingSince.IsZero() {
		s.Since = s.FailingSince
	}
	s.Told, s.Untold = true, EndpointFailing
}

// recover has others told that the endpoint is well when it has been for long
// enough.
func (h *health) recover(now time.Time) {
	if at := h.recoverAt(); !at.IsZero() && !now.Before(at) {
		h.state.Told, h.state.Untold = false, EndpointRecovered
		h.wellAt = time.Time{}
	}
}

// recoverAt returns when recover has something to do; zero for never.
func (h *health) recoverAt() time.Time {
	s := &h.state
	if !s.Told || s.Untold != "" || s.Disabled || !s.FailingSince.IsZero() {
		return time.Time{}
	}
	return h.wellAt
}

// told notes that others were told what was to be told.
func (h *health) told() {
	s := &h.state
	if s.Untold == EndpointRecovered {
		s.Reason, s.Since = "", time.Time{}
		if s.FailingSince.IsZero() {
			s.Failures = 0
		}
	}
	s.Untold = ""
}

// enable lets an endpoint that is disabled be posted to, as if it were new.
func (h *health) enable(time.Time) {
	s := &h.state
	if !s.Disabled {
		return
	}
	h.close()
	s.Disabled, s.PausedUntil, s.FailingSince = false, time.Time{}, time.Time{}
	if !s.Told {
		s.Reason, s.Since, s.Failures = "", time.Time{}, 0
	}
}

// resume ends every pause, and lets the breaker try at once.
func (h *health) resume(now time.Time) {
	h.state.Paused, h.state.PausedUntil = false, time.Time{}
	h.probeNow(now)
}

// changed reports whether the state is to be saved.
func (h *health) changed() bool {
	old, s := h.saved, h.state
	failing := func(s *EndpointState) bool {
		return !s.FailingSince.IsZero() && (s.Told || s.FailedAt.Sub(s.FailingSince) >= lasting)
	}
	switch {
	case old.PausedUntil.Sub(s.PausedUntil).Abs() >= time.Second:
		return true
	case failing(&s) && (old.FailingSince.IsZero() || s.FailedAt.Sub(old.FailedAt) >= refresh):
		return true
	case !old.FailingSince.IsZero() && !old.FailingSince.Equal(s.FailingSince):
		return true
	}
	// What is left is saved whenever it is another.
	old.PausedUntil, old.Failures, old.FailingSince, old.FailedAt = s.PausedUntil, s.Failures, s.FailingSince, s.FailedAt
	return old != s
}
