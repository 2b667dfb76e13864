package poller

import (
	"sync"
	"time"
)

// workerIdle is how long a worker waits for more before it ends.
const workerIdle = 30 * time.Second

// pool runs entries on a bounded number of workers, first come, first served.
// A worker is started when all others are busy, and ends when it was idle for a
// while.
type pool struct {
	run func(*entry)
	max int

	mu      sync.Mutex
	workers int
	// idle are the workers that wait, the one that waits longest first. The
	// last one is taken, so that the others can end.
	idle []chan *entry
	// queue is what waits for a worker, from head on; only where none is idle.
	queue  []*entry
	head   int
	closed bool
	done   chan struct{} // closed when closed and no worker is left
}

func newPool(workers int, run func(*entry)) *pool {
	return &pool{run: run, max: workers, done: make(chan struct{})}
}

// push hands an entry to a worker, now or when one is free. It never blocks. A
// closed pool drops it.
func (p *pool) push(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch n := len(p.idle); {
	case p.closed:
	case n > 0:
		p.idle[n-1] <- e // Has room for one, and is in idle only while empty.
		p.idle = p.idle[:n-1]
	case p.workers < p.max:
		p.workers++
		go p.work(e)
	default:
		p.queue = append(p.queue, e)
	}
}

// close drops what waits and lets the workers end after what they are at.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.queue, p.head = nil, 0
	for _, worker := range p.idle {
		worker <- nil
	}
	p.idle = nil
	if p.workers == 0 {
		close(p.done)
	}
}

func (p *pool) work(e *entry) {
	more := make(chan *entry, 1)
	timer := time.NewTimer(workerIdle)
	defer timer.Stop()
	for e != nil {
		p.run(e)
		if e = p.pop(more); e == nil {
			timer.Reset(workerIdle)
			e = p.wait(more, timer.C)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers--
	if p.closed && p.workers == 0 {
		close(p.done)
	}
}

// pop returns the next entry that waits, or enters a worker among the idle ones.
func (p *pool) pop(worker chan *entry) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.head < len(p.queue):
		e := p.queue[p.head]
		p.queue[p.head] = nil
		p.head++
		if p.head == len(p.queue) {
			p.queue, p.head = p.queue[:0], 0
		} else if p.head >= 1024 && p.head > len(p.queue)/2 {
			n := copy(p.queue, p.queue[p.head:])
			clear(p.queue[n:])
			p.queue, p.head = p.queue[:n], 0
		}
		return e
	case p.closed:
		worker <- nil
	default:
		p.idle = append(p.idle, worker)
	}
	return nil
}

// wait returns what an idle worker is handed, or nil when it shall end.
func (p *pool) wait(worker chan *entry, timeout <-chan time.Time) *entry {
	select {
	case e := <-worker:
		return e
	case <-timeout:
	}
	p.mu.Lock()
	for i, c := range p.idle {
		if c == worker {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			p.mu.Unlock()
			return nil
		}
	}
	p.mu.Unlock()
	return <-worker // It was handed something at the last moment.
}
