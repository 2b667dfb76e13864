package cluster

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// claimless is a way to a database in which nothing can be claimed for a while.
type claimless struct {
	*link
	sick atomic.Bool
}

func (c *claimless) Claim(ctx context.Context, node string, groups [][]string) ([]store.Lease, error) {
	if c.sick.Load() {
		return nil, errors.New("permission denied for table leases")
	}
	return c.link.Claim(ctx, node, groups)
}

// TestClaimless says once that nothing can be claimed, and once that it can be again.
func TestClaimless(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(singles(5))
		defer w.check(t)
		defer w.stopAll()
		a := w.add("a")
		way := &claimless{link: a.link}
		way.sick.Store(true)
		a.node.o.Store = way
		if err := a.node.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if n := strings.Count(w.said(), "cannot claim leases"); n != 1 || strings.Contains(w.said(), "leases again") {
			t.Errorf("says so %d times: %s", n, w.said())
		}
		way.sick.Store(false)
		<-time.After(time.Minute)
		if n := strings.Count(w.said(), "can claim leases again"); n != 1 || a.held() != 5 {
			t.Errorf("says %d times that it is over, holds %d", n, a.held())
		}
	})
}
