// Package group gathers writes that wait, so that they are committed together and
// share what a transaction costs. It knows nothing of what they write.
package group

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// maxQueue bounds the writes that wait; further callers wait to join them.
	maxQueue = 256
	// maxGroup bounds one transaction, and so how long a write waits for those
	// before it.
	maxGroup = 256
)

// Writer has one goroutine, which takes all writes that wait and hands them on as
// a group.
type Writer[T any] struct {
	commit   func(group []*Write[T])
	maxBytes int

	// closing guards closed and the joining of joiners.
	closing sync.RWMutex
	closed  bool
	joiners sync.WaitGroup

	queue chan *Write[T]
	done  chan struct{}
}

// Write is one write that waits for its group.
type Write[T any] struct {
	// What is written.
	What T
	// size is about how many bytes that are.
	size int
	// taken is set by the writer when it begins, or by a caller that leaves.
	taken atomic.Bool
	// result has room for the one answer, so that the writer never waits.
	result chan error
}

// Answer tells the caller what came of it. It is called once, and does not wait.
func (w *Write[T]) Answer(err error) { w.result <- err }

// Start starts a writer. Its commit is called with one group at a time, of about
// so many bytes at most, and answers each write of it. Who starts it closes it.
func Start[T any](maxBytes int, commit func(group []*Write[T])) *Writer[T] {
	w := newWriter(maxBytes, commit)
	go w.run()
	return w
}

func newWriter[T any](maxBytes int, commit func(group []*Write[T])) *Writer[T] {
	return &Writer[T]{commit: commit, maxBytes: maxBytes, queue: make(chan *Write[T], maxQueue), done: make(chan struct{})}
}

// Do has something written, together with others, and returns what came of it. It
// must own all its memory: where ctx ends first, Do returns its cause while it may
// still be written.
func (w *Writer[T]) Do(ctx context.Context, what T, size int) error {
	wr := &Write[T]{What: what, size: size, result: make(chan error, 1)}
	if err := w.join(ctx, wr); err != nil {
		return err
	}
	select {
	case err := <-wr.result:
		return err
	case <-ctx.Done():
	}
	if wr.taken.CompareAndSwap(false, true) {
		return context.Cause(ctx)
	}
	select {
	case err := <-wr.result:
		return err
	default:
		return fmt.Errorf("%w; the write was under way and may still happen", context.Cause(ctx))
	}
}

// join puts a write into the queue.
func (w *Writer[T]) join(ctx context.Context, wr *Write[T]) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w.closing.RLock()
	if w.closed {
		w.closing.RUnlock()
		return store.ErrClosed
	}
	w.joiners.Add(1)
	w.closing.RUnlock()
	defer w.joiners.Done()

	select {
	case w.queue <- wr:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close ends the writer after all that joined it was written. It may be called
// more than once.
func (w *Writer[T]) Close() {
	w.closing.Lock()
	first := !w.closed
	w.closed = true
	w.closing.Unlock()
	if first {
		w.joiners.Wait()
		close(w.queue)
	}
	<-w.done
}

func (w *Writer[T]) run() {
	defer close(w.done)
	for first := range w.queue {
		if group := w.gather(first); len(group) > 0 {
			w.commit(group)
		}
	}
}

// gather takes all that waits, up to the bounds, without those whose callers
// have left.
func (w *Writer[T]) gather(first *Write[T]) []*Write[T] {
	var group []*Write[T]
	size := 0
	for next := first; next != nil; {
		if next.taken.CompareAndSwap(false, true) {
			group = append(group, next)
			size += next.size
		}
		if len(group) >= maxGroup || size >= w.maxBytes {
			break
		}
		select {
		case next = <-w.queue: // nil when it is closed and empty
		default:
			next = nil
		}
	}
	return group
}
