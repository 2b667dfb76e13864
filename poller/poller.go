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

// Pauser holds back all requests of a limit.
type Pauser interface {
	// Pause admits no request under the limit before until. An earlier time
	// than the one that holds already changes nothing.
	Pause(limit string, until time.Time)
}

// PollerOptions are what a Poller is made of.
type PollerOptions struct {
	Fetcher  *Fetcher
	Observer Observer
	// Pauser is told of each Retry-After; nil for nobody.
	Pauser Pauser
	// Logger is told what operators want to know; nil for nobody.
	Logger *slog.Logger
}

// Poller makes one attempt of one poll at a time: it fetches, hands what was
// seen to the observer, and keeps the state that the next poll starts from.
// Its methods may be called concurrently, [Poller.Poll] for different sources.
type Poller struct {
	fetcher  *Fetcher
	observer Observer
	pauser   Pauser
	log      *slog.Logger

	mu      sync.Mutex
	sources map[string]*progress
}

// progress is where a source stands between its polls. A poll works on the one
// that it began with: where SetState or Forget put another in its place
// meanwhile, its outcome concerns nobody any more.
type progress struct {
	mu    sync.Mutex
	state State
	// failing is the kind of the last failure, empty after a success.
	failing string
	// pausedUntil holds back a source that has no limit to pause.
	pausedUntil time.Time
}

// NewPoller returns a poller that knows no state.
func NewPoller(o PollerOptions) *Poller {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Poller{
		fetcher:  o.Fetcher,
		observer: o.Observer,
		pauser:   o.Pauser,
		log:      o.Logger,
		sources:  make(map[string]*progress),
	}
}

// SetState sets what the next poll of a source starts from: at the start, and
// whenever its request or its rules changed (the zero State then, for the old
// validators would speak of another answer). A poll under way adopts nothing
// afterwards.
func (p *Poller) SetState(source string, s State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources[source] = &progress{state: s}
}

// Forget drops all that is known of a source.
func (p *Poller) Forget(source string) {
	p.mu.Lock()
	delete(p.sources, source)
	p.mu.Unlock()
	p.fetcher.Forget(source)
}

// Poll makes one attempt; attempts of a poll count from 1. It is a [PollFunc].
//
// The observer is told of each poll once: of an answer, or of the failure of
// the last attempt. A poll that ends because ctx does is neither.
func (p *Poller) Poll(ctx context.Context, s *Source, attempt int) Outcome {
	pr := p.progress(s.Name)
	state, pausedUntil := pr.start()
	if wait := time.Until(pausedUntil); wait > 0 && attempt <= 1 {
		p.log.DebugContext(ctx, "poll skipped, the source asked for a pause", "source", s.Name, "wait", wait)
		return Outcome{}
	}
	o, err := p.fetcher.Fetch(ctx, s, state)
	if err != nil {
		return p.failed(ctx, s, pr, attempt, err)
	}
	defer o.Release()
	if err := p.observer.Observe(ctx, o); err != nil {
		p.fail(ctx, s, pr, err)
		return Outcome{}
	}
	if pr.succeed(o.State) {
		p.log.InfoContext(ctx, "source recovered", "source", s.Name)
	}
	return Outcome{}
}

// failed deals with an attempt that gave no observation.
func (p *Poller) failed(ctx context.Context, s *Source, pr *progress, attempt int, err error) Outcome {
	failure, ok := errors.AsType[*FetchError](err)
	if !ok {
		failure = &FetchError{Err: err}
	}
	if failure.RetryAfter > 0 {
		p.pause(ctx, s, pr, min(failure.RetryAfter, s.Retry.maxRetryAfter()))
	}
	if wait := s.Retry.next(attempt, failure, rand.Float64()); wait > 0 && ctx.Err() == nil {
		p.log.DebugContext(ctx, "attempt failed, trying again", "source", s.Name, "attempt", attempt, "wait", wait, "err", err)
		return Outcome{RetryAfter: wait}
	}
	p.fail(ctx, s, pr, err)
	return Outcome{}
}

// pause obeys a Retry-After: for the whole limit, or for a source without one.
func (p *Poller) pause(ctx context.Context, s *Source, pr *progress, wait time.Duration) {
	p.log.DebugContext(ctx, "pause asked for by the source", "source", s.Name, "limit", s.Limit, "wait", wait)
	until := time.Now().Add(wait)
	if s.Limit == "" || p.pauser == nil {
		pr.pause(until)
		return
	}
	p.pauser.Pause(s.Limit, until)
}

// fail ends a poll that failed.
func (p *Poller) fail(ctx context.Context, s *Source, pr *progress, reason error) {
	level := slog.LevelDebug
	if ctx.Err() != nil {
		if !errors.Is(reason, context.Canceled) && !errors.Is(reason, context.Cause(ctx)) {
			level = slog.LevelWarn // a disk that fails while we stop is still news
		}
		p.log.Log(ctx, level, "poll stopped", "source", s.Name, "err", reason)
		return
	}
	if pr.fail(kindOf(reason)) {
		level = slog.LevelWarn
	}
	p.log.Log(ctx, level, "poll failed", "source", s.Name, "err", reason)
	p.observer.Fail(ctx, s.Name, reason)
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

func (pr *progress) start() (State, time.Time) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	return pr.state, pr.pausedUntil
}

// succeed adopts the state of an accepted answer, and reports whether the
// source was failing before.
func (pr *progress) succeed(s State) (recovered bool) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	recovered = pr.failing != ""
	pr.state, pr.failing, pr.pausedUntil = s, "", time.Time{}
	return recovered
}

// fail notes a failure, and reports whether it is another one than the last.
func (pr *progress) fail(kind string) (news bool) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	news = pr.failing != kind
	pr.failing = kind
	return news
}

func (pr *progress) pause(until time.Time) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if until.After(pr.pausedUntil) {
		pr.pausedUntil = until
	}
}

// kindOf tells failures apart for the log. What changes from one to the next
// without being news is left out: the body of an error page with its request
// id, and local ports and times, which are digits.
func kindOf(err error) string {
	if fe, ok := errors.AsType[*FetchError](err); ok && errors.Is(fe, ErrUnfit) {
		text, _, _ := strings.Cut(fe.Err.Error(), ": ")
		return text
	}
	return strings.Map(func(c rune) rune {
		if '0' <= c && c <= '9' {
			return -1
		}
		return c
	}, err.Error())
}

var _ PollFunc = (*Poller)(nil).Poll
