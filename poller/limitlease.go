package poller

import (
	"context"
	"fmt"
)

// Adopt lets limits admit that are leased, those that are not configured yet too.
// It reads what was saved of them, and assumes the worst: all that was reserved is
// spent now. A pause of a source without a limit is kept under a name of its own,
// which is adopted with the source. The error is ErrNotRunning or the store's;
// nothing was adopted then.
func (l *Limiter) Adopt(ctx context.Context, budgets []string) error {
	if len(budgets) == 0 {
		return nil
	}
	saved, err := l.store.Budgets(ctx, budgets...)
	if err != nil {
		return fmt.Errorf("adopt limits: load budgets: %w", err)
	}
	l.mu.Lock()
	if l.state != stateRunning {
		l.mu.Unlock()
		return fmt.Errorf("adopt limits: %w", ErrNotRunning)
	}
	fresh := make(map[string]bool, len(budgets))
	var waiting []*limit
	for _, name := range budgets {
		if l.adopted[name] {
			continue
		}
		l.adopted[name], fresh[name] = true, true
		if lim := l.limits[name]; lim != nil && lim.away {
			lim.away, lim.released = false, make(chan struct{})
			waiting = append(waiting, lim)
		}
	}
	for _, b := range saved {
		if fresh[b.Limit] {
			l.restore(b)
		}
	}
	l.mu.Unlock()
	for _, lim := range waiting {
		l.pump(lim)
	}
	return nil
}

// Release lets limits admit nothing until they are adopted again. It waits for the
// requests under way, saves the exact state, and forgets it. When ctx is done
// before, it waits for a save under way alone, and nothing more is saved: what was sent is within what is reserved on disk, all
// of which counts as spent for whoever adopts the limits next. It is no error that
// another node has adopted one already. Names that are not known do no harm.
func (l *Limiter) Release(ctx context.Context, budgets []string) error {
	l.mu.Lock()
	leaving := make(map[string]*limit)
	var draining []chan struct{}
	for _, name := range budgets {
		lim := l.limits[name]
		if l.adopted[name] && lim != nil {
			leaving[name] = lim
			lim.leave()
			done := make(chan struct{})
			lim.drained = done
			draining = append(draining, done)
			lim.drain()
		}
		delete(l.adopted, name)
	}
	l.mu.Unlock()
	err := l.drain(ctx, leaving, draining)
	if err == nil {
		err = l.saveExact(ctx, leaving)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, lim := range leaving {
		l.forget(name, lim)
	}
	if err != nil {
		return fmt.Errorf("release limits: %w", err)
	}
	return nil
}

// drain waits for what is under way of limits that leave. When ctx is done that is
// the saves alone: one that came to its end after another adoption might be taken
// for a write of that.
func (l *Limiter) drain(ctx context.Context, leaving map[string]*limit, draining []chan struct{}) error {
	for _, done := range draining {
		err := waitFor(ctx, done)
		if err == nil {
			continue
		}
		l.mu.Lock()
		for _, lim := range leaving {
			lim.cut = true
			lim.drain()
		}
		l.mu.Unlock()
		for _, done := range draining {
			<-done
		}
		return fmt.Errorf("wait for requests under way: %w", err)
	}
	return nil
}

// forget puts another limit, of which nothing was spent, in the place of one that
// was released; who waits waits there. Requests that are still under way go by the
// old one. The lock is held.
func (l *Limiter) forget(name string, old *limit) {
	if old.timer != nil {
		old.timer.Stop()
	}
	if l.limits[name] != old {
		return // it was not configured any more, and nobody waited
	}
	next := l.newLimit(true)
	next.def, next.missed, next.hops, next.queue = old.def, old.missed, old.hops, old.queue
	old.heir, old.hops, old.queue = next, ticketQueue{}, ticketQueue{}
	for _, line := range []*ticketQueue{&next.hops, &next.queue} {
		for t := line.head; t != nil; t = t.next {
			t.limit = next
		}
	}
	l.limits[name] = next
	if next.idle(l.now()) {
		delete(l.limits, name)
	}
}

// newLimit returns a limit of which nothing was spent.
func (l *Limiter) newLimit(away bool) *limit {
	lim := &limit{wakeAt: never, away: away}
	if l.leased {
		lim.released = make(chan struct{})
		if away {
			close(lim.released)
		}
	}
	return lim
}

// released returns what is closed when the limit that a ticket waits for is not
// this node's; nil where that cannot be.
func (l *Limiter) released(t *ticket) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.limit == nil {
		return nil
	}
	return t.limit.released
}

// keeps says whether what is heard of a limit concerns this node: it does until
// a release of it has ended. The lock is held.
func (l *Limiter) keeps(name string) bool {
	if !l.leased || l.adopted[name] {
		return true
	}
	lim := l.limits[name]
	return lim != nil && lim.drained != nil
}
