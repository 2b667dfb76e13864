package poller

import (
	"context"
	"net/http"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// Heed takes note that the answer to a request of a source has begun, and of
// what it says of rate limits: that concerns all requests under the source's
// limit, or those of the source where it has none. Where the request was too
// much, or the last one that the budget had, nothing is admitted until the time
// that the answer names, but no longer than the source's Retry.MaxRetryAfter;
// where more requests of others were counted than ours, only as many as are
// left. ctx is that of the poll. A Fetcher is given it as FetcherOptions.Heed.
func (l *Limiter) Heed(ctx context.Context, s *Source, status int, h http.Header) {
	said := httpclient.ParseRateLimit(status, h, time.Now())
	l.mu.Lock()
	now := l.now()
	t := ticketOf(ctx)
	if t != nil {
		t.limit.answered(now, t)
	}
	lim := l.heeding(s, said)
	if lim == nil {
		l.mu.Unlock()
		return
	}
	wait := lim.learn(now, t, said, status >= http.StatusBadRequest, s.Retry.maxRetryAfter())
	paused := wait > 0 && l.pause(lim, now+wait)
	l.mu.Unlock()
	if paused {
		l.logger.InfoContext(ctx, "the answer asks for a pause", "source", s.Name, "limit", s.Limit, "status", status, "wait", wait)
	}
	l.pump(lim)
}

// heeding is the limit that something said concerns, nil where nothing was said
// that would change it. The lock is held.
func (l *Limiter) heeding(s *Source, said httpclient.RateLimit) *limit {
	name := budgetName(s)
	if !l.keeps(name) {
		return nil
	}
	lim := l.limits[name]
	if lim == nil && (said.Refused || said.RetryAfter > 0 || said.Remaining == 0) {
		lim = l.limit(name)
	}
	return lim
}

// budgetName is the name under which a pause of a source is kept: that of its
// limit, or one that only it can have.
func budgetName(s *Source) string {
	if s.Limit == "" {
		return "source/" + s.Name
	}
	return s.Limit
}

// Extend waits until one more request may be sent within an attempt that was
// admitted under the named limit, such as one that a redirect asks for. It takes
// no further place of the limit's Concurrency, so that it cannot wait for the
// attempt that it belongs to, goes before all that wait in the queue, and does
// not wait for the pace: the next request of the queue waits the longer. ctx is
// that of the poll. The errors are those of Take.
func (l *Limiter) Extend(ctx context.Context, name string, cost int) error {
	w := &taker{ready: make(chan struct{}, 1)}
	w.ticket.owner, w.ticket.hop = w, true
	if err := l.await(ctx, name, cost, w); err != nil {
		return err
	}
	l.mu.Lock()
	t, hop := ticketOf(ctx), &w.ticket
	if t != nil && t.limit == hop.limit && t.state == ticketUsed {
		// Its answer is that of the attempt, and heeded under the same ticket.
		t.limit.answered(l.now(), t)
		t.charged, t.sentAt, t.unanswered = hop.charged, hop.sentAt, hop.unanswered
		hop.unanswered = false
	}
	l.mu.Unlock()
	l.release(hop)
	return nil
}

// ticketKey finds the ticket of an attempt in its context.
type ticketKey struct{}

// ticketContext is the context of attempts that are made under a ticket. It is
// part of what has the ticket: a poll shall not cost an allocation for it.
type ticketContext struct {
	context.Context
	ticket *ticket
}

// Value returns the ticket too.
func (c *ticketContext) Value(key any) any {
	if key == (ticketKey{}) {
		return c.ticket
	}
	return c.Context.Value(key)
}

// ticketOf returns the ticket of an attempt, nil where it has no limit.
func ticketOf(ctx context.Context) *ticket {
	t, _ := ctx.Value(ticketKey{}).(*ticket)
	return t
}
