package notify

import (
	"log/slog"
	"time"
)

// failureQuiet is for how long a failure is no news after one was told.
const failureQuiet = 10 * time.Minute

// failureLog logs what comes of the attempts of an endpoint: the first failure
// loud, those that follow and the end of what was quiet at the debug level. An
// endpoint that fails now and then, between successes, is loud once in a while and
// not each time.
type failureLog struct {
	log *slog.Logger
	// failing says that the last attempt failed; told, that a failure since the last
	// success was loud.
	failing, told bool
	// toldAt is when one was loud last.
	toldAt time.Time
	// lastError is why the last attempt failed.
	lastError string
}

// tell logs an attempt, and what is dead always.
func (l *failureLog) tell(p *pending, o *Outcome, failed bool) {
	at := o.Attempt.At
	loud := failed && !l.told && (l.toldAt.IsZero() || at.Sub(l.toldAt) >= failureQuiet)
	switch {
	case o.State == Dead:
		l.log.Warn("delivery dead", "delivery", p.id, "position", p.position, "posts", o.Attempt.Number, "err", o.Attempt.Error)
		loud = true
	case loud:
		l.log.Warn("delivery failed", "delivery", p.id, "position", p.position, "posts", o.Attempt.Number, "err", o.Attempt.Error)
	case failed:
		l.log.Debug("delivery failed again", "delivery", p.id, "posts", o.Attempt.Number, "err", o.Attempt.Error)
	case l.told:
		l.log.Info("endpoint recovered")
	case l.failing:
		l.log.Debug("endpoint recovered again")
	}
	if loud {
		l.toldAt = at
	}
	l.failing, l.told = failed, failed && (l.told || loud)
	l.lastError = o.Attempt.Error
}
