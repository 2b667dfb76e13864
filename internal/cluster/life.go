package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// beatEvery is how often a node says that it lives, beatAgain how soon it says so
	// again where it was not answered. Up to maxBeats may be under way, so that one
	// that is lost does not keep the next one from being heard.
	beatEvery = 2 * time.Second
	beatAgain = time.Second
	maxBeats  = 3
)

// errBuried and errWentBack are causes with which the work of a life ends, as is
// store.ErrNewTimeline: it is no member any more, since others took it for dead or the
// database does not know it, or the database has lost what is known here of it.
var (
	errBuried   = errors.New("the node was silent for too long")
	errWentBack = errors.New("the database went back in time")
)

// moment is a time by both clocks: the monotonic one, which stands still while the
// machine sleeps, and that of the wall, which may be set.
type moment struct{ mono, wall time.Time }

func now() moment {
	t := time.Now()
	return moment{t, t.Round(0)}
}

// since is how long ago another moment may be: the longer of what the clocks say.
func (m moment) since(from moment) time.Duration {
	return max(m.mono.Sub(from.mono), m.wall.Sub(from.wall))
}

func (m moment) isZero() bool { return m.mono.IsZero() }

// life is the time that a node is one member.
type life struct {
	id     string
	joined time.Time
	// proven is when that was asked to which the database last answered that the
	// member lives.
	proven moment
	// over says that the member was buried.
	over bool
	// vacant are leases of the life that are to be freed, nil for none; freeing says
	// that somebody does it.
	vacant  *vacancies
	freeing bool
	// done ends with the life, so that nothing of it is waited for in vain.
	done context.Context //nolint:containedctx // it is the life's own
	end  context.CancelCauseFunc
}

func newID() string { return ulid.Make().String() }

// join begins a life. It may be tried again with the same ID.
func (n *Node) join(ctx context.Context, id string) error {
	n.mu.RLock()
	m := n.self
	n.mu.RUnlock()
	m.ID = id
	asked := n.clock()
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := n.o.Store.Join(call, m); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	l := &life{id: id, joined: asked.wall, proven: asked}
	l.done, l.end = context.WithCancelCause(context.WithoutCancel(ctx))
	n.mu.Lock()
	n.life, n.touched = l, asked
	n.view = newView()
	n.mu.Unlock()
	n.logger.Info("node joined", "node", m.Name, "id", id)
	return nil
}

// beat says that the node lives, until ctx ends.
func (n *Node) beat(ctx context.Context) {
	due := time.NewTimer(beatEvery)
	defer due.Stop()
	answers := make(chan error, maxBeats)
	under, failing := 0, false
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-answers:
			under--
			if failing != (err != nil) && ctx.Err() == nil {
				failing = err != nil
				n.sayBeat(err)
			}
			if err == nil {
				due.Reset(beatEvery)
			}
			continue
		case <-due.C:
		case <-n.beaten:
		}
		if under < maxBeats {
			under++
			n.loops.Go(func() { answers <- n.beatOnce(ctx, n.clock()) })
		}
		due.Reset(beatAgain)
	}
}

// sayBeat logs that the beats fail now, or do not any more.
func (n *Node) sayBeat(err error) {
	if err != nil {
		n.logger.Warn("node cannot say that it lives: without an answer it does nothing", "err", err)
		return
	}
	n.logger.Info("node can say again that it lives")
}

func (n *Node) beatOnce(ctx context.Context, asked moment) error {
	n.mu.RLock()
	l := n.life
	m, over := n.member(l), l.over
	n.mu.RUnlock()
	if over {
		return nil // the loop joins again
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	alive, err := n.o.Store.Beat(call, m)
	switch {
	case errors.Is(err, store.ErrNewTimeline):
		n.leftBehind(l, err)
		return nil
	case err != nil:
		n.unproven(asked)
	case alive:
		n.proven(l, asked)
	default:
		n.buried(l)
	}
	return err
}

// proven notes that a life was not over when that was asked. Answers may come in
// another order than they were asked for.
func (n *Node) proven(l *life, asked moment) {
	n.mu.Lock()
	suspended := n.suspendedAt(n.clock())
	if n.touched.isZero() || asked.since(l.proven) > suspendAfter {
		n.touched = asked
	}
	if asked.mono.After(l.proven.mono) {
		l.proven = asked
	}
	resumed := suspended && !n.suspendedAt(n.clock())
	n.mu.Unlock()
	if !resumed {
		return
	}
	n.logger.Info("node goes on")
	if n.o.Resumed != nil {
		n.o.Resumed()
	}
	signal(n.kicked)
}

// unproven notes that the database did not answer.
func (n *Node) unproven(asked moment) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.touched.mono.Before(asked.mono) {
		n.touched = moment{}
	}
}

// buried notes that others took the node for dead, and may do what it did.
func (n *Node) buried(l *life) {
	if n.finish(l, errBuried) {
		n.logger.Warn("node was taken for dead by others: it gives up what it did and joins again", "id", l.id)
	}
}

// leftBehind notes that the database is not the one that the node has joined any more.
func (n *Node) leftBehind(l *life, err error) {
	if n.finish(l, err) {
		n.logger.Warn("the database has begun a new timeline, as after a failover or a restore: node gives up what it did and joins again; "+
			"where the last commits are missing, changes since then are seen and told again, under other ids", "id", l.id, "err", err)
	}
}

// wentBack notes that the database has lost what it had committed: the numbers of
// what is lost are given a second time, so that nothing that is known here of them
// may be gone by.
func (n *Node) wentBack(l *life) {
	if n.finish(l, errWentBack) {
		n.logger.Warn("the database went back in time, as after a restore: node gives up what it did and joins again", "id", l.id)
	}
}

// finish ends a life; false where that is over.
func (n *Node) finish(l *life, cause error) bool {
	n.mu.Lock()
	over := l.over
	l.over = true
	if !over {
		n.loseAll()
	}
	n.mu.Unlock()
	if over {
		return false
	}
	l.end(cause)
	signal(n.kicked)
	return true
}

// suspendedAt says whether the node cannot prove at a moment that it lives.
func (n *Node) suspendedAt(at moment) bool {
	return n.life == nil || n.life.over || at.since(n.life.proven) > suspendAfter
}

// member is the node as others see it in a life.
func (n *Node) member(l *life) store.Member {
	m := n.self
	m.ID = l.id
	return m
}
