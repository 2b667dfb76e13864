package poller

import "time"

// jumpAtLeast is from where on a difference between the wall clock and the
// monotonic one counts as a clock that was set, not as one that is being slewed.
const jumpAtLeast = 2 * time.Second

// clock reads the wall clock and notices when it was set. It is guarded by the
// Scheduler's lock.
type clock struct {
	wall func() time.Time
	// epoch is the start on the monotonic clock; ahead is by how much the wall
	// clock was ahead of it when last read.
	epoch time.Time
	ahead int64
}

func newClock(wall func() time.Time) *clock {
	c := &clock{wall: wall, epoch: time.Now()}
	c.ahead = wall().UnixNano()
	return c
}

// read returns the wall clock in Unix nanoseconds, and by how much it was set
// since the last read.
func (c *clock) read() (now int64, jump time.Duration) {
	now = c.wall().UnixNano()
	ahead := now - int64(time.Since(c.epoch))
	jump = time.Duration(ahead - c.ahead)
	c.ahead = ahead
	if jump.Abs() < jumpAtLeast {
		jump = 0
	}
	return now, jump
}
