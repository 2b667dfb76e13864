package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// EndpointStatus is how an endpoint stands.
type EndpointStatus struct {
	EndpointState
	// Enabled is what its configuration says.
	Enabled bool
	// Breaker is where its breaker stands.
	Breaker BreakerState
	// LastError is why the last attempt failed, empty where it did not or there was
	// none since the start. It is not to be taken for Reason, which is what others
	// were told.
	LastError string
	// InFlight counts the attempts under way.
	InFlight int
	// Held counts the waiting deliveries in memory, Lanes their lanes; the
	// queue may have more.
	Held, Lanes int
}

// Status returns how each endpoint stands, by name; nothing while the
// dispatcher is not running.
func (d *Dispatcher) Status() []EndpointStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == nil {
		return nil
	}
	now := time.Now()
	status := make([]EndpointStatus, 0, len(d.session.workers))
	for _, w := range d.session.workers {
		s := w.mail.published()
		s.Breaker = s.EndpointState.Breaker(now)
		status = append(status, s)
	}
	slices.SortFunc(status, func(a, b EndpointStatus) int { return strings.Compare(a.Name, b.Name) })
	return status
}

// Blocked returns why nothing is posted for now, though the dispatcher runs: what
// came of earlier attempts cannot be saved, and is tried again.
func (d *Dispatcher) Blocked() error {
	d.mu.Lock()
	s := d.session
	d.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.queue.blocked()
}

// Alive returns nil when every endpoint is being served, for a watchdog. It
// fails when the dispatcher does not run or has failed, and when an endpoint's
// worker does not answer before ctx ends. While outcomes cannot be saved for now
// they wait for that, which is no illness of theirs.
func (d *Dispatcher) Alive(ctx context.Context) error {
	d.mu.Lock()
	s := d.session
	if s == nil || !s.started || s.stopping {
		d.mu.Unlock()
		return ErrNotRunning
	}
	workers := make([]*worker, 0, len(s.workers))
	for _, w := range s.workers {
		workers = append(workers, w)
	}
	d.mu.Unlock()
	if err := s.failure(); err != nil || s.queue.stuck() {
		return err
	}
	for _, w := range workers {
		err := w.ask(ctx, func() error { return nil })
		// A worker that was removed or released meanwhile is no sign of illness.
		if err != nil && !errors.Is(err, ErrNotRunning) && !errors.Is(err, ErrElsewhere) {
			return fmt.Errorf("ask worker of endpoint %s: %w", w.name, err)
		}
	}
	return s.failure()
}
