package notify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrElsewhere says that an endpoint is known, but that this dispatcher has not
	// adopted it.
	ErrElsewhere = errors.New("the endpoint is served by another node")
	// errLeaving says that a worker has not ended yet.
	errLeaving = errors.New("its release has not ended")
)

// Adopt begins to serve endpoints, of a dispatcher that is Leased. It reads their
// states anew, and goes on where whoever served them before has stopped; that one
// must have ended, or be unable to write. It remembers no event from before: a
// queue that has failed over may have others in their places. Names that are not configured are
// served from when they are. With an error none is adopted that was not before.
// After a start nothing is.
func (d *Dispatcher) Adopt(ctx context.Context, names []string) error {
	d.mu.Lock()
	s := d.session
	d.mu.Unlock()
	if s == nil {
		return fmt.Errorf("adopt endpoints: %w", ErrNotRunning)
	}
	if len(names) == 0 {
		return nil
	}
	states, err := d.options.Queue.EndpointStates(ctx, names...)
	if err != nil {
		return fmt.Errorf("adopt endpoints: %w", err)
	}
	saved := make(map[string]EndpointState, len(states))
	for _, state := range states {
		saved[state.Name] = state
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session != s || !s.started || s.stopping {
		return fmt.Errorf("adopt endpoints: %w", ErrNotRunning)
	}
	for _, name := range names {
		if w := s.workers[name]; w != nil && w.mail.released() {
			return fmt.Errorf("adopt endpoint %s: %w", name, errLeaving)
		}
	}
	s.bodies.forget()
	for _, name := range names {
		if s.adopted[name] {
			continue
		}
		s.adopted[name] = true
		delete(s.states, name)
		if state, ok := saved[name]; ok {
			s.states[name] = state
		}
		if e := d.endpoints[name]; e != nil {
			s.open(e)
		}
	}
	return nil
}

// Release ends to serve endpoints: it posts nothing new, waits for the attempts
// under way and returns when what came of them is durable and nothing of these
// endpoints is under way. When ctx ends first the attempts are cut short; what is
// not durable soon after that never will be, even where the same endpoints are
// adopted again. Such attempts will be made again, and are told of in the error.
// Names that are not adopted do no harm.
func (d *Dispatcher) Release(ctx context.Context, names []string) error {
	d.mu.Lock()
	s := d.session
	if s == nil {
		d.mu.Unlock()
		return nil
	}
	var leaving []*worker
	for _, name := range names {
		delete(s.adopted, name)
		delete(s.states, name)
		if w := s.workers[name]; w != nil {
			w.mail.release()
			leaving = append(leaving, w)
		}
	}
	d.mu.Unlock()

	if err := s.await(ctx, leaving); err != nil {
		return fmt.Errorf("release endpoints: %w", err)
	}
	return nil
}

// await returns when workers that were told to leave have ended.
func (s *session) await(ctx context.Context, leaving []*worker) error {
	if allDone(ctx, leaving) {
		return nil
	}
	for _, w := range leaving {
		w.cancelPosts()
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushGrace)
	defer cancel()
	if !allDone(grace, leaving) {
		for _, w := range leaving {
			w.end()
			w.mail.release() // it may be waiting
		}
		for _, w := range leaving {
			<-w.done
		}
	}
	// What they have handed over to be saved may still be on its way.
	s.recorder.renew()
	s.paces.renew()
	cut := int64(0)
	for _, w := range leaving {
		cut += w.cut.Load()
	}
	return cutShort(cut, context.Cause(ctx))
}

// allDone waits for workers and reports whether all of them have ended before ctx
// has.
func allDone(ctx context.Context, workers []*worker) bool {
	for _, w := range workers {
		select {
		case <-w.done:
			continue
		default:
		}
		select {
		case <-w.done:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// elsewhere reports whether an endpoint is not served here, but may be by another.
func (d *Dispatcher) elsewhere(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.options.Leased && (d.session == nil || !d.session.adopted[name])
}

// mayServe reports whether an endpoint is served here. The dispatcher's mutex is
// held.
func (s *session) mayServe(name string) bool { return !s.options.Leased || s.adopted[name] }

// holdWait is after what time a worker asks again whether it may post, which it
// is told by a wake-up too.
const holdWait = time.Second
