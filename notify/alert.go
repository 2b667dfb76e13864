package notify

import (
	"fmt"
	"time"
)

// alertRetryWait is how long an alert waits that could not be told.
const alertRetryWait = 10 * time.Second

// keep saves what has changed of the endpoint's state and tells others what
// they are to be told. What is to be told is saved first, so that neither a
// crash nor a store that fails loses it.
func (w *worker) keep(now time.Time) {
	if w.session.failure() != nil || w.void.Load() {
		return // nothing can be saved any more
	}
	h := w.health
	h.recover(now)
	if h.changed() && w.saveState() != nil || h.state.Untold == "" || now.Before(w.tellAgain) {
		return
	}
	if err := w.session.options.Alert(w.ctx, h.state); err != nil {
		if w.lost(err) {
			return
		}
		w.tellAgain = now.Add(alertRetryWait)
		w.log.Log(w.ctx, w.alerts.failed(0), "alert not told", "type", h.state.Untold, "err", err, "again_in", alertRetryWait)
		return
	}
	if w.alerts.well(0) {
		w.log.Info("alerts are told again", "type", h.state.Untold)
	}
	h.told()
	// One that is told once more after a crash is better than one that never is.
	_ = w.saveState()
}

// saveState makes the state durable, however long that takes.
func (w *worker) saveState() error { return w.saveStateTo(w.session.queue) }

// saveStateTo makes the state durable. That it cannot for good is fatal. Of an
// endpoint that was removed nothing is saved: whoever removed it may have removed
// its state.
func (w *worker) saveStateTo(queue Queue) error {
	if w.mail.removed() {
		return ErrUnknownEndpoint
	}
	if err := queue.SaveEndpointState(w.ctx, w.health.state); err != nil {
		err = fmt.Errorf("save endpoint state: %w", err)
		if w.lost(err) {
			return fmt.Errorf("%w: %w", ErrElsewhere, err)
		}
		if w.void.Load() {
			return err // there is no time left for it
		}
		if queue == w.session.queue || !w.session.options.Passes(err) {
			w.session.fail(err)
		}
		return err
	}
	w.health.saved = w.health.state
	return nil
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
