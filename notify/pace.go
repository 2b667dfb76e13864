package notify

import (
	"slices"
	"time"
)

const (
	// paceGrain is into how many parts a window is divided for what is remembered
	// of it.
	paceGrain = 128
	// savedGrain is the same for what is saved while attempts go on: it is
	// saved often, and only a crash has it read.
	savedGrain = 16
	// clockSkew is by how much the clocks of two nodes may differ: what another one
	// has saved counts as so much later.
	clockSkew = time.Second
)

// Pace is what must survive of the rate limit of an endpoint. Attempts are
// reserved in a saved Pace before they are made, so that after a crash all of
// Reserved counts as made at the moment when the Pace is read. Endpoints without a
// rate limit have none.
type Pace struct {
	Endpoint string
	// Spent are the attempts of the last window that are over, oldest first; those
	// close to each other may be merged into the later time.
	Spent []Spend
	// Reserved attempts may have been made since Spent was saved, or were under way
	// then.
	Reserved int
}

// Spend is a number of attempts that were over at a time.
type Spend struct {
	At    time.Time
	Count int
}

// reservation is how far attempts may go before more of them are reserved on
// disk.
type reservation struct {
	// left is how many may still be made under what is on disk. While a save is
	// under way either state may be on disk: attempts then count against both, and
	// next is that of the newer one.
	left, next int
	saving     bool
	// stale says that more is to be reserved before it is needed.
	stale bool
	// touched says that what is saved is not what is so.
	touched bool
}

// spend takes an attempt from what is reserved.
func (r *reservation) spend() {
	r.left--
	r.next--
	r.touched = true
}

// covered says whether an attempt is reserved.
func (r *reservation) covered() bool { return r.left > 0 && (!r.saving || r.next > 0) }

// low says that no more than a few are left, those that are being reserved included.
func (r *reservation) low(few int) bool {
	if r.saving {
		return r.next <= few
	}
	return r.left <= few
}

// begin notes that so many are being reserved, beside those under way.
func (r *reservation) begin(reserve, underWay int) {
	r.next, r.saving, r.stale, r.touched = reserve, true, false, reserve+underWay > 0
}

// end notes what became of that. After a save that failed nobody knows which state
// is on disk, so what both allow remains.
func (r *reservation) end(ok bool) {
	r.saving = false
	if ok {
		r.left = r.next
		return
	}
	r.left = min(r.left, r.next)
	r.stale, r.touched = true, true
}

// chunk is how many attempts are reserved at a time: as many as are made in a
// second, so that an endpoint costs about one write a second at most, or a
// thirty-second of the window where that is more. A crash costs as many.
func (p *pacer) chunk() int {
	second := int(float64(p.limit.Requests) * float64(time.Second) / float64(p.limit.Per))
	return max(1, p.limit.Requests/32, second)
}

// ahead says whether the next chunk is reserved before somebody needs it. Where
// attempts are few and far between it is not: a crash would cost a day of a limit
// of one a day.
func (p *pacer) ahead() bool { return p.chunk() > 1 || p.interval() < time.Minute }

// save begins a save in which what waits can be made at once, and a chunk at
// least; with 0 only what is made ahead.
func (p *pacer) save(endpoint string, waits int, now time.Time) Pace {
	reserve := 0
	if waits > 0 || p.ahead() {
		reserve = max(p.chunk(), min(waits, p.room(now)))
	}
	return p.state(endpoint, reserve, savedGrain, now)
}

// saveExact begins a save of what is so, with nothing reserved. No attempt is
// under way, and none comes before its end.
func (p *pacer) saveExact(endpoint string, now time.Time) Pace {
	return p.state(endpoint, 0, paceGrain, now)
}

func (p *pacer) state(endpoint string, reserve, grain int, now time.Time) Pace {
	p.expire(now)
	p.reserved.begin(reserve, p.underWay)
	saved := Pace{Endpoint: endpoint, Reserved: reserve + p.underWay}
	wall := now.Round(0)
	var first time.Time
	for _, e := range p.log {
		// The clock may have been set since: what counts is how long ago it was.
		spend := Spend{At: wall.Add(-now.Sub(e.last)).UTC(), Count: e.count}
		if i := len(saved.Spent) - 1; i >= 0 && e.last.Sub(first) < p.limit.Per/time.Duration(grain) {
			spend.Count += saved.Spent[i].Count
			saved.Spent[i] = spend
			continue
		}
		first = e.first
		saved.Spent = append(saved.Spent, spend)
	}
	return saved
}

// room is how many attempts may be made at once.
func (p *pacer) room(now time.Time) int {
	room := p.limit.Requests - p.underWay - p.total
	if p.whole.After(now) {
		room = min(room, p.limit.Burst-int((p.whole.Sub(now)+p.interval()-1)/p.interval()))
	} else {
		room = min(room, p.limit.Burst)
	}
	return max(0, room)
}

// restore goes on from what was saved. Times that lie in the future, because the
// clock was set back since, count as now, and so does all that was reserved: it
// may have been made at the last moment. By so much as skew all was later than it
// says. As some of it counts for longer than it was in the window, more than the
// limit may come together.
func (p *pacer) restore(saved Pace, skew time.Duration, now time.Time) {
	p.known = true
	wall := now.Round(0)
	spent := slices.Clone(saved.Spent)
	slices.SortStableFunc(spent, func(a, b Spend) int { return a.At.Compare(b.At) })
	for _, s := range spent {
		if age := max(0, wall.Sub(s.At)-skew); s.Count > 0 && age < p.limit.Per {
			at := now.Add(-age)
			p.note(at, s.Count)
			p.pace(at, s.Count)
		}
	}
	if n := min(saved.Reserved, p.limit.Requests); n > 0 {
		p.note(now, n)
		p.pace(now, n)
	}
	// Else it would count anew, and later, after each crash.
	p.reserved.stale = saved.Reserved > 0
	p.reserved.touched = saved.Reserved > 0
}

// pace counts attempts that were made at a time against the burst, which can be
// used up, but not more than that.
func (p *pacer) pace(at time.Time, n int) {
	if p.whole.Before(at) {
		p.whole = at
	}
	p.whole = p.whole.Add(time.Duration(n) * p.interval())
	if most := at.Add(time.Duration(p.limit.Burst) * p.interval()); p.whole.After(most) {
		p.whole = most
	}
}
