package poller

// Apply sets the sources: it adds, replaces and removes. A source whose schedule,
// time zone and jitter stay as they were keeps its next run. A poll under way
// goes on, and its next request is made with the new source: the [Poller] then
// begins it anew. A source that is paused stays so.
func (s *Scheduler) Apply(sources []*Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.paused {
		s.paused[name] = nil
	}
	clear(s.elsewhere)
	gone := make(map[string]*entry, len(s.entries))
	for name, e := range s.entries {
		gone[name] = e
	}
	var fresh []*entry
	for _, src := range sources {
		if _, paused := s.paused[src.Name]; paused {
			s.paused[src.Name] = src
			continue
		}
		if s.leased && !s.adopted[src.Name] {
			s.elsewhere[src.Name] = src
			continue
		}
		delete(gone, src.Name)
		if e := s.entries[src.Name]; e == nil || e.removed {
			fresh = append(fresh, s.enter(src))
		} else {
			s.replace(e, src)
		}
	}
	for _, e := range gone {
		s.remove(e)
	}
	if s.state == stateRunning {
		s.place(fresh, false)
		signal(s.wake)
	}
}

// enter returns the entry of a source that has none, or whose entry was removed
// while its poll was on a worker.
func (s *Scheduler) enter(src *Source) *entry {
	if e := s.entries[src.Name]; e != nil {
		e.removed, e.source = false, src
		return e
	}
	e := &entry{scheduler: s, source: src, index: -1, next: noRun, fireAt: noRun, retryAt: noRun}
	e.ticket.owner = e
	s.entries[src.Name] = e
	return e
}

// place puts entries that have no next run into the heap. Of those that come from
// another owner a run that came due between the two was not missed.
func (s *Scheduler) place(entries []*entry, handed bool) {
	now, together := s.now(), 0
	if handed {
		together = len(entries)
	}
	first := make([]*entry, 0, len(entries))
	for _, e := range entries {
		saved, known := s.saved[e.source.Name]
		if !known {
			first = append(first, e)
			continue
		}
		delete(s.saved, e.source.Name)
		if e.resume(saved, now, together) {
			s.markUnsaved(e)
		}
		e.setDue()
		s.heap.push(e)
	}
	spread := firstSpread(len(first))
	for _, e := range first {
		e.followSchedule(now)
		e.ask(now, spread)
		e.setDue()
		s.heap.push(e)
	}
}

// replace gives an entry another source of the same name.
func (s *Scheduler) replace(e *entry, src *Source) {
	old := e.source
	e.source = src
	if s.state != stateRunning {
		return
	}
	if (old.Limit != src.Limit || old.Cost != src.Cost) && e.phase == phaseWaiting {
		s.limiter.cancel(&e.ticket)
		s.limiter.enqueue(src.Limit, src.Cost, &e.ticket)
	}
	if old == src || old.Jitter == src.Jitter && sameSchedule(old.Schedule, src.Schedule) {
		return
	}
	now := s.now()
	e.followSchedule(now)
	e.setDue()
	s.heap.fix(e)
	s.markUnsaved(e)
}

// remove takes an entry out. One with a poll on a worker stays until that ends.
func (s *Scheduler) remove(e *entry) {
	if e.removed {
		return
	}
	name := e.source.Name
	if s.state != stateRunning {
		delete(s.entries, name)
		return
	}
	s.heap.remove(e)
	if e.next != noRun {
		s.saved[name] = e.next
	}
	if e.phase == phaseRunning {
		e.removed, e.again = true, false
		return
	}
	if e.phase == phaseWaiting {
		s.limiter.cancel(&e.ticket)
	}
	e.phase, e.asked = phaseIdle, false
	delete(s.entries, name)
}
