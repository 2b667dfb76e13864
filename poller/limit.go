package poller

import (
	"math"
	"time"
)

// never stands for a time that does not come by waiting.
const never = time.Duration(math.MaxInt64)

// limit is the admission of one budget: the exact window, the pace, the pause,
// the bound on requests under way, and what is reserved on disk. It is plain
// arithmetic without a clock, a lock or I/O; the Limiter has those.
//
// A request is first offered, when it may be sent, and then spent, when it is
// about to be sent, which may be later. What is offered counts against all
// bounds, so that an offer stays good however long it waits.
type limit struct {
	// def is the limit as configured; its zero value means that it is not, and
	// nothing is admitted.
	def Limit
	log spendLog
	// paced is when the burst would be whole again.
	paced time.Duration
	// pausedUntil is when a Retry-After allows the next request.
	pausedUntil       time.Duration
	offered, underWay int

	// claim are requests that a process before this one had reserved and may
	// have sent before claimedAt. They are counted once def is known.
	claim     int
	claimedAt time.Duration

	// reserved is how many requests may still be sent under what is on disk.
	// While a save is under way either state may be on disk: requests then
	// count against both, and reservedNext is that of the newer one.
	reserved, reservedNext int
	saving                 bool
	// stale says that the saved state should be renewed.
	stale bool
	// needed says that a request waits for nothing but a reservation.
	needed bool
	// touched says that the saved state is not the exact one.
	touched bool

	queue ticketQueue
	timer *time.Timer
	// wakeAt is what the timer is set to, never when it is not.
	wakeAt time.Duration
}

// define sets what the limit is. What was spent, and a pause, are kept.
func (l *limit) define(def Limit, now time.Duration) {
	if def.Burst < 1 {
		def.Burst = 1
	}
	if l.def == def {
		return
	}
	l.def = def
	if def.Requests < 1 {
		return
	}
	l.settleClaim()
	l.log.expire(now, def.Per)
	// The pace is what it would be had the log been spent under this
	// definition. A burst can be used up, but not more than that.
	l.paced = 0
	for _, e := range l.log.entries {
		l.paced = min(max(l.paced, e.at)+time.Duration(e.count)*l.interval(), e.at+l.burstTime())
	}
}

// settleClaim counts what an earlier process may have sent without saving it:
// all that it had reserved, as if sent at the last moment, but never more than
// the limit would have admitted beside what is known.
func (l *limit) settleClaim() {
	if l.claim == 0 {
		return
	}
	l.log.expire(l.claimedAt, l.def.Per)
	if n := min(l.claim, l.def.Requests-l.log.total); n > 0 {
		l.log.add(l.claimedAt, n, l.def.Per)
	}
	l.claim = 0
	// The claim must not be made anew, and later, after each restart.
	l.stale, l.touched = true, true
}

// defined says whether the limit is configured.
func (l *limit) defined() bool { return l.def.Requests > 0 }

// interval is the even distance of requests.
func (l *limit) interval() time.Duration {
	return l.def.Per / time.Duration(l.def.Requests)
}

func (l *limit) burstTime() time.Duration {
	return time.Duration(l.def.Burst) * l.interval()
}

// chunk is how many requests are reserved at a time: so many that saves are
// rare, but so few that a crash, after which all count as spent, costs at most a
// thirty-second of the budget, or a second.
func (l *limit) chunk() int {
	if !l.defined() {
		return 0
	}
	second := l.def.Requests
	if l.def.Per > time.Second {
		second = int(float64(l.def.Requests) * float64(time.Second) / float64(l.def.Per))
	}
	return max(1, l.def.Requests/32, second)
}

// ahead says whether the next chunk is reserved before somebody needs it. Where
// requests are few and far apart it is not: a crash would cost a day of a limit
// of one request a day, and a save more does no harm.
func (l *limit) ahead() bool {
	return l.chunk() > 1 || l.interval() < time.Minute
}

// admissibleAt returns when one more request may be offered: a time that is not
// after now if at once, never if something other than time must come first.
// Whether it is reserved is another question.
func (l *limit) admissibleAt(now time.Duration) time.Duration {
	if !l.defined() {
		return never
	}
	if c := l.def.Concurrency; c > 0 && l.underWay+l.offered >= c {
		return never
	}
	if l.offered >= l.def.Burst || l.offered >= l.def.Requests {
		return never
	}
	at := l.pausedUntil
	l.log.expire(now, l.def.Per)
	if room := l.def.Requests - l.offered - 1; l.log.total > room {
		at = max(at, l.log.roomAt(room, l.def.Per))
	}
	if l.paced > now {
		spare := time.Duration(l.def.Burst-1-l.offered) * l.interval()
		at = max(at, l.paced-spare)
	}
	return at
}

// covered says whether one more request is reserved on disk.
func (l *limit) covered() bool {
	return l.reserved > l.offered && (!l.saving || l.reservedNext > l.offered)
}

// spend counts a request that is sent now.
func (l *limit) spend(now time.Duration) {
	l.log.add(now, 1, l.def.Per)
	l.paced = max(l.paced, now) + l.interval()
	l.underWay++
	l.reserved--
	l.reservedNext--
	l.touched = true
	// The next chunk is asked for early, so that no request waits for a save.
	if l.reserved <= l.chunk()/2 {
		l.stale = true
	}
}

// beginSave starts a save of the present state with a new reservation.
func (l *limit) beginSave() (reserve int) {
	l.reservedNext = 0
	if l.defined() && (l.needed || l.ahead()) {
		l.reservedNext = l.chunk()
	}
	l.saving, l.stale, l.needed, l.touched = true, false, false, true
	return l.reservedNext
}

// endSave takes note of what became of a save. After a failed one nobody knows
// which state is on disk, so what both allow remains.
func (l *limit) endSave(ok bool) {
	l.saving = false
	if ok {
		l.reserved = l.reservedNext
	} else {
		l.reserved = min(l.reserved, l.reservedNext)
		l.stale = true
	}
}

// idle says whether nothing would be lost with the limit.
func (l *limit) idle(now time.Duration) bool {
	return !l.defined() && !l.touched && l.claim == 0 && l.log.total == 0 && l.pausedUntil <= now &&
		l.underWay+l.offered == 0 && l.queue.head == nil
}
