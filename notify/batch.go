package notify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
)

// batches reports whether events are told together.
func (b Batch) batches() bool { return b.MaxEvents > 1 }

// gather takes from the ready lanes what is told together next, nil where that
// is nothing yet. Then it returns when it will be, or zero where an answer or a
// commit has to come first. All that it takes has had the same attempts.
func (b *backlog) gather(ctx context.Context, now time.Time, most Batch, sift func(*lane) (bool, error)) (*lane, time.Time, error) {
	b.rouse(now)
	for len(b.ready) > 0 {
		first := b.ready[0]
		if first.batch != "" || len(first.items) == 0 {
			l, err := b.next(ctx, now)
			if err != nil || l != nil && l.batch != "" {
				return l, time.Time{}, err
			}
			if l != nil {
				l.taken = false
				b.ready = slices.Insert(b.ready, 0, l)
			}
			continue
		}
		share, count, err := b.share(ctx, now, most.MaxEvents)
		if err != nil {
			return nil, time.Time{}, err
		}
		if due := first.since.Add(most.MaxWait); count < most.MaxEvents && due.After(now) {
			return nil, due, nil
		}
		clean := !slices.ContainsFunc(share, func(s laneShare) bool { return s.lane.blocked > 0 })
		for _, s := range share {
			if clean, err = sift(s.lane); err != nil || !clean {
				break
			}
		}
		switch {
		case err != nil:
			return nil, time.Time{}, err
		case clean:
			return b.join(share), time.Time{}, nil
		}
	}
	return nil, time.Time{}, nil
}

// laneShare is how many of the first deliveries of a lane are taken.
type laneShare struct {
	lane *lane
	n    int
}

// share says what of the ready lanes is told together.
func (b *backlog) share(ctx context.Context, now time.Time, most int) ([]laneShare, int, error) {
	first := &b.ready[0].items[0]
	var found []laneShare
	count := 0
	// To read on in a lane may take others out of the ready ones.
	for i := 0; i < len(b.ready) && count < most; i++ {
		l := b.ready[i]
		if l.batch != "" {
			continue
		}
		if l.more && len(l.items) < most-count {
			if err := b.refill(ctx, l, now); err != nil {
				return nil, 0, err
			}
		}
		n := 0
		for n < len(l.items) && count < most && l.items[n].like(first, now) {
			n++
			count++
		}
		if n > 0 {
			found = append(found, laneShare{l, n})
		}
	}
	return found, count, nil
}

// like reports whether a delivery can be told together with one that is due.
func (p *pending) like(other *pending, now time.Time) bool {
	return p.posts == other.posts && p.attempts == other.attempts && p.replay == other.replay && !p.notBefore.After(now)
}

// join makes a batch, for which its lanes wait.
func (b *backlog) join(share []laneShare) *lane {
	l := &lane{batch: "bat_" + ulid.Make().String(), index: -1, taken: true, origins: make(map[int64]*lane)}
	for _, s := range share {
		for i := range s.n {
			l.origins[s.lane.items[i].id] = s.lane
		}
		l.items = append(l.items, s.lane.items[:s.n]...)
		s.lane.items = s.lane.items[s.n:]
		s.lane.blocked++
		l.blocks = append(l.blocks, s.lane)
	}
	b.ready = slices.DeleteFunc(b.ready, func(r *lane) bool { return r.blocked > 0 })
	slices.SortFunc(l.items, func(x, y pending) int { return cmp.Compare(x.id, y.id) })
	b.batches[l.batch] = l
	return l
}

// adopt takes up the batch that a delivery was saved in.
func (b *backlog) adopt(ctx context.Context, d *Delivery, now time.Time) error {
	if b.ahead[d.ID] {
		delete(b.ahead, d.ID)
		return nil
	}
	if b.batches[d.Batch] != nil {
		return nil
	}
	// It may have ended just now, before a lane came to this member of it.
	if err := b.flush(ctx); err != nil {
		return err
	}
	members, err := b.queue.Batch(ctx, b.endpoint, d.Batch)
	if err != nil {
		return fmt.Errorf("read batch: %w", err)
	}
	l := &lane{batch: d.Batch, saved: true, index: -1}
	for i := range members {
		m := &members[i]
		if m.ID > max(b.cursor, d.ID) {
			b.ahead[m.ID] = true
		}
		l.items = append(l.items, b.pendingOf(m, now))
		own := b.lanes[keyOf(m)]
		if own == nil {
			own = b.open(keyOf(m))
			own.more = b.forgetful && m.Lane != ""
		}
		if !slices.Contains(l.blocks, own) {
			b.unqueue(own)
			own.blocked++
			l.blocks = append(l.blocks, own)
		}
	}
	if len(l.items) == 0 {
		return nil // it has ended meanwhile
	}
	b.held += len(l.items)
	b.batches[l.batch] = l
	b.place(l, now)
	return nil
}

// unqueue takes a lane out of those that are ready or wait for a time.
func (b *backlog) unqueue(l *lane) {
	if l.index >= 0 {
		b.unwait(l)
		return
	}
	if i := slices.Index(b.ready, l); i >= 0 {
		b.ready = slices.Delete(b.ready, i, i+1)
	}
}

// keep leaves those in a batch that its first saving, or an attempt, has left in
// it.
func (b *backlog) keep(l *lane, in func(id int64) bool) {
	before := len(l.items)
	l.items = slices.DeleteFunc(l.items, func(p pending) bool { return !in(p.id) })
	b.held -= before - len(l.items)
}

// giveBack returns the deliveries of a batch from an ID on to their lanes. Those
// of which it has none any more go on.
func (b *backlog) giveBack(l *lane, from int64, now time.Time) {
	n := max(0, slices.IndexFunc(l.items, func(p pending) bool { return p.id >= from }))
	left := make(map[*lane][]pending)
	for _, p := range l.items[n:] {
		left[l.origins[p.id]] = append(left[l.origins[p.id]], p)
	}
	for own, items := range left {
		own.items, own.late = append(items, own.items...), true
	}
	l.items = l.items[:n:n]
	in := make(map[*lane]bool)
	for i := range l.items {
		in[l.origins[l.items[i].id]] = true
	}
	blocks := l.blocks
	l.blocks = nil
	for _, own := range blocks {
		if in[own] {
			l.blocks = append(l.blocks, own)
		} else if own.blocked--; own.blocked == 0 && !own.taken {
			b.place(own, now)
		}
	}
}

// end ends a batch and lets its lanes go on.
func (b *backlog) end(l *lane, now time.Time) {
	delete(b.batches, l.batch)
	b.held -= len(l.items)
	for _, own := range l.blocks {
		own.blocked--
		if own.blocked == 0 && !own.taken {
			b.place(own, now)
		}
	}
}
