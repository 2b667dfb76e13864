package notify

import (
	"context"
	"fmt"
)

const (
	// maxUnrecorded is how many outcomes wait to be recorded before lanes do.
	maxUnrecorded = 512
	// maxBatch is how many are recorded at once.
	maxBatch = 256
)

// recorder makes outcomes durable, many at a time, in the order in which it got
// them. Lanes do not wait for it: what a crash leaves unrecorded is posted
// again, which a receiver tells by the id.
type recorder struct {
	queue Queue
	in    chan recordEntry
	done  chan struct{}
	// fail is called once, with the first error; from then on nothing is recorded.
	fail func(error)
}

// recordEntry is outcomes that are recorded at once, or a request to say when all before it are durable.
type recordEntry struct {
	outcomes []Outcome
	flushed  chan<- error
}

func newRecorder(queue Queue, fail func(error)) *recorder {
	return &recorder{
		queue: queue, in: make(chan recordEntry, maxUnrecorded), done: make(chan struct{}), fail: fail,
	}
}

// add hands over outcomes that become durable at once. It waits while too many
// are unrecorded.
func (r *recorder) add(outcomes ...Outcome) { r.in <- recordEntry{outcomes: outcomes} }

// flush returns when all outcomes that were added before are durable.
func (r *recorder) flush(ctx context.Context) error {
	flushed := make(chan error, 1)
	select {
	case r.in <- recordEntry{flushed: flushed}:
	case <-ctx.Done():
		return fmt.Errorf("flush outcomes: %w", context.Cause(ctx))
	}
	select {
	case err := <-flushed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("flush outcomes: %w", context.Cause(ctx))
	}
}

// finish records what is left and returns when that is done. Nothing may be
// added any more.
func (r *recorder) finish() {
	close(r.in)
	<-r.done
}

// run records until finish is called.
func (r *recorder) run(ctx context.Context) {
	defer close(r.done)
	var failed error
	batch := make([]Outcome, 0, maxBatch)
	for first := range r.in {
		var flushed []chan<- error
		batch, flushed = r.collect(first, batch[:0])
		if failed == nil && len(batch) > 0 {
			if err := r.queue.Record(ctx, batch); err != nil {
				failed = fmt.Errorf("record outcomes: %w", err)
				r.fail(failed)
			}
		}
		clear(batch) // kept answers are not to be held until the next batch
		for _, f := range flushed {
			f <- failed
		}
	}
}

// collect takes what waits, up to a batch.
func (r *recorder) collect(entry recordEntry, batch []Outcome) ([]Outcome, []chan<- error) {
	var flushed []chan<- error
	for {
		if entry.flushed != nil {
			flushed = append(flushed, entry.flushed)
		} else {
			batch = append(batch, entry.outcomes...)
		}
		if len(batch) >= maxBatch {
			return batch, flushed
		}
		var more bool
		select {
		case entry, more = <-r.in:
			if !more {
				return batch, flushed
			}
		default:
			return batch, flushed
		}
	}
}
