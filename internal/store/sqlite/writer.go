package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// maxQueue bounds the writes that wait; further callers wait to join them.
	maxQueue = 256
	// maxGroup and maxGroupBytes bound one transaction, and so how long a write
	// waits for those before it.
	maxGroup      = 256
	maxGroupBytes = 16 << 20
)

// writer owns the connection that writes. Its one goroutine takes all writes
// that wait and commits them together, so that they share one fsync.
type writer struct {
	path    string
	session *session
	// checkpoints is used by the writer's goroutine alone.
	checkpoints checkpointer

	// closing guards closed and the joining of joiners.
	closing sync.RWMutex
	closed  bool
	joiners sync.WaitGroup

	queue chan *write
	done  chan struct{}

	// failed is closed after failure was set, once.
	failed  chan struct{}
	failure error
}

// write is one write that waits for its group.
type write struct {
	step func(*session) error
	// size is about how many bytes it writes.
	size int
	// taken is set by the writer when it begins, or by a caller that leaves.
	taken atomic.Bool
	// result has room for the one answer, so that the writer never waits.
	result chan error
}

func newWriter(path string, logger *slog.Logger, s *session) *writer {
	w := &writer{
		path: path, session: s,
		checkpoints: checkpointer{path: path, logger: logger},
		queue:       make(chan *write, maxQueue),
		done:        make(chan struct{}),
		failed:      make(chan struct{}),
	}
	go w.run()
	return w
}

// do runs a step in a transaction, together with others, and returns when that
// is on disk. A step must own all that it uses: where ctx ends first, do
// returns its cause while the step may still run.
func (w *writer) do(ctx context.Context, size int, step func(*session) error) error {
	wr := &write{step: step, size: size, result: make(chan error, 1)}
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
func (w *writer) join(ctx context.Context, wr *write) error {
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

// close ends the writer after all that joined it was written. It may be called
// more than once.
func (w *writer) close() {
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

// err returns the error after which nothing is written any more, nil while
// there is none.
func (w *writer) err() error {
	select {
	case <-w.failed:
		return w.failure
	default:
		return nil
	}
}

func (w *writer) run() {
	defer close(w.done)
	for first := range w.queue {
		group := w.gather(first)
		if err := w.err(); err != nil {
			answer(group, err)
			continue
		}
		if len(group) > 0 {
			w.commit(group)
		}
	}
}

// gather takes all that waits, up to the bounds, without those whose callers
// have left.
func (w *writer) gather(first *write) []*write {
	var group []*write
	size := 0
	for next := first; next != nil; {
		if next.taken.CompareAndSwap(false, true) {
			group = append(group, next)
			size += next.size
		}
		if len(group) >= maxGroup || size >= maxGroupBytes {
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

func (w *writer) commit(group []*write) {
	steps := make([]func(*session) error, len(group))
	for i, wr := range group {
		steps[i] = wr.step
	}
	results, err := w.session.transaction(steps)
	if err != nil {
		err = writeError(w.path, err)
		w.fail(err)
		answer(group, err)
		return
	}
	for i, wr := range group {
		wr.result <- results[i]
	}
	w.fail(w.checkpoints.run(w.session))
}

// fail keeps the first error of the disk, after which nothing is written.
func (w *writer) fail(err error) {
	var disk *store.DiskError
	if errors.As(err, &disk) {
		w.failure = disk
		close(w.failed)
	}
}

func answer(group []*write, err error) {
	for _, wr := range group {
		wr.result <- err
	}
}
