package poller

import (
	"context"
	"math"
	"time"
)

// noRun is the time of a run that does not come, in Unix nanoseconds.
const noRun = math.MaxInt64

// entry is one source in the Scheduler. It is guarded by the Scheduler's lock,
// but for its ticket. Times are Unix nanoseconds of the wall clock.
type entry struct {
	ticket    ticket
	ctx       ticketContext
	scheduler *Scheduler
	source    *Source

	// index is the place in the heap, and due the earlier of its run and retryAt.
	index int
	due   int64
	// next is when the next run is due, fireAt the same with jitter.
	next, fireAt int64
	// notBefore is when the next poll may begin at the earliest, as the answers to the
	// last one asked for; 0 where they did not.
	notBefore int64
	// retryAt is when a request of this poll is made again, noRun if none is.
	retryAt int64
	// dueAt is when the poll that waits to begin was due; 0 of one that was asked
	// for, and once it has begun.
	dueAt int64
	// request is that of the poll that is under way, counted from 1.
	request int
	phase   phase

	// extra says that next does not come from the schedule: it is a first run,
	// or one that was missed.
	extra bool
	// again says that a poll was extra for while one was under way.
	again bool
	// asked says that the poll under way was asked for: it is made whatever
	// the gate says.
	asked bool
	// removed entries are kept until their poll ends, so that the source does
	// not overlap with itself when it comes back.
	removed bool
	// unsaved says that next is in the list of what is to be saved.
	unsaved bool
	// cancel ends the request on a worker where sources are leased, else nil, and
	// departure is not nil where the source was released meanwhile.
	cancel    context.CancelCauseFunc
	departure *departure
}

// phase is where an entry's poll stands.
type phase uint8

const (
	phaseIdle    phase = iota // no poll
	phaseWaiting              // for its limit, or a worker
	phaseRunning              // on a worker
	phaseBackoff              // until its request is made again
)

var _ admitter = (*entry)(nil)

// admitted hands the entry to the workers, once its limit admits it.
func (e *entry) admitted() { e.scheduler.pool.push(e) }

// begun says whether a poll has begun, so that what it sees may be older than now.
func (e *entry) begun() bool {
	return e.phase == phaseRunning || e.phase == phaseBackoff || e.phase == phaseWaiting && e.request > 1
}

// setDue recomputes due; the caller fixes the heap.
func (e *entry) setDue() { e.due = min(e.runAt(), e.retryAt) }

// runAt is when the next run begins.
func (e *entry) runAt() int64 { return max(e.fireAt, e.notBefore) }

// bring makes the next run come as soon as it may, whatever the gate says.
func (e *entry) bring() {
	e.asked = true
	if e.notBefore < e.fireAt {
		e.next, e.fireAt, e.extra = e.notBefore, e.notBefore, true
	}
}

// followSchedule sets the next run to the schedule's next after now.
func (e *entry) followSchedule(now int64) {
	e.extra = false
	e.next = nextRun(e.source.Schedule, now)
	e.fireAt = e.next
	if e.next != noRun {
		e.fireAt += jitter(e.source.Jitter)
	}
}

// nextRun is Schedule.Next in Unix nanoseconds.
func nextRun(s Schedule, now int64) int64 {
	next := s.Next(time.Unix(0, now))
	if next.IsZero() {
		return noRun
	}
	return next.UnixNano()
}
