package group

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pollwire/pollwire/internal/store"
)

// held starts a writer that commits nothing until it is released. It tells the
// lengths of its groups.
func held() (w *Writer[int], release func(), groups *[]int) {
	gate := make(chan struct{})
	groups = new([]int)
	w = Start(1<<20, func(group []*Write[int]) {
		*groups = append(*groups, len(group)) // read when the writer is closed
		<-gate
		for _, wr := range group {
			wr.Answer(nil)
		}
	})
	return w, func() { close(gate) }, groups
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// TestWaitingShare commits what waits together.
func TestWaitingShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, release, groups := held()
		var all sync.WaitGroup
		all.Go(func() { must(t, w.Do(t.Context(), 0, 1)) })
		synctest.Wait()
		for range 26 {
			all.Go(func() { must(t, w.Do(t.Context(), 0, 1)) })
		}
		synctest.Wait()
		release()
		all.Wait()
		w.Close()
		if len(*groups) != 2 || (*groups)[1] != 26 {
			t.Errorf("groups of %v", *groups)
		}
	})
}

func TestGroupIsBounded(t *testing.T) {
	t.Parallel()
	const maxBytes = 3000
	w := newWriter[int](maxBytes, nil)
	w.queue = make(chan *Write[int], 2*maxGroup)
	queue := func(n, size int) *Write[int] {
		for range n {
			w.queue <- &Write[int]{size: size}
		}
		return <-w.queue
	}
	if n := len(w.gather(queue(maxGroup+10, 1))); n != maxGroup {
		t.Errorf("%d writes, want %d", n, maxGroup)
	}
	if n := len(w.gather(<-w.queue)); n != 10 {
		t.Errorf("%d writes, want the 10 that were left", n)
	}
	if n := len(w.gather(queue(10, maxBytes/3-1))); n != 4 {
		t.Errorf("%d large writes, want 3 and the one that passed the bound", n)
	}
}

// TestCallerLeaves skips what had not begun, and says so of what had.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	why := errors.New("called off")
	synctest.Test(t, func(t *testing.T) {
		w, release, groups := held()
		ctx, cancel := context.WithCancelCause(t.Context())
		begun, queued := make(chan error, 1), make(chan error, 1)
		go func() { begun <- w.Do(ctx, 0, 1) }()
		synctest.Wait()
		go func() { queued <- w.Do(ctx, 0, 1) }()
		synctest.Wait()
		cancel(why)
		if err := <-begun; !errors.Is(err, why) || !strings.Contains(err.Error(), "may still happen") {
			t.Errorf("begun: got %v, want the cause and a warning", err)
		}
		if err := <-queued; !errors.Is(err, why) || strings.Contains(err.Error(), "may still happen") {
			t.Errorf("queued: got %v, want the cause alone", err)
		}
		if err := w.Do(ctx, 0, 1); !errors.Is(err, why) {
			t.Errorf("ended before: got %v", err)
		}
		release()
		w.Close()
		if len(*groups) != 1 {
			t.Errorf("groups of %v", *groups)
		}
	})
}

func TestFullQueueHoldsCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, release, _ := held()
		var all sync.WaitGroup
		for range maxQueue + 1 {
			all.Go(func() { must(t, w.Do(t.Context(), 0, 1)) })
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error, 1)
		go func() { over <- w.Do(ctx, 0, 1) }()
		synctest.Wait()
		cancel()
		if err := <-over; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it never joined", err)
		}
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			w.Close()
		}()
		synctest.Wait()
		if err := w.Do(t.Context(), 0, 1); !errors.Is(err, store.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		release()
		<-closed
		all.Wait() // those that were queued were written
		w.Close()
	})
}
