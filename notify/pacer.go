package notify

import "time"

// pacer keeps the rate limit of an endpoint. The window is that of the receiver,
// who counts what arrives. That is between the sending and the answer, so an
// attempt keeps its place in the window until Per after it was over; the even
// pace goes by the sending. A pacer belongs to one goroutine.
type pacer struct {
	limit RateLimit
	// log are the attempts that are over, those of nearly the same time merged
	// into the later one, total how many, and underWay how many are not.
	log             []pace
	total, underWay int
	// whole is when the burst would be whole again.
	whole time.Time
	// known says that there is nothing to be read of what was made before.
	known    bool
	reserved reservation
}

// pace is a number of attempts that were over from first to last.
type pace struct {
	first, last time.Time
	count       int
}

func (p *pacer) limited() bool { return p.limit.Requests > 0 && p.limit.Per > 0 }

func (p *pacer) interval() time.Duration { return p.limit.Per / time.Duration(p.limit.Requests) }

// configure changes the limit; what was sent is remembered.
func (p *pacer) configure(limit RateLimit, now time.Time) {
	limit.Burst = min(max(limit.Burst, 1), max(limit.Requests, 1))
	if p.limit == limit {
		return
	}
	p.limit = limit
	if !p.limited() {
		// What is sent without a limit is of no account to a later one.
		p.log, p.total, p.whole = nil, 0, time.Time{}
		p.known, p.reserved.left, p.reserved.next, p.reserved.stale = true, 0, 0, false
		return
	}
	// However much was sent, the pace is that of a burst that was used up.
	if most := now.Add(time.Duration(limit.Burst) * p.interval()); p.whole.After(most) {
		p.whole = most
	}
}

// next returns when the next attempt may be made, or false where the end of one
// that is under way has to be waited for.
func (p *pacer) next(now time.Time) (time.Time, bool) {
	if !p.limited() {
		return now, true
	}
	p.expire(now)
	room := p.limit.Requests - p.underWay
	if room <= 0 {
		return time.Time{}, false
	}
	at := now
	for left, i := p.total, 0; left >= room; i++ {
		left -= p.log[i].count
		at = p.log[i].last.Add(p.limit.Per)
	}
	if paced := p.whole.Add(-time.Duration(p.limit.Burst-1) * p.interval()); paced.After(at) {
		at = paced
	}
	return at, true
}

// expire forgets what has left the window.
func (p *pacer) expire(now time.Time) {
	n := 0
	for n < len(p.log) && now.Sub(p.log[n].last) >= p.limit.Per {
		p.total -= p.log[n].count
		n++
	}
	if n > 0 {
		p.log = append(p.log[:0], p.log[n:]...)
	}
}

// begin notes that an attempt is made.
func (p *pacer) begin(now time.Time) {
	p.underWay++
	if !p.limited() {
		return
	}
	if p.whole.Before(now) {
		p.whole = now
	}
	p.whole = p.whole.Add(p.interval())
	p.reserved.spend()
	// The next chunk is asked for early, so that no attempt waits for a save.
	p.reserved.stale = p.reserved.stale || p.ahead() && p.reserved.low(p.chunk()/4)
}

// end notes that an attempt is over.
func (p *pacer) end(now time.Time) {
	p.underWay--
	if !p.limited() {
		return
	}
	p.note(now, 1)
	// Where a crash would cost much, what has been made is not left reserved.
	p.reserved.stale = p.reserved.stale || !p.ahead()
}

// note remembers attempts that were over at a time, which is not before those that
// are remembered.
func (p *pacer) note(at time.Time, n int) {
	p.total += n
	if i := len(p.log) - 1; i >= 0 && at.Sub(p.log[i].first) < p.limit.Per/paceGrain {
		p.log[i].last = at
		p.log[i].count += n
		return
	}
	p.log = append(p.log, pace{first: at, last: at, count: n})
}
