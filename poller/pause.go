package poller

import "errors"

// ErrPaused says that a source is paused.
var ErrPaused = errors.New("paused")

// Pause polls a source no more until Resume, whatever [Scheduler.Apply] says. It
// may be called at any time, for a source that is not known yet, too. A request
// under way comes to its end, but no further one of its poll follows: what came
// so far is for [Poller.SetState] to drop.
func (s *Scheduler) Pause(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, paused := s.paused[name]; paused {
		return
	}
	s.paused[name] = nil
	if e := s.entries[name]; e != nil && !e.removed {
		s.paused[name] = e.source
		s.remove(e)
	} else if src := s.elsewhere[name]; src != nil {
		s.paused[name] = src
		delete(s.elsewhere, name)
	}
}

// Resume polls a source again that was paused: at its next run, or at once where
// it missed one meanwhile that its OnMissed does not skip.
func (s *Scheduler) Resume(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.paused[name]
	delete(s.paused, name)
	if src == nil {
		return
	}
	if s.leased && !s.adopted[name] {
		s.elsewhere[name] = src
		return
	}
	e := s.enter(src)
	if s.state != stateRunning {
		return
	}
	if at, known := s.saved[name]; known && at <= s.now() && src.OnMissed != Skip {
		// Whoever resumes it waits for it, so it is not spread as what was missed
		// by many is: it runs as one that has never run.
		delete(s.saved, name)
	}
	s.place([]*entry{e}, false)
	signal(s.wake)
}
