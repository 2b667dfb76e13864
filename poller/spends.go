package poller

import "time"

// spendGrain is into how many parts a window is divided for its log of spends.
const spendGrain = 128

// spendLog counts the requests of a sliding window. Spends that are closer than
// 1/128 of the window are merged into the later time, so that its size has a
// bound and merging can only make it count a request for too long.
//
// Times are durations since the limiter's epoch, on the monotonic clock.
type spendLog struct {
	entries []spendEntry
	// total is the sum of all counts.
	total int
}

type spendEntry struct {
	// first is when the first of them was spent, at when the last was.
	first, at time.Duration
	count     int
}

// add appends n spends at a time that is not before those of the log.
func (s *spendLog) add(at time.Duration, n int, window time.Duration) {
	s.total += n
	if i := len(s.entries) - 1; i >= 0 && at-s.entries[i].first < window/spendGrain {
		s.entries[i].at = at
		s.entries[i].count += n
		return
	}
	s.entries = append(s.entries, spendEntry{first: at, at: at, count: n})
}

// expire forgets what has left the window that ends now.
func (s *spendLog) expire(now, window time.Duration) {
	n := 0
	for n < len(s.entries) && now-s.entries[n].at >= window {
		s.total -= s.entries[n].count
		n++
	}
	if n > 0 {
		s.entries = append(s.entries[:0], s.entries[n:]...)
	}
}

// roomAt returns when at most keep spends are left in the window, provided that
// nothing is added.
func (s *spendLog) roomAt(keep int, window time.Duration) time.Duration {
	left := s.total
	at := time.Duration(0)
	for i := 0; left > keep && i < len(s.entries); i++ {
		left -= s.entries[i].count
		at = s.entries[i].at + window
	}
	return at
}
