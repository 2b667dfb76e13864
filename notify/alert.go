package notify

import "time"

// alertRetryWait is how long an alert waits that could not be told.
const alertRetryWait = 10 * time.Second

// keep saves what has changed of the endpoint's state and tells others what
// they are to be told. What is to be told is saved first, so that neither a
// crash nor a store that fails loses it.
func (w *worker) keep(now time.Time) {
	if w.session.failure() != nil {
		return // nothing can be saved any more
	}
	h := w.health
	h.recover(now)
	if h.changed() && w.saveState() != nil || h.state.Untold == "" || now.Before(w.tellAgain) {
		return
	}
	if err := w.session.options.Alert(w.session.ctx, h.state); err != nil {
		w.tellAgain = now.Add(alertRetryWait)
		w.log.Log(w.session.ctx, w.alerts.failed(0), "alert not told", "type", h.state.Untold, "err", err, "again_in", alertRetryWait)
		return
	}
	if w.alerts.well(0) {
		w.log.Info("alerts are told again", "type", h.state.Untold)
	}
	h.told()
	// One that is told once more after a crash is better than one that never is.
	_ = w.saveState()
}

// keepDue returns when keep has something to do by itself; zero for never.
func (w *worker) keepDue() time.Time {
	if w.health.state.Untold != "" {
		return w.tellAgain
	}
	return w.health.recoverAt()
}

// react learns from an attempt, and saves what must be known before its outcome
// is: a delivery that is recorded as dead will not come again to be told of.
func (w *worker) react(a finding, now time.Time) {
	h := w.health
	before := h.state
	h.take(a, now)
	w.logHealth(&before, &h.state)
	if h.changed() {
		_ = w.saveState() // which has said so, and ended the session
	}
}

func (w *worker) logHealth(before, after *EndpointState) {
	switch {
	case after.Disabled && !before.Disabled:
		w.log.Warn("endpoint disabled", "reason", after.Reason, "failures", after.Failures)
	case before.OpenUntil.IsZero() && !after.OpenUntil.IsZero():
		w.log.Warn("endpoint is failing: its deliveries wait", "failures", after.Failures, "since", after.FailingSince, "again_in", after.Cooldown)
	case before.OpenUntil.Before(after.OpenUntil):
		w.log.Debug("endpoint still fails", "failures", after.Failures, "since", after.FailingSince, "again_in", after.Cooldown)
	}
}

// earliest returns the earlier of two times, of which a zero one does not count.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
