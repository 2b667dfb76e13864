package poller

import (
	"context"
	"time"
)

// maxSleep is how long the loop sleeps at most while there are sources, so that
// a change of the wall clock is noticed.
const maxSleep = time.Minute

// loop is the one goroutine that fires.
func (s *Scheduler) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.wake:
		case <-s.pings:
		}
		if d, ok := s.fireDue(); ok {
			timer.Reset(d)
		} else {
			timer.Stop()
		}
	}
}

// fireDue fires all that is due, and returns for how long to sleep; not ok means
// until something is added.
func (s *Scheduler) fireDue() (d time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	fired := 0
	for s.state == stateRunning && len(s.heap) > 0 && s.heap[0].due <= now {
		s.fire(s.heap[0], now)
		fired++
	}
	s.ticks.count(now, fired)
	if len(s.heap) == 0 {
		s.wakeAt = noRun
		return 0, false
	}
	s.wakeAt = min(s.ticks.wakeAt(s.heap[0].due), now+int64(maxSleep))
	return time.Duration(s.wakeAt - now), true
}

// fire does what is due of an entry: a request that is made again, a new poll,
// or both, of which the new poll is then dropped.
func (s *Scheduler) fire(e *entry, now int64) {
	if e.retryAt <= now {
		e.retryAt = noRun
		s.admit(e, e.request+1)
	}
	if due := e.runAt(); due <= now {
		e.followSchedule(now)
		if e.phase == phaseIdle {
			e.dueAt = due
			s.admit(e, 1)
		} else {
			s.dropped++
			s.logger.Debug("run dropped, the last poll has not ended", "source", e.source.Name)
		}
	}
	e.setDue()
	s.heap.fix(e)
}

// admit queues an entry at its limit for a request, behind all that wait there.
func (s *Scheduler) admit(e *entry, request int) {
	e.phase, e.request = phaseWaiting, request
	s.limiter.enqueue(e.source.Limit, e.source.Cost, &e.ticket)
}

// ask makes one request of a poll on a worker.
func (s *Scheduler) ask(e *entry) {
	s.mu.Lock()
	if s.state != stateRunning || e.phase != phaseWaiting {
		s.mu.Unlock()
		return
	}
	if reason := s.held(e); reason != nil {
		s.refuse(e, reason)
		return
	}
	// The limit is asked last: what it admits is sent. An entry may come here
	// again after its ticket was cancelled; then the ticket refuses.
	if !s.limiter.use(&e.ticket) {
		s.mu.Unlock()
		return
	}
	e.phase = phaseRunning
	source, request, ctx := e.source, e.request, s.contextOf(e)
	now := s.now() // first: it may find that the clock was set
	due := e.dueAt
	e.dueAt = 0
	s.mu.Unlock()
	if due > 0 {
		s.begun(source, time.Duration(now-due))
	}
	outcome := s.poll(ctx, source, request)
	s.limiter.release(&e.ticket)
	s.finish(e, outcome)
}

// contextOf is the context of all attempts of an entry; where sources are leased,
// that of one request. The lock is held.
func (s *Scheduler) contextOf(e *entry) context.Context {
	if s.leased {
		ctx, cancel := context.WithCancelCause(s.ctx)
		e.cancel = cancel
		if e.ticket.limit == nil {
			return ctx
		}
		return &ticketContext{ctx, &e.ticket}
	}
	if e.ticket.limit == nil {
		return s.ctx
	}
	if e.ctx.Context == nil {
		e.ctx = ticketContext{s.ctx, &e.ticket}
	}
	return &e.ctx
}

// held asks the gate about an entry. The lock is held.
func (s *Scheduler) held(e *entry) error {
	if s.gate == nil || e.asked {
		return nil
	}
	return s.gate.Held(e.source)
}

// refuse ends the poll of an entry without sending anything, and gives back what
// its limit offered. It unlocks.
func (s *Scheduler) refuse(e *entry, reason error) {
	s.limiter.cancel(&e.ticket)
	e.phase = phaseRunning
	source, ctx := e.source, s.contextOf(e)
	s.mu.Unlock()
	s.gate.Refuse(ctx, source, reason)
	s.finish(e, Outcome{})
}

// finish decides what follows a request.
func (s *Scheduler) finish(e *entry, o Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.cancel != nil {
		e.cancel(nil)
		e.cancel = nil
	}
	if e.departure != nil {
		s.depart(e, o)
	}
	switch {
	case e.removed:
		e.phase = phaseIdle
		delete(s.entries, e.source.Name)
	case s.state != stateRunning && (o.RetryAfter > 0 || o.More || s.ctx.Err() != nil):
		// The poll has not come to its end. Its run stays the saved one, and
		// counts as missed at the next start.
	case o.RetryAfter > 0:
		e.phase = phaseBackoff
		e.retryAt = s.now() + int64(o.RetryAfter)
		s.reschedule(e)
	case o.More:
		s.admit(e, e.request+1)
	default:
		e.phase, e.request, e.asked = phaseIdle, 0, false
		s.markUnsaved(e)
		e.dueAt = 0 // of one that was held
		s.keepAway(e, o.Interval)
		if e.again && s.state == stateRunning {
			e.again = false
			s.hasten(e)
		}
	}
}

// keepAway lets no poll of an entry begin before a while has passed, if that is
// positive, and gives up what the poll before asked for. The lock is held.
func (s *Scheduler) keepAway(e *entry, interval time.Duration) {
	was := e.notBefore
	e.notBefore = 0
	if interval > 0 {
		e.notBefore = s.now() + int64(interval)
	}
	if max(was, e.notBefore) <= e.fireAt {
		return
	}
	if e.notBefore > e.fireAt {
		s.logger.Debug("run put off, the last answer asks for more time between polls", "source", e.source.Name, "interval", interval)
	}
	s.reschedule(e)
}

// hasten polls an entry that is idle now, or as soon as its last answer allows. The
// lock is held.
func (s *Scheduler) hasten(e *entry) {
	if e.notBefore <= s.now() {
		e.asked = true
		s.admit(e, 1)
		return
	}
	e.bring()
	s.reschedule(e)
}

// reschedule puts an entry in the place in the heap that its times call for. The
// lock is held.
func (s *Scheduler) reschedule(e *entry) {
	e.setDue()
	s.heap.fix(e)
	if s.ticks.wakeAt(e.due) < s.wakeAt {
		signal(s.wake)
	}
}

// now reads the wall clock, and brings all entries in order if it was set. The
// lock is held.
func (s *Scheduler) now() int64 {
	now, jump := s.clock.read()
	if jump == 0 {
		return now
	}
	s.logger.Warn("the wall clock was set, next runs are computed anew", "by", jump)
	for _, e := range s.heap {
		e.dueAt = 0 // by another clock
		if e.clockSet(int64(jump), now) && e.phase == phaseIdle {
			s.markUnsaved(e)
		}
	}
	s.heap.rebuild()
	s.ticks = ticks{}
	signal(s.wake)
	return now
}
