package poller

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// elsewhereWait is how long a poll waits that may not go on here.
const elsewhereWait = time.Second

// Pauses knows which sources asked to be left alone for a while.
type Pauses interface {
	// PausedUntil returns until when; a time in the past where that is over,
	// or never was.
	PausedUntil(s *Source) time.Time
}

var _ Pauses = (*Limiter)(nil)

// PollerOptions are what a Poller is made of.
type PollerOptions struct {
	Fetcher  *Fetcher
	Observer Observer
	// Detailer says which details are fetched of sources that have a Detail; nil
	// for none.
	Detailer Detailer
	// Pauses are heeded for sources without a limit; the others wait at their
	// limit. nil for none.
	Pauses Pauses
	// Done is told what came of each poll that has ended, those excepted that were
	// ended by the stop, or whose source is another node's by now; nil for nobody. It must not wait.
	Done func(s *Source, r Result)
	// Logger is told what operators want to know; nil for nobody.
	Logger *slog.Logger
}

// Poller makes one request of a poll at a time. It keeps what came so far, hands
// what the whole poll saw to the observer, and keeps the state that the next
// poll starts from.
// Its methods may be called concurrently, [Poller.Poll] for different sources.
type Poller struct {
	fetcher  *Fetcher
	observer Observer
	detailer Detailer
	pauses   Pauses
	done     func(s *Source, r Result)
	log      *slog.Logger
	hosts    hosts

	mu      sync.Mutex
	sources map[string]*progress
}

// NewPoller returns a poller that knows no state.
func NewPoller(o PollerOptions) *Poller {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Done == nil {
		o.Done = func(*Source, Result) {}
	}
	return &Poller{
		fetcher:  o.Fetcher,
		observer: o.Observer,
		detailer: o.Detailer,
		pauses:   o.Pauses,
		done:     o.Done,
		log:      o.Logger,
		hosts:    hosts{sick: make(map[string]*host)},
		sources:  make(map[string]*progress),
	}
}

// SetState sets what the next poll of a source starts from: at the start, and
// whenever its request or its rules changed (the zero State then, for the old
// validators would speak of another answer). A poll under way adopts nothing
// afterwards and fails silently, and one that is between two requests begins anew.
func (p *Poller) SetState(source string, s State) {
	p.mu.Lock()
	old := p.sources[source]
	p.sources[source] = &progress{state: s}
	p.mu.Unlock()
	old.end()
}

// Forget drops all that is known of a source.
func (p *Poller) Forget(source string) {
	p.mu.Lock()
	old := p.sources[source]
	delete(p.sources, source)
	p.mu.Unlock()
	old.end()
	p.fetcher.Forget(source)
}

// Close drops what came of polls that have not come to their end. Nothing is
// polled any more.
func (p *Poller) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pr := range p.sources {
		pr.end()
	}
}

// Poll makes one request of a poll. It is a [PollFunc].
//
// A request that fails is made again by itself, as often as the source's Retry
// allows for each: what came before it is kept. The observer is told of each
// poll once: of an answer, or of the failure that ended it. A poll that ends
// because ctx does is neither. Where the source was replaced in the middle of a
// poll, another one begins.
func (p *Poller) Poll(ctx context.Context, s *Source, request int) Outcome {
	pr := p.progress(s.Name)
	if wait := p.paused(s); wait > 0 {
		if request > 1 {
			return Outcome{RetryAfter: wait} // the poll goes on where it stands
		}
		p.log.DebugContext(ctx, "poll skipped, the source asked for a pause", "source", s.Name, "wait", wait)
		return Outcome{}
	}
	if d := pr.owes(s); d != nil {
		return p.settle(ctx, s, pr, request, d)
	}
	v, attempt := pr.visit(p.fetcher, s, request <= 1)
	outcome := p.visit(ctx, s, pr, v, attempt)
	outcome.Interval = min(v.interval, s.Retry.maxRetryAfter())
	return outcome
}

// visit makes the next request of a visit.
func (p *Poller) visit(ctx context.Context, s *Source, pr *progress, v *Visit, attempt int) Outcome {
	o, err := v.Next(ctx)
	if err != nil {
		return p.failed(ctx, s, pr, v, attempt, err)
	}
	p.answered(ctx, s) // after each page: else the gate would take the next for one of a dead host
	if o != nil && s.Detail != nil && o.Details == nil && p.detailer != nil {
		return p.gather(ctx, s, pr, v, o)
	}
	return p.goOn(ctx, s, pr, v, o, nil)
}

// observe ends a poll that saw something.
func (p *Poller) observe(ctx context.Context, s *Source, pr *progress, o *Observation) Outcome {
	defer o.Release()
	r := Result{At: o.At, Duration: o.Duration, Requests: o.Requests, Status: o.Status, Bytes: o.Bytes}
	r.Err = p.observer.Observe(ctx, o)
	r.Verdict = o.Verdict
	if errors.Is(r.Err, ErrReplaced) {
		return p.replaced(ctx, s)
	}
	if r.Err != nil {
		if isFinal[*KeptError](r.Err) {
			pr.adopt(o.State)
		}
		p.fail(ctx, s, pr, r)
		return Outcome{}
	}
	if pr.succeed(o.State) {
		p.log.InfoContext(ctx, "source recovered", "source", s.Name)
	}
	p.done(s, r)
	if o.State == (State{}) {
		return Outcome{} // nobody has looked at it: it is asked for again as a whole
	}
	pr.owe(o.owed)
	return Outcome{More: o.owed != nil}
}

// replaced drops what came of a request that the source does not make any more:
// another poll, of what it asks for now, takes the place of this one.
func (p *Poller) replaced(ctx context.Context, s *Source) Outcome {
	p.log.DebugContext(ctx, "poll dropped, its source was given another request", "source", s.Name)
	return Outcome{More: true}
}

// failed deals with a request that failed, the attempt-th time, counted from 1.
func (p *Poller) failed(ctx context.Context, s *Source, pr *progress, v *Visit, attempt int, err error) Outcome {
	failure, ok := errors.AsType[*FetchError](err)
	if !ok {
		failure = &FetchError{Err: err}
	}
	if failure.Status != 0 {
		p.answered(ctx, s)
	}
	if errors.Is(err, ErrElsewhere) && ctx.Err() == nil {
		// Either the source is released soon, or this node goes on with it.
		p.log.DebugContext(ctx, "poll waits, this node may not send", "source", s.Name, "err", err)
		pr.keep(v, attempt-1)
		return Outcome{RetryAfter: elsewhereWait}
	}
	if failure.Unreached && p.Held(s) != nil {
		failure.Retryable = false // it was the one try
	}
	if failure.Renewed && ctx.Err() == nil {
		p.log.DebugContext(ctx, "credentials refused, asking again with renewed ones", "source", s.Name)
		pr.keep(v, attempt-1)
		return Outcome{More: true}
	}
	if wait := s.Retry.next(attempt, failure, rand.Float64()); wait > 0 && ctx.Err() == nil {
		p.log.DebugContext(ctx, "attempt failed, trying again", "source", s.Name, "attempt", attempt, "wait", wait, "err", err)
		pr.keep(v, attempt)
		return Outcome{RetryAfter: wait}
	}
	if failure.Unreached {
		if wait := p.hosts.failed(s, time.Now()); wait > 0 {
			p.log.WarnContext(ctx, "host does not answer, its sources are not asked for a while", "host", hostOf(s), "wait", wait.Round(time.Second))
		}
	}
	if ok && v.Gathering() && ctx.Err() == nil {
		return p.pass(ctx, s, pr, v, failure)
	}
	v.Close()
	p.fail(ctx, s, pr, v.failed(err))
	return Outcome{}
}

// answered takes note that the host of a source is alive.
func (p *Poller) answered(ctx context.Context, s *Source) {
	if p.hosts.answered(s) {
		p.log.InfoContext(ctx, "host answers again", "host", hostOf(s))
	}
}

// Held returns a *[HostDownError] where the host of a source does not answer and
// is not tried again yet.
func (p *Poller) Held(s *Source) error {
	if down := p.hosts.held(s, time.Now()); down != nil {
		return down
	}
	return nil
}

// Hold is for how long a source must not be polled out of turn, since its host
// does not answer or it asked for a pause; 0 or less where it may be. Then the
// caller must poll it at once, for it may be the one that tries the host again.
// A source with a limit waits there for the end of its pauses.
func (p *Poller) Hold(s *Source) time.Duration {
	if wait := p.paused(s); wait > 0 {
		return wait
	}
	return p.hosts.hold(s, time.Now())
}

// Refuse ends a poll that was held: it has failed, but nothing was sent. What
// came of a list and of its details before is kept.
func (p *Poller) Refuse(ctx context.Context, s *Source, reason error) {
	pr := p.progress(s.Name)
	v := pr.take()
	if o := v.leave(); o != nil {
		p.observe(ctx, s, pr, o)
	}
	v.Close()
	p.fail(ctx, s, pr, v.failed(reason))
}

var _ Gate = (*Poller)(nil)

// paused is for how long a source without a limit is to be left alone.
func (p *Poller) paused(s *Source) time.Duration {
	if s.Limit != "" || p.pauses == nil {
		return 0
	}
	return time.Until(p.pauses.PausedUntil(s))
}

// fail ends a poll that failed.
func (p *Poller) fail(ctx context.Context, s *Source, pr *progress, r Result) {
	level, reason := slog.LevelDebug, r.Err
	if ctx.Err() != nil {
		if !errors.Is(reason, context.Canceled) && !errors.Is(reason, context.Cause(ctx)) {
			level = slog.LevelWarn // a disk that fails while we stop is still news
		}
		p.log.Log(ctx, level, "poll stopped", "source", s.Name, "err", reason)
		return
	}
	if errors.Is(reason, ErrElsewhere) {
		p.log.DebugContext(ctx, "poll dropped, its source is another node's by now", "source", s.Name, "err", reason)
		return // which polls it, and knows how it is
	}
	if pr.isEnded() {
		p.log.DebugContext(ctx, "failed poll dropped, its source was replaced or removed", "source", s.Name, "err", reason)
		return // says nothing of what the source asks for now
	}
	if pr.fail(kindOf(reason)) {
		level = slog.LevelWarn
	}
	p.log.Log(ctx, level, "poll failed", "source", s.Name, "err", reason)
	p.observer.Fail(ctx, s.Name, reason)
	p.done(s, r)
}

func (p *Poller) progress(source string) *progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	pr := p.sources[source]
	if pr == nil {
		pr = &progress{}
		p.sources[source] = pr
	}
	return pr
}

// kindOf tells failures apart for the log. What changes from one to the next
// without being news is left out: the body of an error page with its request
// id, and local ports and times, which are digits.
func kindOf(err error) string {
	if isFinal[*HostDownError](err) {
		return "host does not answer"
	}
	if fe, ok := errors.AsType[*FetchError](err); ok && errors.Is(fe, ErrUnfit) {
		text, _, _ := strings.Cut(fe.Err.Error(), ": ")
		return text
	}
	text, _, _ := strings.Cut(err.Error(), saying) // which may have the ID of a request, too
	return strings.Map(func(c rune) rune {
		if '0' <= c && c <= '9' {
			return -1
		}
		return c
	}, text)
}

var _ PollFunc = (*Poller)(nil).Poll
