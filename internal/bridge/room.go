package bridge

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// defaultRoom is how many bytes of answers are compared at once. What a
// comparison takes, the stored answer, the events of each item that changed and
// their rows, is about ten times its answer at the most. Of an answer of several
// pages one is in memory at a time.
const defaultRoom = 16 << 20

// room bounds the memory of comparisons: many large answers that change in the
// same second are taken one after the other. It is taken in turn, so that a
// large answer does not wait for ever behind small ones.
type room struct {
	bytes int64
	taken *semaphore.Weighted
}

func newRoom(bytes int64) *room { return &room{bytes, semaphore.NewWeighted(bytes)} }

// enter waits until there is room for an answer, and returns what must be given
// to leave. An answer larger than all the room waits until it is alone.
func (r *room) enter(ctx context.Context, size int) (taken int64, err error) {
	taken = min(int64(size), r.bytes)
	if err := r.taken.Acquire(ctx, taken); err != nil {
		return 0, context.Cause(ctx)
	}
	return taken, nil
}

func (r *room) leave(taken int64) { r.taken.Release(taken) }
