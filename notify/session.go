package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// flushGrace is how long what was answered may take to become durable after the
// attempts under way were cut short.
const flushGrace = 5 * time.Second

// session is what a dispatcher runs between Start and Stop.
type session struct {
	options *DispatcherOptions
	// ctx is that of reads and writes of the queue, posts that of attempts,
	// which ends earlier.
	ctx, posts          context.Context
	cancel, cancelPosts context.CancelFunc

	queue    *patientQueue
	recorder *recorder
	paces    *paceSaver
	bodies   *bodyCache
	// halted is closed when nothing may be posted any more.
	halted chan struct{}
	halt   func()
	// ended is closed when all workers and what saves have returned.
	ended    chan struct{}
	teardown sync.Once
	running  sync.WaitGroup
	// cut counts the attempts that were cut short.
	cut atomic.Int64

	failMu sync.Mutex
	failed error

	// These belong to the dispatcher, under its mutex.
	workers map[string]*worker
	// adopted are the endpoints that are served, where not all are.
	adopted           map[string]bool
	states            map[string]EndpointState
	started, stopping bool
	// mu is the dispatcher's.
	mu *sync.Mutex
}

// newSession starts what saves; workers are opened later.
func newSession(ctx context.Context, mu *sync.Mutex, o *DispatcherOptions) *session {
	s := &session{
		options: o, mu: mu,
		bodies:  newBodyCache(o.Queue, o.PublicURL),
		halted:  make(chan struct{}),
		ended:   make(chan struct{}),
		workers: make(map[string]*worker),
		adopted: make(map[string]bool),
		states:  make(map[string]EndpointState),
	}
	s.halt = sync.OnceFunc(func() { close(s.halted) })
	// What runs outlives the start; Stop ends it.
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.posts, s.cancelPosts = context.WithCancel(s.ctx)
	s.queue = &patientQueue{Queue: o.Queue, passes: o.Passes, log: o.Logger, relieved: s.kick}
	s.recorder = newRecorder(s.queue, s.fail)
	s.paces = newPaceSaver(s.queue, s.fail)
	go s.recorder.run(s.ctx)
	go s.paces.run(s.ctx)
	return s
}

// kick has every worker look whether it may post again.
func (s *session) kick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.workers {
		w.mail.put(func() {})
	}
}

// open starts the worker of an endpoint that is to be served. The dispatcher's
// mutex is held.
func (s *session) open(e *Endpoint) {
	if !s.mayServe(e.Name) {
		return
	}
	state, ok := s.states[e.Name]
	if !ok {
		state = EndpointState{Name: e.Name}
	}
	w := newWorker(s, e, state)
	s.workers[e.Name] = w
	s.running.Go(w.run)
}

// retire removes a worker that was told to go, and reports whether it is to go: it
// may have been called back.
func (s *session) retire(w *worker) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case w.mail.released():
		delete(s.workers, w.name)
		delete(s.adopted, w.name)
		delete(s.states, w.name)
	case w.mail.removed():
		delete(s.workers, w.name)
		s.states[w.name] = w.health.state
	default:
		return w.halted
	}
	return true
}

// fail ends posting for good: what happened cannot be saved any more.
func (s *session) fail(err error) {
	s.failMu.Lock()
	first := s.failed == nil
	if first {
		s.failed = err
	}
	s.failMu.Unlock()
	s.halt()
	if first {
		s.options.Logger.Error("deliveries stopped: their outcome cannot be saved", "err", err)
		s.options.OnFatal(err)
	}
}

func (s *session) failure() error {
	s.failMu.Lock()
	defer s.failMu.Unlock()
	return s.failed
}

// stop ends the session. The session is marked as stopping, so that no worker
// is added.
func (s *session) stop(ctx context.Context) error {
	s.halt()
	s.teardown.Do(func() {
		go func() {
			defer close(s.ended)
			s.running.Wait()
			s.recorder.finish()
			s.paces.finish()
			s.cancel()
		}()
	})
	select {
	case <-s.ended:
	case <-ctx.Done():
		s.cancelPosts()
		// What was answered is saved even now, but not for ever: a store that
		// hangs must not keep the process.
		grace := time.AfterFunc(flushGrace, s.cancel)
		defer grace.Stop()
		<-s.ended
	}
	cut := cutShort(s.cut.Load(), context.Cause(ctx))
	if cut != nil {
		cut = fmt.Errorf("stop dispatcher: %w", cut)
	}
	return errors.Join(cut, s.failure())
}
