package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNotWaiting says that no delivery of that ID waits for the endpoint: it has
// ended, or there was none.
var ErrNotWaiting = errors.New("no such delivery waits for the endpoint")

// BehindError says that a delivery is not due because others of its lane come
// before it.
type BehindError struct {
	// Delivery waits for First, which is what its lane tries to tell.
	Delivery, First int64
}

// Error says what can be done instead.
func (e *BehindError) Error() string {
	return fmt.Sprintf("delivery %d keeps its order behind delivery %d: retry that one", e.Delivery, e.First)
}

// Retry makes a waiting delivery due now, whatever its next attempt waits for in
// the retry schedule, and returns when that is saved. It is posted as soon as the
// endpoint may be: pauses, the breaker and limits hold. The error is
// ErrUnknownEndpoint, ErrElsewhere, ErrNotRunning, ErrNotWaiting or a
// [*BehindError].
func (d *Dispatcher) Retry(ctx context.Context, endpoint string, delivery int64) error {
	w, err := d.worker(endpoint)
	if err == nil {
		var hastened Delivery
		hastened, err = d.options.Queue.Hasten(ctx, endpoint, delivery)
		switch {
		case err == nil:
			err = w.ask(ctx, func() error { return w.backlog.hasten(&hastened, time.Now()) })
		case w.lost(err):
			err = fmt.Errorf("%w: %w", ErrElsewhere, err)
		}
	}
	if err != nil {
		return fmt.Errorf("retry delivery %d of endpoint %s: %w", delivery, endpoint, err)
	}
	return nil
}

// hasten makes a delivery due that the queue has as due already, with the others
// of its batch.
func (b *backlog) hasten(d *Delivery, now time.Time) error {
	l := b.lanes[keyOf(d)]
	if d.Batch != "" {
		l = b.batches[d.Batch]
	}
	switch {
	case l == nil && d.ID <= b.tail:
		// It was evicted, and the next pass finds it. It may also have ended just
		// now, so that outcomes must be durable before anything is read again.
		b.rescanAt, b.forgetful = now, true
	case l == nil || len(l.items) == 0:
		// It will be read.
	case d.Batch == "" && d.ID < l.items[0].id:
		// It is being posted, in a batch that is not saved yet.
	case l.blocked > 0:
		return &BehindError{Delivery: d.ID, First: b.blocker(l).items[0].id}
	case d.Batch == "" && l.items[0].id != d.ID:
		return &BehindError{Delivery: d.ID, First: l.items[0].id}
	case l.index >= 0:
		b.unwait(l)
		for i := range l.items {
			l.items[i].notBefore = now
		}
		b.place(l, now)
	}
	return nil
}

// blocker returns a batch that a lane waits for.
func (b *backlog) blocker(l *lane) *lane {
	for _, batch := range b.batches {
		if slices.Contains(batch.blocks, l) {
			return batch
		}
	}
	return l
}
