package poller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

const (
	// gatherTime is how long a save that nobody waits for yet gathers others.
	gatherTime = 100 * time.Millisecond
	// saveRetry is how long a save that failed waits.
	saveRetry = time.Second
	// clockSkew is how far apart the clocks of nodes may be. What another one has
	// spent counts for so much longer, for it may have been later by this clock.
	clockSkew = time.Second
)

// saveLoop renews reservations. Saves that become necessary while one is under
// way go together into the next one.
func (l *Limiter) saveLoop(ctx context.Context) {
	defer close(l.saver)
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.urgent:
		case <-l.wanted:
			l.gather(ctx)
		}
		err := l.saveStale(ctx)
		for failures := 1; err != nil; failures++ {
			if ctx.Err() != nil {
				return
			}
			if failures == 1 {
				l.logger.Error("save budgets, limits wait until it works", "err", err)
			}
			if pause(ctx, saveRetry) != nil {
				return
			}
			if err = l.saveStale(ctx); err == nil {
				l.logger.Info("budgets are saved again", "failures", failures)
			}
		}
	}
}

// gather waits for more to save, until somebody waits for it.
func (l *Limiter) gather(ctx context.Context) {
	timer := time.NewTimer(gatherTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.urgent:
	case <-ctx.Done():
	}
}

// saveStale saves a new reservation of each limit that asks for one.
func (l *Limiter) saveStale(ctx context.Context) error {
	l.mu.Lock()
	var limits []*limit
	var budgets []Budget
	for name, lim := range l.limits {
		if lim.stale && !lim.saving && !lim.away {
			reserve := lim.beginSave()
			limits = append(limits, lim)
			budgets = append(budgets, l.budget(name, lim, reserve))
		}
	}
	l.mu.Unlock()
	if len(limits) == 0 {
		return nil
	}
	lost, err := l.save(ctx, budgets)
	l.mu.Lock()
	for i, lim := range limits {
		lim.endSave(err == nil)
		if name := budgets[i].Limit; lost[name] {
			l.logger.Warn("limit is another node's by now, nothing is admitted here", "limit", name)
			lim.leave()
		}
		lim.drain()
	}
	l.mu.Unlock()
	if err != nil {
		return err
	}
	for _, lim := range limits {
		l.pump(lim)
	}
	return nil
}

// save saves budgets, and returns which of them are limits of another node by now.
// Where one of many is, they are saved one by one: the others lose nothing by it.
func (l *Limiter) save(ctx context.Context, budgets []Budget) (lost map[string]bool, err error) {
	if len(budgets) == 0 {
		return nil, nil
	}
	err = l.store.SaveBudgets(ctx, budgets)
	switch {
	case err == nil:
		return nil, nil
	case !l.lost(err):
		return nil, fmt.Errorf("save budgets: %w", err)
	case len(budgets) == 1:
		return map[string]bool{budgets[0].Limit: true}, nil
	}
	lost = make(map[string]bool)
	var errs []error
	for i := range budgets {
		one, err := l.save(ctx, budgets[i:i+1])
		maps.Copy(lost, one)
		errs = append(errs, err)
	}
	return lost, errors.Join(errs...)
}

// saveExact saves what is not saved exactly of some limits, with nothing reserved.
// Nothing is admitted any more.
func (l *Limiter) saveExact(ctx context.Context, limits map[string]*limit) error {
	l.mu.Lock()
	var budgets []Budget
	for name, lim := range limits {
		if lim.touched {
			budgets = append(budgets, l.budget(name, lim, 0))
		}
	}
	l.mu.Unlock()
	_, err := l.save(ctx, budgets)
	return err
}

// budget is what must survive of a limit. The lock is held.
func (l *Limiter) budget(name string, lim *limit, reserve int) Budget {
	now := l.now()
	if lim.defined() {
		lim.log.expire(now, lim.def.Per)
	}
	b := Budget{Limit: name, Reserved: reserve + lim.claim + lim.inFlight}
	for _, e := range lim.log.entries {
		b.Spent = append(b.Spent, Spend{At: l.wall(e.at), Count: e.count})
	}
	if lim.pausedUntil > now {
		b.PausedUntil = l.wall(lim.pausedUntil)
	}
	return b
}

// restore takes over a saved budget. Times that lie in the future, because the
// clock was set back since, count as now, and a pause is shortened by as much as
// they show that it was set back. The lock is held.
func (l *Limiter) restore(b Budget) {
	lim := l.limit(b.Limit)
	def := lim.def
	lim.def = Limit{} // It may be defined already: define it again, with what was spent.
	now, wall := l.now(), time.Now().Round(0)
	var back, last, skew time.Duration
	if l.leased {
		skew = clockSkew
	}
	for i, s := range b.Spent {
		ahead := clampAge(s.At.Sub(wall)) + skew
		back = max(back, ahead-skew)
		at := now + min(0, ahead)
		if i > 0 {
			at = max(at, last)
		}
		last = at
		if s.Count > 0 {
			lim.log.add(at, s.Count, 0)
		}
	}
	lim.claim, lim.claimedAt = max(0, b.Reserved), now
	if !b.PausedUntil.IsZero() {
		lim.pausedUntil = max(lim.pausedUntil, now+clampAge(b.PausedUntil.Sub(wall))+skew-back)
	}
	if def.Requests > 0 {
		lim.define(def, now)
	}
	if lim.stale {
		signal(l.wanted)
	}
}

// clampAge bounds a distance in time, which may come from nonsense on disk or in
// a header, so that sums of it do not overflow.
func clampAge(d time.Duration) time.Duration {
	const most = 10 * 365 * 24 * time.Hour
	return min(max(d, -most), most)
}

// pause waits for a while, or returns the error of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
