package bridge

import "time"

const (
	// pruneWait is how long nothing is removed after the clock has jumped
	// forward, so that a wrong clock can be set right before it costs the log.
	// A start counts as a jump: nobody knows what the clock did before it.
	pruneWait = time.Hour
	// clockSlack is how much faster than the monotonic clock the wall clock may
	// run between two looks.
	clockSlack = time.Minute
)

// reading is what both clocks say at one moment.
type reading struct {
	// wall is the time of day, which can be set.
	wall time.Time
	// up is how long we have been running, which cannot.
	up time.Duration
}

// caution waits for the wall clock to earn trust, since what is removed for
// its age is gone.
type caution struct {
	last  reading
	until time.Duration // by reading.up
}

// newCaution begins to wait: nobody knows what the clock did before the start.
func newCaution(start reading) caution {
	return caution{last: start, until: start.up + pruneWait}
}

// jumped says whether the wall clock went forward by more than the time that
// has passed since the last reading, and begins to wait anew if it did.
func (c *caution) jumped(now reading) bool {
	jumped := now.wall.Sub(c.last.wall) > now.up-c.last.up+clockSlack
	c.last = now
	if jumped {
		c.until = now.up + pruneWait
	}
	return jumped
}

// trusts says whether there was no jump for long enough.
func (c *caution) trusts(now reading) bool { return now.up >= c.until }
