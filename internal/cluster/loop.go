package cluster

import (
	"context"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// turnEvery is how often the loop looks at everything where nothing happens, and
	// turnRest how long it rests at least after each time. It rests as long as it took:
	// where there is much to look at, looking must not keep others from working.
	turnEvery = time.Second
	turnRest  = 50 * time.Millisecond
)

// run takes turns until a node that stops has nothing left, or ctx ends. The
// time that Release has ends with patient.
func (n *Node) run(ctx, patient context.Context) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.kicked:
			n.dirty = true
		case <-wait.C:
		}
		began := n.clock().mono
		if n.turn(ctx, patient) {
			close(n.idle)
			return
		}
		wait.Reset(max(turnRest, n.clock().mono.Sub(began)))
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		wait.Reset(turnEvery)
	}
}

// turn looks at everything once, ends what is to be ended and begins what is to be
// begun. It says whether the node stops and has nothing left.
func (n *Node) turn(ctx, patient context.Context) (idle bool) {
	n.mu.Lock()
	l, stopping, groups, results := n.life, n.stage == stageStopping, n.applied, n.results
	n.applied, n.results = nil, nil
	over := l.over
	n.mu.Unlock()
	if stopping {
		n.endAll(ctx, patient, false)
		n.mu.RLock()
		defer n.mu.RUnlock()
		return len(n.stakes) == 0
	}
	share := groups != nil
	if share {
		n.wants.apply(groups)
	}
	for key, r := range results {
		n.wants.note(key, r, n.clock())
	}
	if over {
		n.endAll(ctx, patient, false)
		if l = n.rejoin(ctx, l); l == nil {
			return false
		}
		share = true
	}
	changed, fresh := n.refresh(ctx, l)
	if changed && n.o.Met != nil {
		n.o.Met()
	}
	if due := n.wants.due; !due.IsZero() && !n.clock().mono.Before(due) {
		share = true // somebody has another chance
	}
	if changed || share {
		n.share()
		n.dirty = true
	}
	if fresh {
		n.bury(ctx, l)
	}
	if !n.dirty && !n.waits {
		return false // as most of the time
	}
	n.dirty, n.waits = false, false
	n.endAll(ctx, patient, fresh)
	if fresh {
		n.claim(ctx, patient, l)
	}
	n.waits = n.waits || !fresh
	return false
}

// rejoin begins another life; nil where the database cannot be reached. The member of
// the last one may be there still, where it was not buried.
func (n *Node) rejoin(ctx context.Context, last *life) *life {
	if n.nextID == "" {
		n.nextID = newID()
	}
	if err := n.leave(ctx, last); err != nil {
		n.warn(ctx, "node cannot join again", err)
		return nil
	}
	if err := n.join(ctx, n.nextID); err != nil {
		n.warn(ctx, "node cannot join again", err)
		return nil
	}
	n.nextID = ""
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.life
}

// refresh reads what others did, where that is due. It says whether others are
// there now than before, and whether what is known is new enough to act on it.
func (n *Node) refresh(ctx context.Context, l *life) (changed, fresh bool) {
	stale := n.stale.Swap(false)
	n.mu.RLock()
	at := n.clock()
	suspended, read, whole := n.suspendedAt(at), n.view.read, n.view.whole
	n.mu.RUnlock()
	if !stale && !read.isZero() && at.since(read) < readEvery {
		return false, !suspended
	}
	torn := n.torn.Swap(false)
	changed, err := n.census(ctx)
	if err == nil {
		var strays []store.Lease
		var news bool
		strays, news, err = n.readLeases(ctx, l, torn || whole.isZero() || at.since(whole) >= wholeEvery)
		n.dirty = n.dirty || news
		if len(strays) > 0 {
			n.freeStrays(ctx, strays)
		}
	}
	if err != nil {
		n.stale.Store(true)
		n.torn.Store(true)
		n.warn(ctx, "node cannot see what others do", err)
		return changed, false
	}
	if n.warned {
		n.warned = false
		n.logger.Info("node sees again what others do")
	}
	return changed, !suspended
}

// warn logs an error of the loop; what follows it only after all was well again.
func (n *Node) warn(ctx context.Context, message string, err error) {
	if ctx.Err() != nil || n.warned {
		return
	}
	n.warned = true
	n.logger.Warn(message, "err", err) //nolint:sloglint // one of two
}

// freeStrays frees what is left of claims whose answer never came.
func (n *Node) freeStrays(ctx context.Context, strays []store.Lease) {
	call, cancel := context.WithTimeout(ctx, bulkTimeout)
	defer cancel()
	if err := n.o.Store.Free(call, strays); err != nil {
		n.stale.Store(true)
		n.warn(ctx, "node cannot free leases", err)
	}
}

// bury removes members that are silent.
func (n *Node) bury(ctx context.Context, l *life) {
	ids := n.silent()
	if len(ids) == 0 {
		return
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	buried, err := n.o.Store.Bury(call, l.id, Silence, ids)
	if err != nil {
		n.warn(ctx, "node cannot give up one that is silent", err)
		return
	}
	for _, id := range buried {
		n.logger.Warn("node is silent: others take over what it did", "node", n.nameOf(id), "id", id)
	}
	n.stale.Store(true)
	signal(n.kicked)
}

// share says anew who should hold what.
func (n *Node) share() {
	n.term.Add(1)
	n.mu.RLock()
	defer n.mu.RUnlock()
	n.wants.share(n.view.members, n.clock())
}
