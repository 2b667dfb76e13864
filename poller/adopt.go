package poller

import (
	"errors"
	"time"
)

// ErrElsewhere says that what was asked for is another node's to do: it was not
// adopted here, or was released since.
var ErrElsewhere = errors.New("another node does it")

// Adopt lets sources be fired that are leased: those that there are, and those
// that Apply is going to add. next are their next runs, as whoever had them
// before has saved them; a source without one was never polled. Runs that came
// due between two owners are made at once, spread over no more than the time
// that has passed since, and a millisecond for each: nobody has missed them.
func (s *Scheduler) Adopt(names []string, next map[string]time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := make([]*entry, 0, len(names))
	for _, name := range names {
		s.adopted[name] = true
		if at, known := next[name]; known {
			s.saved[name] = at.UnixNano()
		}
		if src := s.elsewhere[name]; src != nil {
			delete(s.elsewhere, name)
			fresh = append(fresh, s.enter(src))
		}
	}
	if s.state == stateRunning {
		s.place(fresh, true)
		signal(s.wake)
	}
}
