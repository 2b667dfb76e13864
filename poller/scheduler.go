package poller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// ErrUnknownSource says that there is no source of that name.
var ErrUnknownSource = errors.New("unknown source")

// defaultWorkers is how many polls may be under way at once.
const defaultWorkers = 64

// SchedulerOptions are what a Scheduler needs.
type SchedulerOptions struct {
	// Poll is called for each request.
	Poll PollFunc
	// Gate is asked before a request is spent on its limit; nil for nobody.
	Gate Gate
	// Limiter admits the requests. It is started and stopped by its owner:
	// before the Scheduler, and after it.
	Limiter *Limiter
	// Runs keeps the next run times across restarts.
	Runs RunStore
	// Leased says that only sources are fired that were adopted; see [Scheduler.Adopt].
	Leased bool
	// SaveEvery is how far apart saves of next runs are at least; 0 means a second.
	SaveEvery time.Duration
	// Workers is the most polls under way at once; 0 means 64.
	Workers int
	// Begun is told of each poll that was due, when its first request is made: how
	// long after its time, waits for its limit and for a worker included; nil for
	// nobody. It must not wait.
	Begun func(s *Source, lag time.Duration)
	// Logger may be nil.
	Logger *slog.Logger
}

// Scheduler fires sources when they are due. A source that waits for its limit,
// for a retry or for its next run holds no worker and no goroutine.
//
// A source never overlaps with itself: a run that comes due while the last poll
// has not ended is dropped. Runs that were due while nothing ran are made once,
// spread over some minutes, or skipped, as the source says.
type Scheduler struct {
	poll    PollFunc
	gate    Gate
	limiter *Limiter
	runs    RunStore
	logger  *slog.Logger
	begun   func(*Source, time.Duration)
	every   time.Duration // between saves
	leased  bool
	clock   *clock
	pool    *pool

	mu      sync.Mutex
	state   runState
	entries map[string]*entry
	heap    dueHeap
	// paused are the sources that are held back, nil of those that are not known.
	paused map[string]*Source
	// adopted are the sources that are this one's, and elsewhere those that are there
	// and were not; both stay empty but where sources are leased.
	adopted   map[string]bool
	elsewhere map[string]*Source
	// saved are the next runs of sources that there is no entry of.
	saved map[string]int64
	// unsaved are the entries whose next run is to be saved.
	unsaved []*entry
	dropped int64
	// wakeAt is when the loop will look at the heap again.
	wakeAt int64
	ticks  ticks

	ctx         context.Context // of the polls
	cancelPolls context.CancelCauseFunc
	stopLoops   context.CancelFunc
	loops       sync.WaitGroup

	saving  chan struct{} // holds one token while next runs are saved
	wake    chan struct{} // the heap may have a new first entry
	pings   chan struct{} // Alive asks the loop
	dirty   chan struct{} // there is something to save
	stopped chan struct{} // closed when nothing fires any more
	ended   chan struct{} // closed when Stop is done
}

// NewScheduler returns a Scheduler without sources.
func NewScheduler(o SchedulerOptions) *Scheduler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	if o.SaveEvery <= 0 {
		o.SaveEvery = runsGather
	}
	if o.Begun == nil {
		o.Begun = func(*Source, time.Duration) {}
	}
	s := &Scheduler{
		poll: o.Poll, gate: o.Gate, limiter: o.Limiter, runs: o.Runs, logger: o.Logger,
		begun: o.Begun, every: o.SaveEvery, leased: o.Leased,
		clock:   newClock(time.Now),
		entries: make(map[string]*entry), paused: make(map[string]*Source), saved: make(map[string]int64),
		adopted: make(map[string]bool), elsewhere: make(map[string]*Source),
		saving: make(chan struct{}, 1), wake: make(chan struct{}, 1), pings: make(chan struct{}), dirty: make(chan struct{}, 1),
		stopped: make(chan struct{}), ended: make(chan struct{}),
	}
	s.pool = newPool(o.Workers, s.ask)
	return s
}

// Start loads the saved run times, but where each source comes with its own, and
// begins to fire. Only Stop ends what it
// starts, not the end of ctx: a signal shall let polls under way end.
func (s *Scheduler) Start(ctx context.Context) error {
	s.mu.Lock()
	if s.state != stateNew {
		s.mu.Unlock()
		return fmt.Errorf("start scheduler: %w", ErrNotRunning)
	}
	s.state = stateStarting
	s.mu.Unlock()

	var next map[string]time.Time
	var err error
	if !s.leased {
		next, err = s.runs.NextRuns(ctx)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != stateStarting:
		return fmt.Errorf("start scheduler: %w", ErrNotRunning)
	case err != nil:
		s.state = stateNew
		return fmt.Errorf("load next runs: %w", err)
	}
	s.state = stateRunning
	for name, at := range next {
		s.saved[name] = at.UnixNano()
	}
	ctx = context.WithoutCancel(ctx)
	s.ctx, s.cancelPolls = context.WithCancelCause(ctx)
	loopCtx, cancel := context.WithCancel(ctx)
	s.stopLoops = cancel
	fresh := make([]*entry, 0, len(s.entries))
	for _, e := range s.entries {
		fresh = append(fresh, e)
	}
	s.place(fresh, s.leased)
	s.loops.Go(func() { s.loop(loopCtx) })
	s.loops.Go(func() { s.saveLoop(loopCtx) })
	return nil
}

// Stop ends firing at once and waits for the polls under way; when ctx is done
// it cancels them, and still waits until they have returned. Then it saves the
// next runs. Further calls wait for the first.
func (s *Scheduler) Stop(ctx context.Context) error {
	s.mu.Lock()
	was := s.state
	s.state = stateStopped
	if was == stateStopped {
		s.mu.Unlock()
		return waitFor(ctx, s.ended)
	}
	close(s.stopped)
	defer close(s.ended)
	if was != stateRunning {
		s.mu.Unlock()
		return nil
	}
	for _, e := range s.entries {
		if e.phase == phaseWaiting {
			s.limiter.cancel(&e.ticket)
		}
	}
	s.mu.Unlock()
	s.stopLoops()
	s.loops.Wait()
	s.pool.close()
	drained := waitFor(ctx, s.pool.done)
	if drained != nil {
		s.cancelPolls(fmt.Errorf("stop scheduler: %w", ErrNotRunning))
		<-s.pool.done
		drained = fmt.Errorf("cancel polls under way: %w", drained)
	}
	s.cancelPolls(nil)
	// What is saved late is still worth more than nothing.
	saveCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSaveTimeout)
	defer cancel()
	_, saved := s.saveRuns(saveCtx)
	if err := errors.Join(drained, saved); err != nil {
		return fmt.Errorf("stop scheduler: %w", err)
	}
	return nil
}

// Trigger polls a source now, within its limit and not before its last answer
// allows, whatever its gate says. While a poll of it has begun and not ended, it is
// polled once more afterwards. The error is ErrUnknownSource,
// ErrPaused, ErrElsewhere or ErrNotRunning.
func (s *Scheduler) Trigger(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[name]
	switch {
	case s.state != stateRunning:
		return fmt.Errorf("trigger source %q: %w", name, ErrNotRunning)
	case s.paused[name] != nil:
		return fmt.Errorf("trigger source %q: %w", name, ErrPaused)
	case s.elsewhere[name] != nil:
		return fmt.Errorf("trigger source %q: %w", name, ErrElsewhere)
	case e == nil || e.removed:
		return fmt.Errorf("trigger source %q: %w", name, ErrUnknownSource)
	case e.phase == phaseIdle:
		s.hasten(e)
	case e.begun():
		e.again = true
	default:
		e.asked = true
	}
	return nil
}

// Dropped counts the runs that came due while the source's last poll had not ended.
func (s *Scheduler) Dropped() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Alive returns nil once the goroutine that fires has answered, else
// ErrNotRunning or the error of ctx.
func (s *Scheduler) Alive(ctx context.Context) error {
	select {
	case s.pings <- struct{}{}:
		return nil
	case <-s.stopped:
		return fmt.Errorf("ask scheduler: %w", ErrNotRunning)
	case <-ctx.Done():
		return fmt.Errorf("ask scheduler: %w", context.Cause(ctx))
	}
}
