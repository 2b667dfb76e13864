package cluster

import (
	"context"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// pulseEvery is how often the database is asked how far it has come.
const pulseEvery = 200 * time.Millisecond

func (n *Node) pulse(ctx context.Context) (store.Pulse, error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return n.o.Store.Pulse(call)
}

// listen notices what others have done since a pulse, until ctx ends.
func (n *Node) listen(ctx context.Context, last store.Pulse) {
	heard := make(chan store.Pulse, 1)
	start := last
	n.loops.Go(func() { n.tell(ctx, start, heard) })
	again := time.NewTicker(pulseEvery)
	defer again.Stop()
	silent := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		n.mu.RLock()
		l := n.life
		n.mu.RUnlock()
		p, err := n.pulse(ctx)
		if err != nil || p.Generation < last.Generation {
			// The server may be another one now, without the last writes of the old one.
			n.torn.Store(true)
		}
		if silent && err == nil {
			signal(n.beaten) // so that it is known at once whether the node is a member there
		}
		silent = err != nil
		if err == nil && (p.Position < last.Position || p.Delivery < last.Delivery) {
			n.wentBack(l)
		}
		if err != nil || p == last {
			continue // the beat says that the database cannot be reached
		}
		if p.Generation != last.Generation {
			n.stale.Store(true)
			signal(n.kicked)
		}
		last = p
		select {
		case <-heard: // whoever is told late is told the newest
		default:
		}
		heard <- p
	}
}

// tell says what was heard, so that what follows from it delays no leases.
func (n *Node) tell(ctx context.Context, last store.Pulse, heard <-chan store.Pulse) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-heard:
			if n.o.Pulsed != nil && p != last {
				n.o.Pulsed(ctx, last, p)
			}
			last = p
		}
	}
}
