package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

var errStep = errors.New("this step fails")

// hold keeps the writer busy until the returned function is called.
func hold(s *Store) (release func()) {
	begun, end := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.writer.do(context.Background(), 0, func(*session) error { // released by the test
			close(begun)
			<-end
			return nil
		})
	}()
	<-begun
	return func() { close(end) }
}

// touch is a step that writes a row of its own.
func touch(source string) func(*session) error {
	return func(s *session) error {
		_, err := s.exec("REPLACE INTO next_runs (source, at) VALUES (?, 1)", source)
		return err
	}
}

// logPages is the length of the write-ahead log: each transaction adds to it
// the pages that it changed.
func logPages(t *testing.T, s *Store) int {
	t.Helper()
	var state logState
	must(t, s.reader.db.QueryRow("PRAGMA wal_checkpoint(NOOP)").Scan(&state.busy, &state.pages, &state.copied))
	return state.pages
}

func TestWritesThatWaitShareATransaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, filepath.Join(dir, "pollwire.db"))
		must(t, s.write(t.Context(), 0, touch("first")))
		before := logPages(t, s)
		release := hold(s)
		var all sync.WaitGroup
		for _, name := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
			all.Go(func() { must(t, s.write(t.Context(), 0, touch(name))) })
		}
		synctest.Wait() // all of them wait in the queue
		release()
		all.Wait()
		if n := logPages(t, s) - before; n != 1 {
			t.Errorf("26 writes to one page added %d pages to the log, want 1", n)
		}
		must(t, s.Close())
	})
}

func TestFailingStepIsAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, filepath.Join(dir, "pollwire.db"))
		release := hold(s)
		errs := make([]error, 3)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				errs[i] = s.write(t.Context(), 0, func(s *session) error {
					if err := touch(string(rune('a' + i)))(s); err != nil || i != 1 {
						return err
					}
					s.ids.position += 7
					return errStep
				})
			})
			synctest.Wait()
		}
		release()
		all.Wait()
		if errs[0] != nil || !errors.Is(errs[1], errStep) || errs[2] != nil {
			t.Errorf("results: %v", errs)
		}
		runs, err := s.NextRuns(t.Context())
		must(t, err)
		if _, kept := runs["b"]; kept || len(runs) != 2 {
			t.Errorf("kept: %v, want a and c", runs)
		}
		if s.writer.session.ids.position != 0 {
			t.Error("a failed step kept the numbers it took")
		}
		must(t, s.Close())
	})
}

func TestWriteWhoseContextEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	why := errors.New("called off")
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, filepath.Join(dir, "pollwire.db"))
		release := hold(s)
		ctx, cancel := context.WithCancelCause(t.Context())
		queued := make(chan error)
		go func() { queued <- s.write(ctx, 0, touch("queued")) }()
		synctest.Wait()
		cancel(why)
		if err := <-queued; !errors.Is(err, why) || strings.Contains(err.Error(), "may still happen") {
			t.Errorf("queued: got %v, want the cause alone", err)
		}
		release()
		runs, err := s.NextRuns(t.Context())
		if err != nil || len(runs) != 0 {
			t.Errorf("a write that had not begun was made: %v, %v", runs, err)
		}
		must(t, s.Close())
	})
}

func TestBegunWriteWhoseContextEnds(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "pollwire.db"))
	why := errors.New("called off")
	ctx, cancel := context.WithCancelCause(t.Context())
	left := make(chan struct{})
	err := s.write(ctx, 0, func(s *session) error {
		cancel(why)
		<-left // the caller is gone by now
		return touch("begun")(s)
	})
	if !errors.Is(err, why) || !strings.Contains(err.Error(), "may still happen") {
		t.Errorf("got %v, want the cause and a warning", err)
	}
	close(left)
	must(t, s.Ping(t.Context()))
	if runs, err := s.NextRuns(t.Context()); err != nil || len(runs) != 1 {
		t.Errorf("the write that had begun: %v, %v", runs, err)
	}
}
