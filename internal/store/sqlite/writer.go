package sqlite

import (
	"context"
	"errors"
	"log/slog"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/group"
)

// maxGroupBytes is about how much one transaction writes.
const maxGroupBytes = 16 << 20

// writer owns the connection that writes. Its one goroutine commits all writes
// that wait together, so that they share one fsync.
type writer struct {
	path    string
	session *session
	// checkpoints is used by the writer's goroutine alone.
	checkpoints checkpointer
	group       *group.Writer[func(*session) error]

	// failed is closed after failure was set, once.
	failed  chan struct{}
	failure error
}

func newWriter(path string, logger *slog.Logger, s *session) *writer {
	w := &writer{
		path: path, session: s,
		checkpoints: checkpointer{path: path, logger: logger},
		failed:      make(chan struct{}),
	}
	w.group = group.Start(maxGroupBytes, w.commit)
	return w
}

// do runs a step in a transaction, together with others, and returns when that
// is on disk. A step must own all that it uses: where ctx ends first, do
// returns its cause while the step may still run.
func (w *writer) do(ctx context.Context, size int, step func(*session) error) error {
	return w.group.Do(ctx, step, size)
}

// close ends the writer after all that joined it was written. It may be called
// more than once.
func (w *writer) close() { w.group.Close() }

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

func (w *writer) commit(writes []*group.Write[func(*session) error]) {
	if err := w.err(); err != nil {
		answer(writes, err)
		return
	}
	steps := make([]func(*session) error, len(writes))
	for i, wr := range writes {
		steps[i] = wr.What
	}
	results, err := w.session.transaction(steps)
	if err != nil {
		err = writeError(w.path, err)
		w.fail(err)
		answer(writes, err)
		return
	}
	for i, wr := range writes {
		wr.Answer(results[i])
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

func answer(writes []*group.Write[func(*session) error], err error) {
	for _, wr := range writes {
		wr.Answer(err)
	}
}
