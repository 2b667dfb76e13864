package poller

import (
	"testing"
	"testing/synctest"
	"time"
)

// All that is pushed runs, in order of its arrival, on few workers.
func TestPoolRunsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 5000
		var order []int
		p := newPool(1, func(e *entry) {
			order = append(order, e.index)
			wait(time.Millisecond)
		})
		for i := range n {
			p.push(&entry{index: i})
			if i%2 == 0 {
				wait(time.Millisecond) // So that the queue moves while it grows.
			}
		}
		wait(n * time.Millisecond)
		p.close()
		<-p.done
		if len(order) != n {
			t.Fatalf("%d of %d ran", len(order), n)
		}
		for i, got := range order {
			if got != i {
				t.Fatalf("entry %d ran in place of %d", got, i)
			}
		}
	})
}

// Workers end when there is nothing to do, and come back.
func TestPoolEndsIdleWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(4, func(*entry) { wait(time.Second) })
		workers := func() int {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.workers
		}
		if workers() != 0 {
			t.Error("workers before there is work")
		}
		for range 10 {
			p.push(&entry{})
		}
		wait(10 * time.Second)
		if n := workers(); n != 4 {
			t.Errorf("%d workers, want 4", n)
		}
		// One source keeps one worker, and lets the others end.
		for range 60 {
			p.push(&entry{})
			wait(2 * time.Second)
		}
		if n := workers(); n != 1 {
			t.Errorf("%d workers for one source", n)
		}
		wait(2 * workerIdle)
		if n := workers(); n != 0 {
			t.Errorf("%d idle workers remain", n)
		}
		// A push at the very moment at which a worker gives up is not lost.
		p.push(&entry{})
		wait(time.Second + workerIdle)
		p.push(&entry{})
		wait(time.Second)
		p.close()
		p.push(&entry{}) // Dropped.
		<-p.done
		if n := workers(); n != 0 {
			t.Errorf("%d workers after the end", n)
		}
	})
}
