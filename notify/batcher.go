package notify

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// next takes what is posted next.
func (w *worker) next(now time.Time) (*lane, error) {
	if !w.endpoint.Batch.batches() {
		return w.backlog.next(w.session.ctx, now)
	}
	sift := func(l *lane) (bool, error) {
		if l.sifted == w.backlog.round {
			return true, nil
		}
		return w.sift(nil, now)
	}
	l, due, err := w.backlog.gather(w.session.ctx, now, w.endpoint.Batch, sift)
	w.gatherAt = due
	return l, err
}

// postBatch makes one attempt of a batch, which is saved before its first one.
func (w *worker) postBatch(a answered, members []pending, saved bool) {
	if !saved {
		a.saved, a.err = w.saveBatch(a.lane.batch, members)
		members = slices.DeleteFunc(members, func(p pending) bool { return !slices.Contains(a.saved, p.id) })
	}
	if a.err == nil && len(members) > 0 {
		a.attempt, a.verdict, a.broken, a.err = w.session.attemptBatch(a.endpoint, a.lane.batch, members)
	}
	a.verdict.Probe = a.probe
	w.answers <- a
}

// saveBatch makes the members of a batch durable. That it cannot is fatal.
func (w *worker) saveBatch(batch string, members []pending) ([]int64, error) {
	ids := make([]int64, len(members))
	for i := range members {
		ids[i] = members[i].id
	}
	saved, err := w.session.options.Queue.SaveBatch(w.session.ctx, w.name, batch, ids)
	if err != nil {
		err = fmt.Errorf("save batch: %w", err)
		w.session.fail(err)
		return nil, err
	}
	return append([]int64{}, saved...), nil
}

// kept notes which members a batch was saved with, and reports whether there are
// any. The others have ended meanwhile.
func (w *worker) kept(a *answered, now time.Time) bool {
	if a.saved == nil {
		return true
	}
	a.lane.saved = true
	w.backlog.keep(a.lane, func(id int64) bool { return slices.Contains(a.saved, id) })
	if len(a.lane.items) == 0 {
		w.backlog.end(a.lane, now)
		return false
	}
	return true
}

// settleBatch records the outcome of the first member for all of them, at once.
func (w *worker) settleBatch(a answered, o Outcome, now time.Time) {
	l := a.lane
	outcomes := make([]Outcome, 0, len(l.items))
	for i := range l.items {
		p := &l.items[i]
		own := o
		own.Delivery = p.id
		if err := a.broken[p.id]; err != nil {
			own.State, own.Attempt.Status, own.Attempt.Error, own.Attempt.Response = Dead, 0, err.Error(), nil
		}
		outcomes = append(outcomes, own)
		p.posts, p.attempts, p.notBefore = o.Attempt.Number, o.Attempts, o.NotBefore
	}
	w.session.recorder.add(outcomes...)
	if len(a.broken) > 0 {
		w.backlog.keep(l, func(id int64) bool { return a.broken[id] == nil })
	}
	if o.State != Waiting || len(l.items) == 0 {
		w.backlog.end(l, now)
		return
	}
	w.backlog.place(l, now)
}

// attemptBatch posts a batch once. Members that no body can be made of are left
// out, as they are each time.
func (s *session) attemptBatch(e *Endpoint, batch string, members []pending) (Attempt, Verdict, map[int64]error, error) {
	bodies := make([][]byte, 0, len(members))
	broken := make(map[int64]error)
	var last error
	for i := range members {
		m, err := s.bodies.get(s.posts, e, members[i].position)
		switch {
		case errors.Is(err, errBody):
			broken[members[i].id], last = err, err
		case s.posts.Err() != nil:
			return Attempt{}, Judge(0, ErrInterrupted, 0), nil, nil //nolint:nilerr // the session ends, the event is fine
		case err != nil:
			return Attempt{}, Verdict{}, nil, err
		default:
			bodies = append(bodies, m.bytes)
		}
	}
	if len(bodies) == 0 {
		return Attempt{Number: members[0].posts, At: time.Now(), Error: last.Error()}, Judge(0, last, 0), broken, nil
	}
	attempt, verdict := s.options.Sender.Send(s.posts, e, Message{
		ID: batch, ContentType: e.ContentType(true), Body: RenderBatch(e, bodies),
		Number: members[0].posts + 1, Replay: members[0].replay,
	})
	return attempt, verdict, broken, nil
}
