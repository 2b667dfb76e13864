package cluster

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// slowFree takes a second to free leases, and notes how many each time.
type slowFree struct {
	Store
	mu    sync.Mutex
	freed []int
	// fails is how often it has an error before.
	fails int
}

func (s *slowFree) Free(_ context.Context, leases []store.Lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails--; s.fails >= 0 {
		return store.ErrUnreachable
	}
	s.freed = append(s.freed, len(leases))
	<-time.After(time.Second)
	return nil
}

// TestFreeTogether: what is to be freed while others are being freed is freed at
// once, since each time all nodes look; nobody returns before its own is.
func TestFreeTogether(t *testing.T) {
	t.Parallel()
	for _, fails := range []int{0, 3} {
		synctest.Test(t, func(t *testing.T) {
			s := &slowFree{fails: fails}
			n := New(Options{Store: s})
			l := &life{id: newID()}
			l.done, l.end = context.WithCancelCause(t.Context())
			began := time.Now()
			var all sync.WaitGroup
			free := func(at time.Duration, i int) {
				all.Go(func() {
					n.free(t.Context(), l, []store.Lease{{Resource: fmt.Sprint(i)}})
					if took := time.Since(began) - time.Duration(fails)*freeAgain; took != at {
						t.Errorf("the free of %d has ended after %v, not %v", i, took, at)
					}
				})
				synctest.Wait()
			}
			free(time.Second, 0)
			for i := range 50 {
				free(2*time.Second, 1+i)
			}
			all.Wait()
			if fmt.Sprint(s.freed) != "[1 50]" {
				t.Errorf("freed %v", s.freed)
			}
			synctest.Wait()
			began = time.Now().Add(-time.Duration(fails) * freeAgain)
			free(time.Second, 51)
			all.Wait()
		})
	}
}

// TestFreeOfDeadLife: what a life had is free when it is over.
func TestFreeOfDeadLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{Store: &slowFree{fails: 1000}})
		l := &life{id: newID()}
		l.done, l.end = context.WithCancelCause(t.Context())
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() { n.free(t.Context(), l, []store.Lease{{Resource: fmt.Sprint(i)}}) })
		}
		synctest.Wait()
		l.end(errBuried)
		all.Wait()
	})
}
