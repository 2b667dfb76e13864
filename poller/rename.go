package poller

// Rename gives what was spent of a limit, and its pause, to a limit of another
// name, as the store does with what was saved of it. The old one is as if it had
// never been used. Apply says afterwards what the limits are. Where limits are
// leased it does nothing: the new one is adopted with what was saved.
func (l *Limiter) Rename(from, to string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.limits[from]
	if old == nil || from == to || l.leased {
		return
	}
	delete(l.limits, from)
	now := l.now()
	if lim := l.limits[to]; lim != nil {
		// All of it went to the same server. When it did is known of the other's
		// only, so this counts as spent now.
		old.settleClaim()
		old.log.expire(now, old.def.Per)
		if spent := old.log.total + old.inFlight; spent > 0 {
			lim.log.add(now, spent, 0)
		}
		lim.pausedUntil = max(lim.pausedUntil, old.pausedUntil)
		old = lim
	}
	l.limits[to] = old
	old.stale, old.touched = true, true
	signal(l.wanted)
}

// Rename gives the next run of a source, and its pause, to one of another name,
// which Apply is going to add. It has none itself then. Where sources are leased
// that is the pause alone: the other is adopted with its next run.
func (s *Scheduler) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, ok := s.saved[from]
	if e := s.entries[from]; e != nil && e.next != noRun {
		next, ok = e.next, true
	}
	if ok && !s.leased {
		s.saved[to] = next
	}
	if _, paused := s.paused[from]; paused {
		delete(s.paused, from)
		s.paused[to] = nil
	}
}
