package notify

import (
	"context"
	"errors"
	"sync"
)

// errMadeAnew ends a call that is to be made anew.
var errMadeAnew = errors.New("to be made anew")

// calls are what one goroutine asks of the queue, one call at a time. Others may
// have the one that is under way made anew.
type calls struct {
	mu sync.Mutex
	// cancel ends the call that is under way, and done is closed when it has
	// returned; nil while there is none.
	cancel context.CancelCauseFunc
	done   chan struct{}
}

// make makes a call until it was not interrupted. What it asks for is prepared
// each time, at a moment that renew waits for.
func (c *calls) make(ctx context.Context, prepare func(), do func(ctx context.Context) error) error {
	for {
		if err := c.once(ctx, prepare, do); !errors.Is(err, errMadeAnew) {
			return err
		}
	}
}

func (c *calls) once(ctx context.Context, prepare func(), do func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	c.mu.Lock()
	prepare()
	c.cancel, c.done = cancel, done
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.cancel, c.done = nil, nil
		c.mu.Unlock()
		close(done)
	}()
	err := do(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errMadeAnew) {
		return errMadeAnew
	}
	return err
}

// renew returns when no call is under way that was prepared before.
func (c *calls) renew() {
	c.mu.Lock()
	cancel, done := c.cancel, c.done
	c.mu.Unlock()
	if cancel == nil {
		return
	}
	cancel(errMadeAnew)
	<-done
}
