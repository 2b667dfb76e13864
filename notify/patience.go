package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// saveRetryWait is how long a write waits until it is tried again.
const saveRetryWait = time.Second

// patientQueue is a queue whose writes outlast what passes by itself, such as a
// full disk: they are tried again until they are saved. Whoever is about to post
// asks stuck first, so that as little as possible is posted whose outcome a crash
// would forget.
type patientQueue struct {
	Queue
	// passes says of an error whether it passes by itself.
	passes func(error) bool
	log    *slog.Logger
	// relieved is called when nothing waits any more.
	relieved func()

	mu      sync.Mutex
	waiting int
	since   time.Time
	// reason is the last error of a write that waits.
	reason error
}

func (q *patientQueue) SaveBatch(ctx context.Context, endpoint, batch string, deliveries []int64) (saved []int64, err error) {
	err = q.write(ctx, func() (err error) {
		saved, err = q.Queue.SaveBatch(ctx, endpoint, batch, deliveries)
		return err
	})
	return saved, err
}

func (q *patientQueue) SaveEndpointState(ctx context.Context, state EndpointState) error {
	return q.write(ctx, func() error { return q.Queue.SaveEndpointState(ctx, state) })
}

// write tries until it works, fails for good, or ctx ends.
func (q *patientQueue) write(ctx context.Context, do func() error) error {
	err := do()
	if err == nil || !q.passes(err) {
		return err
	}
	q.begin(err)
	ticker := time.NewTicker(saveRetryWait)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			q.end(err)
			return err
		case <-ticker.C:
		}
		if err = do(); err == nil || !q.passes(err) {
			q.end(err)
			return err
		}
		q.again(err)
	}
}

func (q *patientQueue) begin(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting++; q.waiting == 1 {
		q.since, q.reason = time.Now(), err
		q.log.Error("deliveries wait: their outcome cannot be saved", "err", err, "again_in", saveRetryWait)
	}
}

func (q *patientQueue) again(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reason = err
}

func (q *patientQueue) end(err error) {
	q.mu.Lock()
	q.waiting--
	last := q.waiting == 0
	if last && err == nil {
		q.log.Info("deliveries go on: their outcome is saved", "after", time.Since(q.since).Round(time.Second))
	}
	q.mu.Unlock()
	if last {
		q.relieved()
	}
}

// stuck reports whether a write waits.
func (q *patientQueue) stuck() bool { return q.blocked() != nil }

// blocked returns why a write waits, nil where none does.
func (q *patientQueue) blocked() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting == 0 {
		return nil
	}
	return q.reason
}
