package server

import (
	"sync"
	"time"
)

const (
	// maxRefusals is how many wrong secrets are answered in a second, whoever
	// sends them. Right secrets are no part of it: a stranger must not be able
	// to keep pokes away, and what is long enough for a secret is not guessed.
	maxRefusals = 10
	// refusalLogInterval is how often they are logged.
	refusalLogInterval = time.Minute
)

// refusals counts wrong secrets, so that a flood of them costs little and
// leaves few lines in the log.
type refusals struct {
	mu sync.Mutex
	// second is when the second began of which n were counted.
	second time.Time
	n      int
	// logged is when a line was written last, and unlogged how many came since.
	logged   time.Time
	unlogged int
}

// count counts one more. It says whether it is within bounds, and how many a
// line of the log is to tell of, 0 for no line.
func (r *refusals) count(now time.Time) (ok bool, toLog int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.second) >= time.Second {
		r.second, r.n = now, 0
	}
	r.n++
	r.unlogged++
	if r.logged.IsZero() || now.Sub(r.logged) >= refusalLogInterval {
		toLog = r.unlogged
		r.logged, r.unlogged = now, 0
	}
	return r.n <= maxRefusals, toLog
}
