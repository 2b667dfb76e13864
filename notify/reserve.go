package notify

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// paceGather is how long a save that nobody waits for yet gathers others.
const paceGather = 100 * time.Millisecond

// reserve reports whether an attempt is reserved on disk, and has more reserved
// where that is due. Something waits to be posted.
func (w *worker) reserve(now time.Time) bool {
	if !w.pacer.known && !w.readPace(now) {
		return false
	}
	r := &w.pacer.reserved
	covered := r.covered()
	if !r.saving && (!covered || r.stale) {
		waits := 0
		if !covered {
			waits = max(1, w.backlog.held)
		}
		w.session.paces.save(w, w.pacer.save(w.name, waits, now), !covered)
	}
	return covered
}

// reserving reports whether a save has to end, or a failed read to be tried again,
// before an attempt can be made.
func (w *worker) reserving(now time.Time) bool {
	if !w.pacer.known {
		return now.Before(w.readAgain)
	}
	return w.pacer.reserved.saving && !w.pacer.reserved.covered()
}

// readPace reads what was made before.
func (w *worker) readPace(now time.Time) bool {
	if now.Before(w.readAgain) {
		return false
	}
	saved, err := w.session.options.Queue.Pace(w.ctx, w.name)
	if err != nil {
		w.unreadable(fmt.Errorf("read rate limit: %w", err), now)
		return false
	}
	var skew time.Duration
	if w.session.options.Leased {
		skew = clockSkew
	}
	w.pacer.restore(saved, skew, time.Now())
	return true
}

// renewPace has the next chunk reserved, or what was made saved, though nothing
// waits for that.
func (w *worker) renewPace(now time.Time) {
	if r := &w.pacer.reserved; r.stale && !r.saving && w.pacer.limited() && w.pacer.known && !w.halted && !w.leaving() {
		w.session.paces.save(w, w.pacer.save(w.name, 0, now), false)
	}
}

// paceIsSaved reports whether what is saved of the rate limit is what is so, and
// has it saved where it is not. No attempt is under way, and none comes. Of an
// endpoint that was removed nothing is saved.
func (w *worker) paceIsSaved() bool {
	r := &w.pacer.reserved
	switch {
	case w.ctx.Err() != nil || w.session.failure() != nil:
		return true // it is never saved any more
	case r.saving:
		return false // it would be saved later, over what the heir saves
	case w.void.Load() || !w.pacer.limited() || !w.pacer.known || !r.touched || w.mail.removed():
		return true
	}
	w.session.paces.save(w, w.pacer.saveExact(w.name, time.Now()), true)
	return false
}

// paceSaver makes the paces of a session's workers durable, many at a time.
type paceSaver struct {
	queue *patientQueue
	// fail is called with an error that is for good.
	fail func(error)
	// wanted and urgent wake it; each holds one signal.
	wanted, urgent chan struct{}
	stop, done     chan struct{}
	calls

	waiting struct {
		sync.Mutex
		paces []paceEntry
	}
}

// paceEntry is what a worker wants saved; it has one at a time.
type paceEntry struct {
	of   *worker
	pace Pace
}

func newPaceSaver(queue *patientQueue, fail func(error)) *paceSaver {
	return &paceSaver{
		queue: queue, fail: fail,
		wanted: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// save has a pace saved: soon, or at once. The worker is told what became of it.
func (s *paceSaver) save(w *worker, p Pace, now bool) {
	s.waiting.Lock()
	s.waiting.paces = append(s.waiting.paces, paceEntry{w, p})
	s.waiting.Unlock()
	wake := s.wanted
	if now {
		wake = s.urgent
	}
	select {
	case wake <- struct{}{}:
	default:
	}
}

// finish returns when nothing is being saved. All workers have ended.
func (s *paceSaver) finish() {
	close(s.stop)
	<-s.done
}

// run saves until finish is called.
func (s *paceSaver) run(ctx context.Context) {
	defer close(s.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.urgent:
		case <-s.wanted:
			timer.Reset(paceGather)
			select {
			case <-s.stop:
				return
			case <-s.urgent:
			case <-timer.C:
			}
		}
		s.waiting.Lock()
		batch := s.waiting.paces
		s.waiting.paces = nil
		s.waiting.Unlock()
		s.saveAll(ctx, batch)
	}
}

// saveAll saves a batch. Where one of them is somebody else's by now the others are
// saved without it.
func (s *paceSaver) saveAll(ctx context.Context, batch []paceEntry) {
	err := s.write(ctx, batch)
	if err != nil && len(batch) > 1 && batch[0].of.session.options.Lost(err) {
		for i := range batch {
			s.saveAll(ctx, batch[i:i+1])
		}
		return
	}
	for i := range batch {
		w := batch[i].of
		w.mail.ask(func() { w.pacer.reserved.end(err == nil) })
	}
	// What a stop has cut short is assumed to be spent, as after a crash.
	if err != nil && ctx.Err() == nil && !batch[0].of.lost(err) {
		s.fail(fmt.Errorf("save rate limits: %w", err))
	}
}

// write makes a batch durable, however long that takes, but for what is void by
// then.
func (s *paceSaver) write(ctx context.Context, batch []paceEntry) error {
	var paces []Pace
	prepare := func() {
		paces = make([]Pace, 0, len(batch))
		for i := range batch {
			if !batch[i].of.void.Load() {
				paces = append(paces, batch[i].pace)
			}
		}
	}
	return s.queue.write(ctx, func() error {
		return s.make(ctx, prepare, func(ctx context.Context) error {
			if len(paces) == 0 {
				return nil
			}
			return s.queue.SavePaces(ctx, paces)
		})
	})
}
