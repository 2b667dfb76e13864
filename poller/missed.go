package poller

import (
	"math/rand/v2"
	"time"
)

const (
	// maxSpread bounds over how long missed runs are spread.
	maxSpread = 5 * time.Minute
	// firstGap and maxFirstSpread spread the first runs of new sources, and the late
	// ones of those that come from another owner: a few are polled at once, so that a
	// user sees them work and no interval passes without its run, thousands over
	// seconds.
	firstGap       = time.Millisecond
	maxFirstSpread = 10 * time.Second
	// handOver is how long a source may be between two owners, so that its runs of
	// that time are late and not missed. The owner before may have put a run off by
	// all of its jitter, too.
	handOver = time.Minute
)

// jitter returns a random time in [0, d), in nanoseconds.
func jitter(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return rand.Int64N(int64(d))
}

// resume decides when an entry runs first in this process, or after the clock
// was set: saved is its next run as it was known before. It is one of so many that
// another owner has handed over, of none where there was no other. It reports
// whether the next run is another one now.
func (e *entry) resume(saved, now int64, handed int) (changed bool) {
	e.followSchedule(now)
	switch {
	case saved > now && saved >= e.next:
		// A time beyond the schedule's next means that the clock was set back,
		// or that the schedule has changed.
	case saved > now:
		e.next, e.extra = saved, true
		e.fireAt = saved
	case handed > 0 && now-saved < int64(handOver+e.source.Jitter):
		// All that one owner had may come to another at once. Who was away for long is
		// no reason to be later still, but for what is left of a jitter.
		within := min(time.Duration(now-saved), e.spread(now), firstSpread(handed))
		e.ask(now, max(within, time.Duration(saved-now)+e.source.Jitter))
	case e.source.OnMissed != Skip:
		e.ask(now, e.spread(now))
	}
	return e.next != saved
}

// ask sets the next run to one that the schedule does not know, at a stable
// point within a while from now, but not after the schedule's own.
func (e *entry) ask(now int64, within time.Duration) {
	at := now + int64(stableOffset(e.source.Name, within))
	if at < e.next {
		e.next, e.fireAt, e.extra = at, at, true
	}
}

// spread is over how long a missed run of this source may be put off.
func (e *entry) spread(now int64) time.Duration {
	interval := Interval(e.source.Schedule, time.Unix(0, now))
	if interval <= 0 {
		return maxSpread
	}
	return min(interval, maxSpread)
}

// firstSpread is over how long the runs of n sources are spread that are all due.
func firstSpread(n int) time.Duration {
	return min(time.Duration(n)*firstGap, maxFirstSpread)
}

// clockSet brings an entry in order after the wall clock was set by delta. A run
// that the jump made late counts as missed, one that was due anyway does not. It
// reports whether the next run is another one now.
func (e *entry) clockSet(delta, now int64) (changed bool) {
	if e.retryAt != noRun {
		e.retryAt += delta
	}
	if e.notBefore > 0 {
		e.notBefore += delta
	}
	was := e.next
	switch {
	case e.fireAt == noRun:
	case e.fireAt <= now-delta:
		e.next, e.fireAt = min(e.next, now), min(e.fireAt, now)
	case e.extra:
		// It was to run after a while, and that while has not changed.
		at := e.fireAt + delta
		e.followSchedule(now)
		if at < e.next {
			e.next, e.fireAt, e.extra = at, at, true
		}
	case e.fireAt > now && e.next <= now:
		// Only its jitter is left to wait for.
	default:
		e.resume(e.next, now, 0)
	}
	e.setDue()
	return e.next != was
}
