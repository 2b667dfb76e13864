package poller

import "time"

const (
	// tick is how far apart wake-ups are while much is due.
	tick = 100 * time.Millisecond
	// busyFires is how many runs within one tick are much.
	busyFires = 8
)

// ticks decides when the Scheduler wakes. Waking costs more than the scheduling
// itself: while much is due, all that is due within a tick is fired together at
// its end. Otherwise each run is fired exactly on time.
type ticks struct {
	current     int64 // the number of the tick that is being counted
	fires, last int   // in it, and in the one before it
}

// count takes note of runs that were fired.
func (t *ticks) count(now int64, fired int) {
	switch n := now / int64(tick); n {
	case t.current:
		t.fires += fired
	case t.current + 1:
		t.current, t.last, t.fires = n, t.fires, fired
	default:
		t.current, t.last, t.fires = n, 0, fired
	}
}

// wakeAt returns when to wake for a run that is due at a time.
func (t *ticks) wakeAt(due int64) int64 {
	if max(t.fires, t.last) < busyFires || due > noRun-int64(tick) {
		return due
	}
	return (due + int64(tick) - 1) / int64(tick) * int64(tick)
}
