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
		return w.backlog.next(w.ctx, now)
	}
	sift := func(l *lane) (bool, error) {
		if l.sifted == w.backlog.round {
			return true, nil
		}
		return w.sift(nil, now)
	}
	l, due, err := w.backlog.gather(w.ctx, now, w.endpoint.Batch, sift)
	w.gatherAt = due
	return l, err
}

// postBatch makes one attempt of a batch. It is saved before its first one, with
// as many of its members as fit into one body.
func (w *worker) postBatch(a answered, members []pending, saved bool) {
	most := w.session.options.bounds.batchBytes
	if saved {
		most = 0 // they stay what they are
	}
	told, err := w.tell(a.endpoint, members, most)
	if err == nil && !saved {
		if n := len(told.members); n < len(members) {
			a.left = members[n].id
		}
		a.saved, err = w.saveBatch(a.lane.batch, told.members)
		told.keep(a.saved)
	}
	switch a.broken = told.broken; {
	case errors.Is(err, ErrInterrupted):
		a.verdict = Judge(0, ErrInterrupted, 0)
	case err != nil:
		a.err = err
	case len(told.members) > 0:
		a.attempt, a.verdict = w.attemptBatch(a.endpoint, a.lane.batch, &told)
	}
	a.verdict.Probe = a.probe
	w.answers <- a
}

// saveBatch makes the members of a batch durable, however long that takes. That
// it cannot for good is fatal.
func (w *worker) saveBatch(batch string, members []pending) ([]int64, error) {
	ids := make([]int64, len(members))
	for i := range members {
		ids[i] = members[i].id
	}
	saved, err := w.session.queue.SaveBatch(w.ctx, w.name, batch, ids)
	if err != nil {
		err = fmt.Errorf("save batch: %w", err)
		switch {
		case w.lost(err), w.void.Load():
			return nil, ErrInterrupted // the endpoint is not served here any more
		}
		w.session.fail(err)
		return nil, err
	}
	return append([]int64{}, saved...), nil
}

// kept notes which members a batch was saved with, and reports whether there are
// any. The others have not fitted into it, or have ended meanwhile.
func (w *worker) kept(a *answered, now time.Time) bool {
	if a.saved == nil {
		return true
	}
	a.lane.saved = true
	if a.left > 0 {
		w.backlog.giveBack(a.lane, a.left, now)
	}
	a.lane.origins = nil
	w.backlog.keep(a.lane, func(id int64) bool { return slices.Contains(a.saved, id) })
	if len(a.lane.items) == 0 {
		w.backlog.end(a.lane, now)
		return false
	}
	return true
}

// settleBatch records the outcome of the first member for all of them, at once.
func (w *worker) settleBatch(a answered, o Outcome, report Report, now time.Time) {
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
		report.ended(own.State)
		p.posts, p.attempts, p.notBefore = o.Attempt.Number, o.Attempts, o.NotBefore
	}
	w.session.options.Done(report)
	w.session.recorder.add(w.tenure, outcomes...)
	if len(a.broken) > 0 {
		w.backlog.keep(l, func(id int64) bool { return a.broken[id] == nil })
	}
	if o.State != Waiting || len(l.items) == 0 {
		w.backlog.end(l, now)
		return
	}
	w.backlog.place(l, now)
}

// telling is what the members of a batch are told by.
type telling struct {
	members []pending
	// bodies are in the order of the members; broken says of which there is none,
	// and why.
	bodies [][]byte
	broken map[int64]error
}

// tell makes the bodies of the first members that fit into so many bytes, at
// least one of them; 0 is any number. Members that no body can be made of take up
// no room, and are the same each time.
func (w *worker) tell(e *Endpoint, members []pending, most int) (telling, error) {
	t := telling{broken: make(map[int64]error)}
	size := 0
	for i := range members {
		m, err := w.session.bodies.get(w.posts, e, members[i].position)
		switch {
		case errors.Is(err, errBody):
			t.broken[members[i].id] = err
			t.bodies = append(t.bodies, nil)
		case w.posts.Err() != nil:
			return telling{}, ErrInterrupted // the worker ends, the event is fine
		case err != nil:
			return telling{}, err
		case most > 0 && size > 0 && size+len(m.bytes) > most:
			t.members = members[:i]
			return t, nil
		default:
			size += len(m.bytes)
			t.bodies = append(t.bodies, m.bytes)
		}
	}
	t.members = members
	return t, nil
}

// keep leaves those members that a batch was saved with.
func (t *telling) keep(saved []int64) {
	all := *t
	t.members, t.bodies = nil, nil
	for i := range all.members {
		if id := all.members[i].id; slices.Contains(saved, id) {
			t.members, t.bodies = append(t.members, all.members[i]), append(t.bodies, all.bodies[i])
		} else {
			delete(t.broken, id)
		}
	}
}

// attemptBatch posts a batch once, without the members that are broken.
func (w *worker) attemptBatch(e *Endpoint, batch string, t *telling) (Attempt, Verdict) {
	first := &t.members[0]
	bodies := slices.DeleteFunc(t.bodies, func(body []byte) bool { return body == nil })
	if len(bodies) == 0 {
		err := t.broken[t.members[len(t.members)-1].id]
		return Attempt{Number: first.posts, At: time.Now(), Error: err.Error()}, Judge(0, err, 0)
	}
	return w.session.options.Sender.Send(w.posts, e, Message{
		ID: batch, ContentType: e.ContentType(true), Body: RenderBatch(e, bodies),
		Number: first.posts + 1, Replay: first.replay, gate: w.holds,
	})
}
