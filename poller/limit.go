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
	pausedUntil time.Duration
	// offered and underWay count requests, but for hops: a hop goes on with a
	// request that is under way. offeredCost is what the offered ones cost,
	// hops too.
	offered, underWay, offeredCost int
	// inFlight is the cost of what was sent and not answered yet. It takes part
	// in every window, for nobody here knows when it arrives there.
	inFlight int
	// sent is the cost of all that was ever sent, and heard what the upstream
	// said of what is left.
	sent  int
	heard learned

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
	// needed is the reservation that a request waits for, and for nothing else;
	// 0 where none does.
	needed int
	// touched says that the saved state is not the exact one.
	touched bool

	// away says that another node admits the requests: this one was not adopted, or
	// was released since, or lost. released is closed then, and nil where limits
	// are not leased. drained is not nil while a release waits, and closed when
	// nothing is under way any more. heir is the limit of the name since.
	away              bool
	released, drained chan struct{}
	// cut says that a release waits for no request any more, but for a save only.
	cut  bool
	heir *limit

	// missed says that a request has waited since the limit was not configured.
	missed bool

	// hops are served before the queue.
	hops, queue ticketQueue
	timer       *time.Timer
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
	l.missed = false
	l.settleClaim()
	l.log.expire(now, def.Per)
	// The pace is what it would be had the log been spent under this
	// definition. A burst can be used up, but not more than that.
	l.paced = 0
	for _, e := range l.log.entries {
		l.pace(e.at, e.count)
	}
	l.pace(now, l.inFlight)
}

func (l *limit) pace(at time.Duration, n int) {
	if n > 0 {
		l.paced = min(max(l.paced, at)+time.Duration(n)*l.interval(), at+l.burstTime())
	}
}

// settleClaim counts what an earlier process may have sent without saving it:
// all that it had reserved, as if sent at the last moment. What is known of it may
// count here for longer than it did there, where their clocks differ or one was set
// back: that leaves no less room for what is not known, so that more may come
// together than the limit admits.
func (l *limit) settleClaim() {
	if l.claim == 0 {
		return
	}
	l.log.expire(l.claimedAt, l.def.Per)
	l.log.add(l.claimedAt, min(l.claim, l.capacity()), l.def.Per)
	l.claim = 0
	// The claim must not be made anew, and later, after each restart.
	l.stale, l.touched = true, true
}

// defined says whether the limit is configured.
func (l *limit) defined() bool { return l.def.Requests > 0 }

// capacity is how much of the budget is ours.
func (l *limit) capacity() int { return max(1, l.def.Requests-max(0, l.def.Reserve)) }

// interval is the even distance of requests.
func (l *limit) interval() time.Duration {
	return l.def.Per / time.Duration(l.capacity())
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
	second := l.capacity()
	if l.def.Per > time.Second {
		second = int(float64(l.capacity()) * float64(time.Second) / float64(l.def.Per))
	}
	return max(1, l.capacity()/32, second)
}

// ahead says whether the next chunk is reserved before somebody needs it. Where
// requests are few and far apart it is not: a crash would cost a day of a limit
// of one request a day, and a save more does no harm.
func (l *limit) ahead() bool {
	return l.chunk() > 1 || l.interval() < time.Minute
}

// cost is what the request of a ticket takes. One that costs more than there is
// would wait for ever, and all others behind it: it takes all there is.
func (l *limit) cost(t *ticket) int { return min(max(1, t.cost), l.capacity()) }

// admissibleAt returns when the request of a ticket may be offered: a time that
// is not after now if at once, never if something other than time must come
// first. Whether it is reserved is another question.
func (l *limit) admissibleAt(now time.Duration, t *ticket) time.Duration {
	if !l.defined() {
		return never
	}
	cost := l.cost(t)
	if !t.hop {
		if c := l.def.Concurrency; c > 0 && l.underWay+l.offered >= c {
			return never
		}
		if l.offeredCost > 0 && l.offeredCost+cost > l.def.Burst {
			return never
		}
	}
	room := l.capacity() - l.inFlight - l.offeredCost - cost
	if room < 0 {
		return never
	}
	at := max(l.pausedUntil, l.narrowedUntil(now, cost))
	l.log.expire(now, l.def.Per)
	if l.log.total > room {
		at = max(at, l.log.roomAt(room, l.def.Per))
	}
	if !t.hop && l.paced > now {
		spare := time.Duration(max(0, l.def.Burst-cost-l.offeredCost)) * l.interval()
		at = max(at, l.paced-spare)
	}
	return at
}

// covered says whether what is offered and as much as cost more is reserved on
// disk.
func (l *limit) covered(cost int) bool {
	need := l.offeredCost + cost
	return l.reserved >= need && (!l.saving || l.reservedNext >= need)
}

// first returns the ticket whose turn it is, nil where nobody waits.
func (l *limit) first() *ticket {
	if l.hops.head != nil {
		return l.hops.head
	}
	return l.queue.head
}

// line is the queue that a ticket belongs in.
func (l *limit) line(t *ticket) *ticketQueue {
	if t.hop {
		return &l.hops
	}
	return &l.queue
}

// offer counts the request of a ticket that may be sent.
func (l *limit) offer(t *ticket) {
	t.charged = l.cost(t)
	l.offeredCost += t.charged
	if !t.hop {
		l.offered++
	}
}

// takeBack undoes an offer.
func (l *limit) takeBack(t *ticket) {
	l.offeredCost -= t.charged
	t.charged = 0
	if !t.hop {
		l.offered--
	}
}

// spend counts a request that is sent now.
func (l *limit) spend(now time.Duration, t *ticket) {
	t.charged, t.sentAt, t.unanswered = l.cost(t), now, true
	l.inFlight += t.charged
	l.sent += t.charged
	l.paced = max(l.paced, now) + time.Duration(t.charged)*l.interval()
	if !t.hop {
		l.underWay++
	}
	l.reserved -= t.charged
	l.reservedNext -= t.charged
	l.touched = true
	// The next chunk is asked for early, so that no request waits for a save.
	if l.reserved <= l.chunk()/2 {
		l.stale = true
	}
}

// answered starts the window of a request: it arrived at the latest now that it
// is answered, or has failed. What is counted from then on can never be more
// than what the upstream counts.
func (l *limit) answered(now time.Duration, t *ticket) {
	if !t.unanswered {
		return
	}
	t.unanswered = false
	l.inFlight -= t.charged
	l.log.add(now, t.charged, l.def.Per)
}

// beginSave starts a save of the present state with a new reservation.
func (l *limit) beginSave() (reserve int) {
	l.reservedNext = 0
	if l.defined() && (l.needed > 0 || l.ahead()) {
		l.reservedNext = max(l.chunk(), l.needed)
	}
	l.saving, l.stale, l.needed, l.touched = true, false, 0, true
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

// leave admits nothing any more.
func (l *limit) leave() {
	if !l.away {
		l.away = true
		close(l.released)
	}
}

// drain lets a release go on, if there is one, once nothing is under way.
func (l *limit) drain() {
	if l.drained != nil && (l.cut || l.underWay == 0 && l.inFlight == 0) && !l.saving {
		close(l.drained)
		l.drained = nil
	}
}

// idle says whether nothing would be lost with the limit.
func (l *limit) idle(now time.Duration) bool {
	return !l.defined() && !l.touched && l.claim == 0 && l.log.total == 0 && l.pausedUntil <= now &&
		l.underWay+l.offeredCost+l.inFlight == 0 && l.first() == nil
}
