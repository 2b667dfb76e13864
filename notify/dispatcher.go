package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

var (
	// ErrRunning says that a dispatcher was started twice.
	ErrRunning = errors.New("the dispatcher is running")
	// ErrNotRunning says that a dispatcher was not started, or has stopped.
	ErrNotRunning = errors.New("the dispatcher is not running")
	// ErrUnknownEndpoint says that no endpoint has that name.
	ErrUnknownEndpoint = errors.New("no such endpoint")
)

// DispatcherOptions are what a [Dispatcher] needs. Queue and Sender are required.
type DispatcherOptions struct {
	Queue  Queue
	Sender *Sender
	// PublicURL is where the API is reached from outside, for links to events;
	// empty for no links.
	PublicURL string
	// Logger gets what the operator should know; nil for nowhere.
	Logger *slog.Logger
	// Passes says of an error of the queue that it passes by itself, as that of a
	// full disk does. What could not be saved then is tried again until it is saved,
	// and nothing new is posted meanwhile. Nil for errors none of which passes.
	Passes func(error) bool
	// OnFatal is called once when an outcome or a state could not be saved for good.
	// Nothing is posted any more then. It must return at once and must not call
	// Stop itself.
	OnFatal func(error)
	// Alert tells others what state.Untold says of an endpoint, after that was
	// saved. One that returns an error is called again later, and so is one that
	// was under way in a crash. The endpoint waits until it returns, so it must
	// not call Enable, Disable, Pause, Resume or Stop.
	Alert func(ctx context.Context, state EndpointState) error
	// Leased says that others serve the same queue: endpoints are posted to only
	// between Adopt and Release. Else all are that Apply names.
	Leased bool
	// Holds is asked right before each POST whether the endpoint may be posted to.
	// Where it may not, its deliveries wait; a wake-up has it asked again, and a
	// second does. It must return at once. Nil for yes.
	Holds func(endpoint string) bool
	// Lost says of an error of the queue, or of Alert, that the endpoint is served
	// by somebody else by now. Its worker ends then, and nothing is fatal. Nil for
	// errors none of which says so.
	Lost func(error) bool
	// Done is told of each attempt that was made, and of deliveries that ended
	// without one, before either is durable; nil for nobody. It must return at once.
	Done func(r Report)

	bounds bounds
}

// Dispatcher posts the deliveries of a [Queue] to their endpoints: within a lane
// in order and one at a time, lanes beside each other, and no endpoint in the
// way of another. It keeps nothing that the queue does not have, so that it goes
// on after a crash where it was; what was answered but not yet recorded then is
// posted again. Its methods may be called concurrently.
type Dispatcher struct {
	options DispatcherOptions

	mu sync.Mutex
	// endpoints is what Apply was given last.
	endpoints map[string]*Endpoint
	// session is what runs between Start and Stop, else nil.
	session *session
}

// NewDispatcher returns a dispatcher that has to be started.
func NewDispatcher(o DispatcherOptions) *Dispatcher {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnFatal == nil {
		o.OnFatal = func(error) {}
	}
	if o.Passes == nil {
		o.Passes = func(error) bool { return false }
	}
	if o.Alert == nil {
		o.Alert = func(context.Context, EndpointState) error { return nil }
	}
	if o.Holds == nil {
		o.Holds = func(string) bool { return true }
	}
	if o.Lost == nil {
		o.Lost = func(error) bool { return false }
	}
	if o.Done == nil {
		o.Done = func(Report) {}
	}
	if o.bounds == (bounds{}) {
		o.bounds = defaultBounds
	}
	return &Dispatcher{options: o, endpoints: make(map[string]*Endpoint)}
}

// Start reads the saved states and begins to post. The context bounds the start
// only; what was started runs until Stop. A dispatcher that has stopped can be
// started again.
func (d *Dispatcher) Start(ctx context.Context) error {
	d.mu.Lock()
	if d.session != nil {
		d.mu.Unlock()
		return ErrRunning
	}
	s := newSession(ctx, &d.mu, &d.options)
	d.session = s
	d.mu.Unlock()

	var states []EndpointState
	var err error
	if !d.options.Leased {
		states, err = d.options.Queue.EndpointStates(ctx)
	}
	d.mu.Lock()
	if err == nil && s.stopping {
		err = ErrNotRunning // stopped while it was being started
	}
	if err != nil {
		d.mu.Unlock()
		_ = d.end(ctx, s) // nothing is under way
		return fmt.Errorf("start dispatcher: %w", err)
	}
	defer d.mu.Unlock()
	for _, state := range states {
		s.states[state.Name] = state
	}
	s.started = true
	for _, e := range d.endpoints {
		s.open(e)
	}
	return nil
}

// Stop posts nothing new, waits for the attempts under way and returns when
// their outcomes are durable. When ctx ends first the attempts are cut short:
// they are not recorded, will be made again, and are told of in the error. Stop
// may be called twice, at once and before Start.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.mu.Lock()
	s := d.session
	d.mu.Unlock()
	if s == nil {
		return nil
	}
	return d.end(ctx, s)
}

// end stops a session and forgets it.
func (d *Dispatcher) end(ctx context.Context, s *session) error {
	d.mu.Lock()
	// From here on no worker is added, so that they can be waited for.
	s.stopping = true
	d.mu.Unlock()

	err := s.stop(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == s {
		d.session = nil
	}
	return err
}

// Apply replaces the endpoints. Those that stay keep their lanes, and what is
// under way to the others ends. The deliveries of an endpoint that is removed
// stay in the queue.
func (d *Dispatcher) Apply(endpoints []Endpoint) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.endpoints = make(map[string]*Endpoint, len(endpoints))
	for i := range endpoints {
		e := endpoints[i]
		d.endpoints[e.Name] = &e
	}
	if d.session == nil || !d.session.started || d.session.stopping {
		return
	}
	for name, w := range d.session.workers {
		if d.endpoints[name] == nil {
			w.mail.remove()
		}
	}
	for name, e := range d.endpoints {
		if w := d.session.workers[name]; w != nil {
			w.mail.configure(e)
		} else {
			d.session.open(e)
		}
	}
}

// SetPublicURL replaces the URL below which events are linked to; empty for no
// links. Bodies that are saved already, those of batches, keep their links.
func (d *Dispatcher) SetPublicURL(publicURL string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.options.PublicURL = publicURL
	if d.session != nil {
		d.session.bodies.link(publicURL)
	}
}

func (d *Dispatcher) publicURL() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.options.PublicURL
}

// Wake says that deliveries were committed for these endpoints; without names,
// for any. It never waits.
func (d *Dispatcher) Wake(endpoints ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == nil {
		return
	}
	if len(endpoints) == 0 {
		for _, w := range d.session.workers {
			w.mail.wake()
		}
	}
	for _, name := range endpoints {
		if w := d.session.workers[name]; w != nil {
			w.mail.wake()
		}
	}
}

// Enable lets a disabled endpoint be posted to again and returns when that is
// saved. An endpoint that is not Enabled in its configuration stays silent.
func (d *Dispatcher) Enable(ctx context.Context, endpoint string) error {
	return d.change(ctx, "enable", endpoint, (*health).enable)
}

// Disable stops posting to an endpoint and returns when that is saved. Its
// deliveries wait; attempts under way end. Others are not told what the operator
// did.
func (d *Dispatcher) Disable(ctx context.Context, endpoint, reason string) error {
	return d.change(ctx, "disable", endpoint, func(h *health, now time.Time) {
		h.state.Disabled, h.state.Reason, h.state.Since = true, reason, now
	})
}

// Pause stops posting to an endpoint until [Dispatcher.Resume], and returns when
// that is saved. Its deliveries wait; attempts under way end.
func (d *Dispatcher) Pause(ctx context.Context, endpoint string) error {
	return d.change(ctx, "pause", endpoint, func(h *health, _ time.Time) { h.state.Paused = true })
}

// Resume ends every pause of an endpoint, its own Retry-After and the wait of its
// breaker included, and returns when that is saved. One that is disabled stays so.
func (d *Dispatcher) Resume(ctx context.Context, endpoint string) error {
	return d.change(ctx, "resume", endpoint, (*health).resume)
}

// change has the worker of an endpoint change and save its state. Who asks for it
// waits, so that one that cannot be saved now is not made.
func (d *Dispatcher) change(ctx context.Context, verb, endpoint string, change func(*health, time.Time)) error {
	w, err := d.worker(endpoint)
	if err == nil {
		err = w.ask(ctx, func() error {
			before := *w.health
			change(w.health, time.Now())
			defer w.publish() // who is answered sees it in Status
			err := w.saveStateTo(w.session.options.Queue)
			if err != nil && w.session.options.Passes(err) {
				*w.health = before
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("%s endpoint %s: %w", verb, endpoint, err)
	}
	return nil
}

func (d *Dispatcher) worker(endpoint string) (*worker, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == nil || !d.session.started {
		return nil, ErrNotRunning
	}
	w := d.session.workers[endpoint]
	switch {
	case w != nil && !w.mail.released():
		return w, nil
	case d.endpoints[endpoint] != nil:
		return nil, ErrElsewhere
	}
	return nil, ErrUnknownEndpoint
}
