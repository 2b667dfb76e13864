package poller

import "time"

// ticket is the place of one request in the queue of its limit. It is part of
// what waits, so that waiting costs no memory and no goroutine. All of it is
// guarded by the Limiter's lock.
type ticket struct {
	owner admitter
	// limit is nil for a request that has none.
	limit      *limit
	prev, next *ticket
	state      ticketState
	// hop says that it goes on with a request that was admitted already: it
	// takes no further place of the concurrency, does not wait for the pace,
	// and goes before all others, who may wait for that request to end.
	hop bool
	// cost is what its request takes of the budget, and charged what was taken.
	cost, charged int
	// unanswered says that its request was sent, at sentAt, and its answer has
	// not begun.
	unanswered bool
	sentAt     time.Duration
}

// admitter is told that its ticket may be used. It must not block.
type admitter interface {
	admitted()
}

type ticketState uint8

const (
	ticketIdle    ticketState = iota // not in a queue
	ticketQueued                     // waits for its limit
	ticketOffered                    // may be used
	ticketUsed                       // its request is under way
)

// ticketQueue is first in, first out, so that nobody starves.
type ticketQueue struct {
	head, tail *ticket
	len        int
}

func (q *ticketQueue) pushBack(t *ticket) {
	t.prev, t.next = q.tail, nil
	if q.tail != nil {
		q.tail.next = t
	} else {
		q.head = t
	}
	q.tail = t
	q.len++
	t.state = ticketQueued
}

func (q *ticketQueue) pushFront(t *ticket) {
	t.prev, t.next = nil, q.head
	if q.head != nil {
		q.head.prev = t
	} else {
		q.tail = t
	}
	q.head = t
	q.len++
	t.state = ticketQueued
}

func (q *ticketQueue) remove(t *ticket) {
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		q.head = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	} else {
		q.tail = t.prev
	}
	t.prev, t.next = nil, nil
	q.len--
	t.state = ticketIdle
}
