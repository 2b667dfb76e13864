package notify

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// maxSifted is how many deliveries are looked up at once.
const maxSifted = 256

// replaceable reports whether a later delivery of the same key may take the
// place of this one.
func (p *pending) replaceable() bool { return p.keyed && p.posts == 0 }

// sift takes out of a lane that is not ready any more, nil for none, and of the
// first ready ones, what later deliveries take the place of. In this round they are sifted
// then: what is committed from now on comes too late.
func (b *backlog) sift(ctx context.Context, first *lane) ([]pending, error) {
	var asked []int64
	lanes := b.ready
	if first == nil {
		first = &lane{}
	}
	for i := -1; i < len(lanes) && len(asked) < maxSifted; i++ {
		l := first
		if i >= 0 {
			l = lanes[i]
		}
		if l.batch != "" || l.sifted == b.round {
			continue
		}
		l.sifted = b.round
		for k := range l.items {
			if l.items[k].replaceable() {
				asked = append(asked, l.items[k].id)
			}
		}
	}
	slices.Sort(asked)
	ids, err := b.queue.Superseded(ctx, b.endpoint, asked)
	if err != nil {
		return nil, fmt.Errorf("read superseded deliveries: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	superseded := make(map[int64]bool, len(ids))
	for _, id := range ids {
		superseded[id] = true
	}
	var gone []pending
	take := func(l *lane) {
		l.items = slices.DeleteFunc(l.items, func(p pending) bool {
			if superseded[p.id] {
				gone = append(gone, p)
			}
			return superseded[p.id]
		})
	}
	take(first)
	for _, l := range lanes {
		if len(gone) == len(ids) {
			break
		}
		take(l)
	}
	b.held -= len(gone)
	return gone, nil
}

// coalesce reports whether the first delivery of a lane is still the one to be
// posted, and gives the lane back where it is not.
func (w *worker) coalesce(l *lane, now time.Time) bool {
	if l.batch != "" || !l.items[0].replaceable() || l.sifted == w.backlog.round {
		return true
	}
	clean, err := w.sift(l, now)
	switch {
	case err != nil:
		w.unreadable(err, now)
		w.backlog.wait(l, now.Add(readRetryWait))
	case !clean:
		w.backlog.place(l, now)
	}
	return err == nil && clean
}

// sift takes out what is superseded and reports whether that was nothing.
func (w *worker) sift(l *lane, now time.Time) (bool, error) {
	gone, err := w.backlog.sift(w.ctx, l)
	for _, p := range gone {
		w.session.recorder.add(w.tenure, Outcome{Endpoint: w.name, Delivery: p.id, State: Superseded, Attempts: p.attempts, NotBefore: now})
		w.log.Debug("delivery superseded by a later one", "delivery", p.id, "position", p.position)
	}
	if len(gone) > 0 {
		w.session.options.Done(Report{Endpoint: w.name, Superseded: len(gone)})
	}
	return len(gone) == 0, err
}
