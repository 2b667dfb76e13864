package notify

import (
	"context"
	"fmt"
	"sync/atomic"
)

// tenure is the time in which a worker serves its endpoint. When it is over,
// nothing of it is under way any more: neither an attempt nor a write of what came
// of one, for by then another node may serve the endpoint.
type tenure struct {
	// ctx is that of reads and writes of the queue, posts that of attempts, which
	// ends earlier.
	ctx, posts          context.Context
	cancel, cancelPosts context.CancelFunc
	// void says that what is not saved yet of it is not to be saved any more.
	void atomic.Bool
	// cut counts the attempts that were cut short with it.
	cut atomic.Int64
}

func newTenure(s *session) *tenure {
	t := &tenure{}
	t.ctx, t.cancel = context.WithCancel(s.ctx)
	t.posts, t.cancelPosts = context.WithCancel(s.posts)
	return t
}

// over ends the contexts of a tenure that has ended.
func (t *tenure) over() {
	t.cancelPosts()
	t.cancel()
}

// end cuts short what is left of a tenure, and lets nothing of it be saved.
func (t *tenure) end() {
	t.void.Store(true)
	t.over()
}

// holds reports whether the endpoint may be posted to at this moment, as far as
// its lease is concerned.
func (w *worker) holds() bool { return w.session.options.Holds(w.name) }

// lost reports whether an error of the queue says that the endpoint is served by
// somebody else. Then it ends the worker: what that one still does is of no
// account.
func (w *worker) lost(err error) bool {
	if err == nil || !w.session.options.Lost(err) {
		return false
	}
	if w.void.CompareAndSwap(false, true) {
		w.log.Info("endpoint is served by another node by now", "err", err)
	}
	w.cancelPosts()
	w.mail.release()
	return true
}

// ended reports whether the worker has nothing left to do. No attempt is under way.
func (w *worker) ended() bool {
	if !w.halted && !w.leaving() || !w.paceIsSaved() {
		return false
	}
	if w.mail.released() {
		w.leave()
	}
	return w.session.retire(w)
}

// leave makes durable where the endpoint stands, for who serves it next. What
// cannot be saved has been told of already.
func (w *worker) leave() {
	if !w.void.Load() && !w.mail.removed() && w.health.state != w.health.saved {
		_ = w.saveState()
	}
	_ = w.session.recorder.flush(w.ctx)
}

// dropped counts an attempt that came to nothing, where it was cut short.
func (w *worker) dropped() {
	switch {
	case w.session.posts.Err() != nil:
		w.session.cut.Add(1)
	case w.posts.Err() != nil:
		w.cut.Add(1)
	}
}

// cutShort is the error of attempts that were cut short; nil where none was.
func cutShort(n int64, cause error) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d attempts were cut short and will be made again: %w", n, cause)
}
