package poller

import (
	"context"
	"fmt"
	"time"
)

// errReleased ends the requests that are under way when the time of a release is up.
var errReleased = fmt.Errorf("release source: %w", ErrElsewhere)

// departure is the end of an entry that was released while a request of it was on
// a worker.
type departure struct {
	name string
	// next is its next run, at when it was released. They are guarded by the
	// Scheduler's lock, as cut is, which says that the request was cancelled.
	next, at int64
	cut      bool
	// ended is closed when the request is over.
	ended chan struct{}
}

// Release fires sources no more until they are adopted again, and returns when no
// request of them is under way: it waits for those that are, and cancels them when
// ctx is done. Polls that have not come to their end are begun anew by whoever
// adopts the sources next, as are those that waited for their limit. It saves
// their next runs, unless ctx was done before. Names that are not known do no harm.
func (s *Scheduler) Release(ctx context.Context, names []string) error {
	next := make(map[string]time.Time, len(names))
	s.mu.Lock()
	now := s.now()
	var leaving []*entry
	var departures []*departure
	for _, name := range names {
		delete(s.adopted, name)
		if at, known := s.saved[name]; known {
			next[name] = runTime(at)
			delete(s.saved, name)
		}
		e := s.entries[name]
		if e == nil {
			continue
		}
		// What is saved already is most of many: it need not be written again.
		unsaved := e.unsaved || e.extra || e.phase != phaseIdle
		if d := s.leave(e, now); d != nil {
			leaving, departures = append(leaving, e), append(departures, d)
		} else if unsaved && e.next != noRun {
			next[name] = runTime(e.next)
		}
	}
	s.mu.Unlock()
	if err := s.drain(ctx, leaving, departures); err != nil {
		return fmt.Errorf("release sources: cancel polls under way: %w", err)
	}
	s.mu.Lock()
	for _, d := range departures {
		if d.next != noRun {
			next[d.name] = runTime(d.next)
		}
	}
	s.mu.Unlock()
	if _, err := s.saveNext(ctx, func() map[string]time.Time { return next }); err != nil {
		return fmt.Errorf("release sources: %w", err)
	}
	return nil
}

// leave takes an entry out that another node goes on with. Where a poll of it is
// not at its end its next run is now, so that it is late there and not missed. An
// entry with a request on a worker stays until its departure has ended; others
// have none. The lock is held.
func (s *Scheduler) leave(e *entry, now int64) *departure {
	name := e.source.Name
	switch {
	case e.phase == phaseRunning && e.departure == nil:
		e.departure = &departure{name: name, next: e.next, at: now, ended: make(chan struct{})}
	case e.phase == phaseWaiting, e.phase == phaseBackoff:
		e.next = now
	}
	if !e.removed {
		s.elsewhere[name] = e.source
		s.remove(e)
		delete(s.saved, name)
	}
	return e.departure
}

// drain waits for the departures of entries, and cancels their requests when ctx
// is done.
func (s *Scheduler) drain(ctx context.Context, leaving []*entry, departures []*departure) error {
	for _, d := range departures {
		if err := waitFor(ctx, d.ended); err != nil {
			s.cut(leaving, departures)
			return err
		}
	}
	return nil
}

// cut cancels the requests of entries that leave, and waits for their end.
func (s *Scheduler) cut(leaving []*entry, departures []*departure) {
	s.mu.Lock()
	for i, d := range departures {
		if e := leaving[i]; e.departure == d && e.cancel != nil {
			d.cut = true
			e.cancel(errReleased)
		}
	}
	s.mu.Unlock()
	for _, d := range departures {
		<-d.ended
	}
}

// depart ends the departure of an entry with what came of its request. The lock is
// held.
func (s *Scheduler) depart(e *entry, o Outcome) {
	d := e.departure
	e.departure = nil
	if o.RetryAfter > 0 || o.More || d.cut {
		d.next = d.at
	}
	close(d.ended)
}

// runTime is a run as it is saved.
func runTime(at int64) time.Time { return time.Unix(0, at).UTC() }
