package notify

import (
	"errors"
	"time"
)

// attempt posts a delivery once. With an error nothing was attempted, because
// the event could not be read.
func (w *worker) attempt(e *Endpoint, p *pending) (Attempt, Verdict, error) {
	m, err := w.session.bodies.get(w.posts, e, p.position)
	switch {
	case errors.Is(err, errBody):
		// No receiver can be told this event, however often it is tried.
		return Attempt{Number: p.posts, At: time.Now(), Error: err.Error()}, Judge(0, err, 0), nil
	case w.posts.Err() != nil:
		return Attempt{}, Judge(0, ErrInterrupted, 0), nil //nolint:nilerr // the worker ends, the event is fine
	case err != nil:
		return Attempt{}, Verdict{}, err
	}
	attempt, verdict := w.session.options.Sender.Send(w.posts, e, Message{
		ID: m.id, ContentType: e.ContentType(false), Body: m.bytes, Number: p.posts + 1, Replay: p.replay, gate: w.holds,
	})
	return attempt, verdict, nil
}

// post makes one attempt. The worker reads answers until none is under way.
func (w *worker) post(a answered, p pending) {
	a.attempt, a.verdict, a.err = w.attempt(a.endpoint, &p)
	a.verdict.Probe = a.probe
	w.answers <- a
}
