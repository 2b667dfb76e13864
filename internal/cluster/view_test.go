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
