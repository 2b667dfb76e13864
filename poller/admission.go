package poller

import "time"

// knows says whether a name can be waited for: an empty one is no limit.
func (l *Limiter) knows(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	lim := l.limits[name]
	return name == "" || lim != nil && lim.defined()
}

// limit returns the limit of a name, made where it is missing. The lock is held.
func (l *Limiter) limit(name string) *limit {
	lim := l.limits[name]
	if lim == nil {
		lim = l.newLimit(l.leased && !l.adopted[name])
		l.limits[name] = lim
	}
	return lim
}

// enqueue puts an idle ticket into the queue of a limit, for a request that
// takes cost of its budget. Its owner is told when it may be used: at once where
// the name is empty, and not before Apply where the limit is not configured,
// since asking without a limit could do harm.
func (l *Limiter) enqueue(name string, cost int, t *ticket) {
	l.mu.Lock()
	t.cost = cost
	if name == "" {
		t.limit, t.state = nil, ticketOffered
		l.mu.Unlock()
		t.owner.admitted()
		return
	}
	lim := l.limit(name)
	t.limit = lim
	lim.line(t).pushBack(t)
	if !lim.defined() {
		l.miss(lim, name)
	}
	l.mu.Unlock()
	l.pump(lim)
}

// miss logs that a request waits for a limit that is not configured. The sources
// that name it come again and again, so that the first is loud alone. The lock is held.
func (l *Limiter) miss(lim *limit, name string) {
	const message = "request waits for a limit that is not configured"
	if lim.missed {
		l.logger.Debug(message, "limit", name)
		return
	}
	lim.missed = true
	l.logger.Warn(message, "limit", name)
}

// use spends a request on an offered ticket, right before it is sent. It is
// false where the ticket may not be used after all: it was cancelled, or what
// it was offered for does not hold any more, and then it is at the front of its
// queue again and will be offered again.
func (l *Limiter) use(t *ticket) bool {
	l.mu.Lock()
	if t.state != ticketOffered {
		l.mu.Unlock()
		return false
	}
	lim := t.limit
	if lim == nil {
		t.state = ticketUsed
		l.mu.Unlock()
		return true
	}
	lim.takeBack(t)
	for lim.heir != nil {
		lim = lim.heir
		t.limit = lim
	}
	now := l.now()
	if l.state != stateRunning || lim.away || lim.admissibleAt(now, t) > now || !lim.covered(lim.cost(t)) {
		lim.line(t).pushFront(t)
		l.mu.Unlock()
		l.pump(lim)
		return false
	}
	lim.spend(now, t)
	t.state = ticketUsed
	if lim.stale {
		signal(l.wanted)
	}
	waiting := lim.first() != nil
	l.mu.Unlock()
	if waiting {
		l.pump(lim) // The next one may have had to wait for this offer.
	}
	return true
}

// release says that the request of a used ticket is over.
func (l *Limiter) release(t *ticket) {
	l.mu.Lock()
	if t.state != ticketUsed {
		l.mu.Unlock()
		return
	}
	t.state = ticketIdle
	lim := t.limit
	if lim != nil {
		lim.answered(l.now(), t)
		if !t.hop {
			lim.underWay--
		}
		lim.drain()
	}
	l.mu.Unlock()
	l.pump(lim)
}

// cancel takes a ticket that was not used out of its queue, or gives back its
// offer.
func (l *Limiter) cancel(t *ticket) {
	l.mu.Lock()
	lim := t.limit
	switch t.state {
	case ticketQueued:
		lim.line(t).remove(t)
	case ticketOffered:
		t.state = ticketIdle
		if lim != nil {
			lim.takeBack(t)
		}
	}
	l.mu.Unlock()
	l.pump(lim)
}

// pump offers all that a limit admits now. Owners are told without the lock.
func (l *Limiter) pump(lim *limit) {
	if lim == nil {
		return
	}
	for {
		l.mu.Lock()
		t := l.offer(lim)
		l.mu.Unlock()
		if t == nil {
			return
		}
		t.owner.admitted()
	}
}

// offer takes the ticket whose turn it is from a limit if it may be used now;
// otherwise it sees to it that somebody looks again. The lock is held.
func (l *Limiter) offer(lim *limit) *ticket {
	t := lim.first()
	if t == nil || l.state != stateRunning || lim.away {
		return nil
	}
	now := l.now()
	if at := lim.admissibleAt(now, t); at > now {
		if at != never {
			l.wakeAt(lim, at, now)
		}
		return nil
	}
	if cost := lim.cost(t); !lim.covered(cost) {
		lim.stale, lim.needed = true, max(lim.needed, lim.offeredCost+cost)
		signal(l.urgent)
		return nil
	}
	lim.line(t).remove(t)
	t.state = ticketOffered
	lim.offer(t)
	return t
}

// wakeAt looks at a limit again at a time. The lock is held.
func (l *Limiter) wakeAt(lim *limit, at, now time.Duration) {
	if lim.wakeAt == at {
		return
	}
	lim.wakeAt = at
	if lim.timer != nil {
		lim.timer.Reset(at - now)
		return
	}
	lim.timer = time.AfterFunc(at-now, func() {
		l.mu.Lock()
		lim.wakeAt = never
		l.mu.Unlock()
		l.pump(lim)
	})
}
