package cluster

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// counting counts the leases that are read.
type counting struct {
	Store
	mu   sync.Mutex
	rows int
}

func (c *counting) Leases(ctx context.Context, since time.Time) ([]store.Lease, error) {
	leases, err := c.Store.Leases(ctx, since)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows += len(leases)
	return leases, err
}

// take returns how many were read since it was asked before.
func (c *counting) take() (rows int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows, c.rows = c.rows, 0
	return rows
}

// TestIdleReadsLittle: nodes that share out nothing new do not read again and again
// what they know, though all of it was claimed at once; and they still see what is.
func TestIdleReadsLittle(t *testing.T) {
	groups := singles(500)
	inWorld(t, groups, func(t *testing.T, w *world) {
		a := w.add("a")
		c := &counting{Store: a.node.o.Store}
		a.node.o.Store = c
		if err := a.node.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.after(overlap + 2*overlapEvery)
		c.take()
		w.after(2 * time.Minute)
		if rows := c.take(); rows > 0 {
			t.Errorf("%d leases were read in two minutes in which nothing happened", rows)
		}
		b := w.start(t, "b")
		w.after(5 * time.Second)
		w.wantShared(t, a, b)
	})
}

// TestLateLeases: a lease is seen that became visible long after its time, because
// whoever claimed it was slow to commit.
func TestLateLeases(t *testing.T) {
	inWorld(t, singles(20), func(t *testing.T, w *world) {
		a := w.start(t, "a")
		w.after(10 * time.Second)
		for i, late := range []time.Duration{time.Second, bulkTimeout} {
			w.after(late)
			resource := store.SourceResource("late")
			row := store.Lease{Resource: resource, Node: "another", Epoch: int64(i) + 1, Since: time.Now().UTC().Add(-late)}
			w.d.mu.Lock()
			w.d.leases[resource] = row
			w.d.mu.Unlock()
			w.after(overlapEvery + readEvery)
			a.node.mu.RLock()
			if got := a.node.view.leases[resource]; got.Epoch != row.Epoch {
				t.Errorf("after %v the lease is %+v, not %+v", late, got, row)
			}
			a.node.mu.RUnlock()
		}
	})
}
