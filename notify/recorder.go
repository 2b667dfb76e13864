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
	queue *patientQueue
	in    chan recordEntry
	done  chan struct{}
	calls
	// fail is called once, with the first error; from then on nothing is recorded.
	fail func(error)
}

// recordEntry is outcomes that are recorded at once, or a request to say when all
// before it are durable.
type recordEntry struct {
	outcomes []Outcome
	// of is the tenure that they are of; where it is void they are left out.
	of      *tenure
	flushed chan<- error
}

func newRecorder(queue *patientQueue, fail func(error)) *recorder {
	return &recorder{
		queue: queue, in: make(chan recordEntry, maxUnrecorded), done: make(chan struct{}), fail: fail,
	}
}

// add hands over outcomes that become durable at once. It waits while too many
// are unrecorded, for as long as the tenure that they are of lasts.
func (r *recorder) add(of *tenure, outcomes ...Outcome) {
	select {
	case r.in <- recordEntry{outcomes: outcomes, of: of}:
	case <-of.ctx.Done():
	}
}

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
	var batch []recordEntry
	for first := range r.in {
		batch = r.collect(first, batch[:0])
		if failed == nil {
			if err := r.record(ctx, batch); err != nil {
				failed = fmt.Errorf("record outcomes: %w", err)
				r.fail(failed)
			}
		}
		for _, entry := range batch {
			if entry.flushed != nil {
				entry.flushed <- failed
			}
		}
		clear(batch) // kept answers are not to be held until the next batch
	}
}

// collect takes what waits, up to a batch.
func (r *recorder) collect(entry recordEntry, batch []recordEntry) []recordEntry {
	for n := 0; ; {
		batch = append(batch, entry)
		if n += len(entry.outcomes); n >= maxBatch {
			return batch
		}
		var more bool
		select {
		case entry, more = <-r.in:
			if !more {
				return batch
			}
		default:
			return batch
		}
	}
}

// record saves a batch, however long that takes, but for what is void by then.
func (r *recorder) record(ctx context.Context, batch []recordEntry) error {
	var outcomes []Outcome
	prepare := func() {
		outcomes = make([]Outcome, 0, len(batch))
		for i := range batch {
			if of := batch[i].of; of != nil && !of.void.Load() {
				outcomes = append(outcomes, batch[i].outcomes...)
			}
		}
	}
	return r.queue.write(ctx, func() error {
		return r.make(ctx, prepare, func(ctx context.Context) error {
			if len(outcomes) == 0 {
				return nil
			}
			return r.queue.Record(ctx, outcomes)
		})
	})
}
