package server

import (
	"sync"
	"time"
)

// maxEnded bounds the sessions that were ended before their time. When there are
// more, those that would end first are let go.
const maxEnded = 1000

// ended are the sessions that somebody logged out of, until they would have ended
// by themselves. A restart forgets them: then only the browser has.
type ended struct {
	mu    sync.Mutex
	until map[[sessionID]byte]time.Time
}

func newEnded() *ended { return &ended{until: make(map[[sessionID]byte]time.Time)} }

func (e *ended) has(id [sessionID]byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.until[id]
	return ok
}

func (e *ended) add(id [sessionID]byte, until, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until[id] = until
	if len(e.until) <= maxEnded {
		return
	}
	first := id
	for other, end := range e.until {
		if !now.Before(end) {
			delete(e.until, other)
		} else if end.Before(e.until[first]) {
			first = other
		}
	}
	if len(e.until) > maxEnded {
		delete(e.until, first)
	}
}
