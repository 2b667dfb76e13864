package poller

import "time"

// SourceStatus is how a source stands in the schedule.
type SourceStatus struct {
	// NextRun is when it is due next, jitter included; zero where there is no such
	// time, as of a source that is paused, or that was not adopted.
	NextRun time.Time
	// Polling says that a poll of it is under way, Waiting that it is due and
	// waits for its limit or for a worker.
	Polling, Waiting bool
	// Paused says that it is paused.
	Paused bool
}

// Status returns how a source stands; false where there is no such source.
func (s *Scheduler) Status(name string) (SourceStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[name]
	paused := s.paused[name] != nil
	if e == nil || e.removed && !paused {
		return SourceStatus{Paused: paused}, paused || s.elsewhere[name] != nil
	}
	status := SourceStatus{Paused: paused, Polling: e.begun(), Waiting: e.phase == phaseWaiting && e.request <= 1}
	if !e.removed && e.fireAt != noRun && s.state != stateNew && s.state != stateStarting {
		status.NextRun = time.Unix(0, e.runAt()).UTC()
	}
	return status, true
}
