package poller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

var (
	// ErrNotRunning says that the Scheduler or Limiter was not started, or was
	// stopped.
	ErrNotRunning = errors.New("not running")
	// ErrUnknownLimit says that there is no limit of that name.
	ErrUnknownLimit = errors.New("unknown limit")
)

// LimiterOptions are what a Limiter needs.
type LimiterOptions struct {
	// Store keeps the budgets across restarts.
	Store BudgetStore
	// Leased says that only limits admit that were adopted; see [Limiter.Adopt].
	Leased bool
	// Lost says of an error of the store that the limit is another node's by now;
	// nil for none.
	Lost func(error) bool
	// Logger may be nil.
	Logger *slog.Logger
}

// Limiter admits requests within the budgets that they share: never more than a
// limit's Requests, less its Reserve, in any sliding window, evenly paced beyond
// its Burst, across restarts. Who waits is served first in, first out, so that a
// costly request is not kept waiting by cheap ones behind it.
//
// The window is that of the upstream, who counts what arrives. That is between
// the sending and the answer, so a request keeps its place in the window until
// Per after its answer began, or after it failed. Who wants all of a budget gets
// Requests in Per plus the time that an answer takes to begin: 95 % where that
// is a twentieth of Per. With a shorter bound more would arrive within Per
// whenever one request was slow on its way and a later one was not. The pace goes
// by the sending.
//
// Requests are reserved in the store, in chunks, before they are sent. A process
// that crashed counts as having sent all that it had reserved; one that was
// stopped saved the exact state. Within a process all times are monotonic, so
// that a change of the wall clock can neither overspend nor hang a limit.
type Limiter struct {
	store  BudgetStore
	logger *slog.Logger
	leased bool
	lost   func(error) bool
	// epoch is what the times of limits count from.
	epoch time.Time

	mu      sync.Mutex
	state   runState
	limits  map[string]*limit
	adopted map[string]bool // what was adopted, where limits are leased
	stop    context.CancelFunc
	saver   chan struct{} // closed when the saving goroutine has ended
	stopped chan struct{} // closed when nothing is admitted any more
	ended   chan struct{} // closed when Stop is done

	// wanted and urgent wake the saving goroutine; each holds one signal.
	wanted, urgent chan struct{}
}

// runState is where a part with a Start and a Stop is in its life.
type runState uint8

const (
	stateNew runState = iota
	stateStarting
	stateRunning
	stateStopped
)

// LimitStatus is how a limit stands.
type LimitStatus struct {
	Limit
	// Used are the requests of the last window, those under way included, and
	// Left those that the window has room for, and the upstream says are left;
	// what is reserved is neither.
	Used, Left int
	// UnderWay are requests that were not released yet, Waiting those that were
	// not admitted yet.
	UnderWay, Waiting int
	// PausedUntil is zero when the limit is not paused.
	PausedUntil time.Time
}

// NewLimiter returns a Limiter without limits.
func NewLimiter(o LimiterOptions) *Limiter {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Lost == nil {
		o.Lost = func(error) bool { return false }
	}
	return &Limiter{
		store: o.Store, logger: o.Logger, leased: o.Leased, lost: o.Lost, epoch: time.Now(),
		limits: make(map[string]*limit), adopted: make(map[string]bool),
		stopped: make(chan struct{}), saver: make(chan struct{}), ended: make(chan struct{}),
		wanted: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
	}
}

// Start loads the saved budgets, but where each is adopted by itself, and begins
// to admit. Only Stop ends what it
// starts, not the end of ctx.
func (l *Limiter) Start(ctx context.Context) error {
	l.mu.Lock()
	if l.state != stateNew {
		l.mu.Unlock()
		return fmt.Errorf("start limiter: %w", ErrNotRunning)
	}
	l.state = stateStarting
	l.mu.Unlock()

	var budgets []Budget
	var err error
	if !l.leased {
		budgets, err = l.store.Budgets(ctx)
	}

	l.mu.Lock()
	switch {
	case l.state != stateStarting:
		l.mu.Unlock()
		return fmt.Errorf("start limiter: %w", ErrNotRunning)
	case err != nil:
		l.state = stateNew
		l.mu.Unlock()
		return fmt.Errorf("load budgets: %w", err)
	}
	for _, b := range budgets {
		l.restore(b)
	}
	l.state = stateRunning
	saveCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = cancel
	go l.saveLoop(saveCtx)
	waiting := slices.Collect(maps.Values(l.limits))
	l.mu.Unlock()
	for _, lim := range waiting {
		l.pump(lim)
	}
	return nil
}

// Stop ends admission and saves the exact state. Requests under way are not
// waited for: they are spent already. Further calls wait for the first.
func (l *Limiter) Stop(ctx context.Context) error {
	l.mu.Lock()
	was := l.state
	l.state = stateStopped
	if was == stateStopped {
		l.mu.Unlock()
		return waitFor(ctx, l.ended)
	}
	close(l.stopped)
	defer close(l.ended)
	for _, lim := range l.limits {
		if lim.timer != nil {
			lim.timer.Stop()
		}
	}
	l.mu.Unlock()
	if was != stateRunning {
		return nil
	}
	l.stop()
	<-l.saver
	if err := l.saveExact(ctx, l.limits); err != nil {
		return fmt.Errorf("stop limiter: %w", err)
	}
	return nil
}

// Apply sets the limits. What was spent of a limit whose name stays is kept,
// whatever else changes; a limit that is left out admits nothing any more, so
// that a source which still names it never asks without one.
func (l *Limiter) Apply(limits []Limit) {
	l.mu.Lock()
	now := l.now()
	gone := make(map[string]bool, len(l.limits))
	for name := range l.limits {
		gone[name] = true
	}
	changed := make([]*limit, 0, len(limits))
	for _, def := range limits {
		lim := l.limit(def.Name)
		lim.define(def, now)
		if lim.stale {
			signal(l.wanted)
		}
		changed = append(changed, lim)
		delete(gone, def.Name)
	}
	for name := range gone {
		lim := l.limits[name]
		lim.define(Limit{Name: name}, now)
		if lim.idle(now) {
			delete(l.limits, name)
		}
	}
	l.mu.Unlock()
	for _, lim := range changed {
		l.pump(lim)
	}
}

// Take waits until a request of the named limit may be sent, and counts it as
// sent, at a cost of at least 1. One that costs more than the limit has takes all
// of it. The caller calls release when the request is over; calling it twice does
// no harm. An empty name is no limit. The error is ErrUnknownLimit, ErrElsewhere,
// ErrNotRunning, or that of ctx.
func (l *Limiter) Take(ctx context.Context, name string, cost int) (release func(), err error) {
	w := &taker{ready: make(chan struct{}, 1)}
	w.ticket.owner = w
	if err := l.await(ctx, name, cost, w); err != nil {
		return nil, err
	}
	return func() { l.release(&w.ticket) }, nil
}

// await waits until the ticket of a taker is used.
func (l *Limiter) await(ctx context.Context, name string, cost int, w *taker) error {
	if !l.knows(name) {
		return fmt.Errorf("take from limit %q: %w", name, ErrUnknownLimit)
	}
	l.enqueue(name, cost, &w.ticket)
	released := l.released(&w.ticket)
	for {
		select {
		case <-w.ready:
			// A pause may have come between the offer and now; the ticket
			// is then in the queue again, at its front.
			if l.use(&w.ticket) {
				return nil
			}
		case <-ctx.Done():
			l.cancel(&w.ticket)
			return fmt.Errorf("take from limit %q: %w", name, context.Cause(ctx))
		case <-released:
			l.cancel(&w.ticket)
			return fmt.Errorf("take from limit %q: %w", name, ErrElsewhere)
		case <-l.stopped:
			l.cancel(&w.ticket)
			return fmt.Errorf("take from limit %q: %w", name, ErrNotRunning)
		}
	}
}

// taker is a caller that blocks.
type taker struct {
	ticket ticket
	ready  chan struct{}
}

func (t *taker) admitted() { t.ready <- struct{}{} }

// Pause lets nobody use the limit before a time. It never shortens a pause, and
// outlives a restart.
func (l *Limiter) Pause(name string, until time.Time) {
	if name == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now, wait := l.now(), clampAge(time.Until(until)); wait > 0 && l.keeps(name) {
		l.pause(l.limit(name), now+wait)
	}
}

// pause lets nobody use a limit before a time, and says whether that is news.
// The lock is held.
func (l *Limiter) pause(lim *limit, until time.Duration) bool {
	if until <= lim.pausedUntil {
		return false
	}
	lim.pausedUntil = until
	lim.stale, lim.touched = true, true
	signal(l.wanted)
	return true
}

// PausedUntil returns until when a source was asked to wait, itself or by its
// limit; a time in the past or the zero time where it was not.
func (l *Limiter) PausedUntil(s *Source) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	lim := l.limits[budgetName(s)]
	if lim == nil || lim.pausedUntil == 0 {
		return time.Time{}
	}
	return l.wall(lim.pausedUntil)
}

// Limits returns how the limits stand, by name; where they are leased, those that
// were adopted.
func (l *Limiter) Limits() []LimitStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	all := make([]LimitStatus, 0, len(l.limits))
	for _, lim := range l.limits {
		if !lim.defined() || lim.away {
			continue
		}
		lim.log.expire(now, lim.def.Per)
		used := lim.log.total + lim.inFlight
		s := LimitStatus{
			Limit: lim.def, Used: used, Left: max(0, lim.capacity()-used),
			UnderWay: lim.underWay, Waiting: lim.queue.len + lim.hops.len + lim.offered,
		}
		if lim.heard.until > now {
			s.Left = max(0, min(s.Left, lim.heard.ceiling-lim.sent))
		}
		if lim.pausedUntil > now {
			s.PausedUntil = l.wall(lim.pausedUntil)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b LimitStatus) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// now is the monotonic time since the epoch.
func (l *Limiter) now() time.Duration { return time.Since(l.epoch) }

// wall turns a monotonic time into what the wall clock shows then.
func (l *Limiter) wall(at time.Duration) time.Time {
	return time.Now().Round(0).Add(at - l.now()).UTC()
}

// waitFor waits until a channel is closed, or returns the error of ctx.
func waitFor(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// signal wakes a receiver that may not be listening right now.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
