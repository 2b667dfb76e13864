package cluster

import (
	"context"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// releaseTimeout bounds a Release, lostTimeout that of what is lost: whatever is
	// under way of it is in vain.
	releaseTimeout = 30 * time.Second
	lostTimeout    = 5 * time.Second
	// freeAgain is how soon leases are freed again that could not be.
	freeAgain = 500 * time.Millisecond
)

// endAll begins to end what is to be ended.
func (n *Node) endAll(ctx, patient context.Context, seen bool) {
	lost, released := n.endings(seen)
	for _, b := range releases(lost) {
		go n.end(ctx, patient, b, true)
	}
	for _, b := range releases(released) {
		go n.end(ctx, patient, b, false)
	}
}

// releases divides tenures into calls of Release.
func releases(tenures []*tenure) (list [][]*tenure) {
	size := min((len(tenures)+releaseBatches-1)/releaseBatches, maxBatch)
	for len(tenures) > 0 {
		k := min(size, len(tenures))
		list = append(list, tenures[:k])
		tenures = tenures[k:]
	}
	return list
}

// end releases tenures of one life, and then frees their leases.
func (n *Node) end(ctx, patient context.Context, tenures []*tenure, lost bool) {
	if len(tenures) == 0 {
		return
	}
	l := tenures[0].life
	timeout := releaseTimeout
	if lost {
		timeout = lostTimeout
	}
	call, cancel := context.WithTimeout(patient, timeout)
	defer cancel()
	if !lost {
		defer context.AfterFunc(l.done, cancel)()
	}
	n.o.Release(call, groupsOf(tenures), lost)
	leases := n.vacate(tenures, lost)
	if !lost {
		n.free(ctx, l, leases)
	}
	n.closeAll(tenures)
}

// vacate notes that nothing of the tenures is under way any more, and returns their
// leases.
func (n *Node) vacate(tenures []*tenure, lost bool) []store.Lease {
	n.mu.Lock()
	defer n.mu.Unlock()
	var leases []store.Lease
	for _, t := range tenures {
		t.stage = freeing
		for _, r := range t.group.Resources {
			leases = append(leases, store.Lease{Resource: r, Node: t.life.id, Epoch: n.stakes[r].epoch})
			if v := n.view.leases[r]; v.Node == t.life.id {
				v.Node = ""
				n.view.leases[r] = v
			}
		}
	}
	if !lost {
		n.counts.released += int64(len(tenures))
	}
	return leases
}

// vacancies are leases that are freed together.
type vacancies struct {
	leases []store.Lease
	// freed is closed when they are, or need not be any more.
	freed chan struct{}
}

// free gives leases to whoever wants them, and returns when they are free. What is to
// be freed while others are being freed is gathered: each time all nodes look.
func (n *Node) free(ctx context.Context, l *life, leases []store.Lease) {
	n.mu.Lock()
	if l.vacant == nil {
		l.vacant = &vacancies{freed: make(chan struct{})}
	}
	mine := l.vacant
	mine.leases = append(mine.leases, leases...)
	first := !l.freeing
	l.freeing = true
	n.mu.Unlock()
	if first {
		go n.freeVacant(ctx, l)
	}
	<-mine.freed
}

// freeVacant frees what is gathered until nothing is.
func (n *Node) freeVacant(ctx context.Context, l *life) {
	for {
		n.mu.Lock()
		v := l.vacant
		l.vacant, l.freeing = nil, v != nil
		n.mu.Unlock()
		if v == nil {
			return
		}
		n.freeNow(ctx, l, v.leases)
		close(v.freed)
	}
}

// freeNow frees leases. It tries until the database has answered, or the life is
// over: then they are free.
func (n *Node) freeNow(ctx context.Context, l *life, leases []store.Lease) {
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.done.Done():
			return
		case <-again.C:
		}
		call, cancel := context.WithTimeout(ctx, bulkTimeout)
		err := n.o.Store.Free(call, leases)
		cancel()
		if err == nil {
			return
		}
		again.Reset(freeAgain)
	}
}
