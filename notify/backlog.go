package notify

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"time"
)

// readRetryWait is how long reads of the queue wait after one that failed.
const readRetryWait = time.Second

// bounds limit what an endpoint holds in memory. The rest is read from the
// queue when there is room.
type bounds struct {
	// lanes is how many lanes are held, give or take a page.
	lanes int
	// held is how many deliveries are held, beyond one for each lane.
	held int
	// perLane is how many deliveries of one lane are held.
	perLane int
	// page is how many deliveries are read at once.
	page int
	// batchBytes is how large a batch is made; 0 for any size. It tells one event at
	// least.
	batchBytes int
	// rescan is the least time between two passes for lanes that were evicted.
	rescan time.Duration
}

var defaultBounds = bounds{lanes: 16384, held: 32768, perLane: 64, page: 512, rescan: time.Minute, batchBytes: 8 << 20}

// backlog is what waits for one endpoint: the beginning of each lane in memory,
// all of it in the queue.
//
// The queue is passed once, by a cursor. A delivery that is passed is either
// held, or its lane is marked to have more and reads on by itself later, so
// that a lane that is blocked with thousands waiting keeps no other one from
// being found. When there are too many lanes, those that wait longest for a
// retry are evicted, and found again in another pass.
//
// Outcomes become durable some time after the backlog was told of them. So
// whatever it reads may show deliveries as waiting that have ended. It never
// takes one twice, because it reads a lane beyond its last ID only, and flushes
// the outcomes first where it has forgotten that ID.
//
// A backlog belongs to one goroutine.
type backlog struct {
	queue    Queue
	endpoint string
	order    Order
	bounds   bounds
	// flush returns when all outcomes so far are durable.
	flush func(ctx context.Context) error
	// longest is how far in the future a retry can be; 0 for any.
	longest time.Duration

	lanes   map[laneKey]*lane
	ready   []*lane
	waiting laneHeap
	// idle counts the lanes that wait for a time, or for a batch that does.
	idle int
	held int
	// batches are those that have not ended, by ID, and ahead their deliveries
	// that the pass has still to come to.
	batches map[string]*lane
	ahead   map[int64]bool
	// round counts the times that something is launched.
	round int

	// cursor is the ID up to which this pass has read, tail the highest ID that
	// any pass has.
	cursor, tail int64
	// unread says that the queue may have deliveries after the cursor.
	unread bool
	// forgetful says that lanes were evicted which no pass has found again: a
	// lane that is not held may have deliveries before the cursor.
	forgetful bool
	// evicted says that this pass has evicted lanes, rescanAt when they are
	// looked for again.
	evicted  bool
	rescanAt time.Time
}

func newBacklog(queue Queue, endpoint string, order Order, b bounds, flush func(context.Context) error) *backlog {
	return &backlog{
		queue: queue, endpoint: endpoint, order: order, bounds: b, flush: flush,
		lanes: make(map[laneKey]*lane), batches: make(map[string]*lane), ahead: make(map[int64]bool), unread: true,
	}
}

// reorder forgets all that is held, which must not be posted meanwhile, and
// reads it anew in lanes of another order.
func (b *backlog) reorder(ctx context.Context, order Order) error {
	if err := b.flush(ctx); err != nil {
		return err
	}
	longest := b.longest
	*b = *newBacklog(b.queue, b.endpoint, order, b.bounds, b.flush)
	b.longest = longest
	return nil
}

// readable reports whether a call to read would read something.
func (b *backlog) readable(now time.Time) bool {
	if !b.unread && !b.rescanDue(now) {
		return false
	}
	return len(b.lanes) < b.bounds.lanes || b.crowded()
}

func (b *backlog) rescanDue(now time.Time) bool {
	return !b.rescanAt.IsZero() && !now.Before(b.rescanAt)
}

// crowded reports whether more than half of the lanes that may be held wait for
// a retry. While there are fewer, the others will soon make room.
func (b *backlog) crowded() bool { return b.idle > b.bounds.lanes/2 }

// read reads the next page of the queue.
func (b *backlog) read(ctx context.Context, now time.Time) error {
	if !b.unread && b.rescanDue(now) {
		b.cursor, b.unread, b.evicted, b.rescanAt = 0, true, false, time.Time{}
		clear(b.ahead)
	}
	if len(b.lanes) >= b.bounds.lanes {
		b.evict(now)
	}
	if b.forgetful {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	page, err := b.page(ctx)
	if err != nil {
		return err
	}
	for i := range page {
		if err := b.add(ctx, &page[i], now); err != nil {
			return err
		}
		b.cursor = page[i].ID
	}
	if len(page) < b.bounds.page {
		b.unread = false
		b.forgetful = b.evicted
	}
	return nil
}

// page returns the next page, its deliveries in lanes of the order. What was
// committed under another one is relabelled first.
func (b *backlog) page(ctx context.Context) ([]Delivery, error) {
	page, err := b.queue.Waiting(ctx, b.endpoint, b.cursor, b.bounds.page)
	if err == nil && slices.ContainsFunc(page, func(d Delivery) bool { return !b.order.fits(d.Lane) }) {
		if err = b.queue.Relabel(ctx, b.endpoint, b.order); err == nil {
			page, err = b.queue.Waiting(ctx, b.endpoint, b.cursor, b.bounds.page)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read waiting deliveries: %w", err)
	}
	return page, nil
}

// add takes a delivery that a pass has come to.
func (b *backlog) add(ctx context.Context, d *Delivery, now time.Time) error {
	b.tail = max(b.tail, d.ID)
	if d.Batch != "" {
		return b.adopt(ctx, d, now)
	}
	l := b.lanes[keyOf(d)]
	switch {
	case l == nil && b.forgetful && d.Lane != "":
		l = b.open(keyOf(d))
		if err := b.refill(ctx, l, now); err != nil {
			b.close(l)
			return err
		}
		b.place(l, now)
	case l == nil:
		l = b.open(keyOf(d))
		b.hold(l, d, now)
		b.place(l, now)
	case d.ID <= l.last || l.more:
		// Held already, or to be read when the lane comes to it.
	default:
		b.hold(l, d, now)
	}
	return nil
}

func (b *backlog) open(key laneKey) *lane {
	l := &lane{key: key, index: -1}
	b.lanes[key] = l
	return l
}

func (b *backlog) close(l *lane) {
	b.held -= len(l.items)
	delete(b.lanes, l.key)
}

// hold appends a delivery to its lane if there is room, else notes that there
// is more.
func (b *backlog) hold(l *lane, d *Delivery, now time.Time) {
	if len(l.items) > 0 && (len(l.items) >= b.bounds.perLane || b.held >= b.bounds.held) {
		l.more = true
		return
	}
	l.items = append(l.items, b.pendingOf(d, now))
	l.last = d.ID
	b.held++
}

func (b *backlog) pendingOf(d *Delivery, now time.Time) pending {
	p := pending{
		id: d.ID, position: d.Position, notBefore: d.NotBefore,
		posts: d.Posts, attempts: d.Attempts, replay: d.Replay,
		keyed: d.Key != "" && d.Batch == "" && !d.Replay,
	}
	// A time beyond any retry was saved before the clock was set back.
	if b.longest > 0 && p.notBefore.Sub(now) > b.longest {
		p.notBefore = now.Add(b.longest)
	}
	return p
}

// refill reads the next deliveries of a lane that has none in memory.
func (b *backlog) refill(ctx context.Context, l *lane, now time.Time) error {
	if l.last == 0 {
		// All of it is read anew: what has ended must not be among it.
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	limit := max(1, min(b.bounds.perLane, b.bounds.held-b.held))
	page, err := b.queue.WaitingInLane(ctx, b.endpoint, l.key.name, l.last, limit)
	if err != nil {
		return fmt.Errorf("read waiting deliveries of a lane: %w", err)
	}
	l.more, l.sifted = len(page) == limit, 0
	for i := range page {
		if page[i].ID > b.tail {
			// The pass will come to it. Were it taken here, a lane that ends
			// before then would be forgotten, and this one posted twice.
			l.more = false
			break
		}
		if page[i].Batch != "" {
			if err := b.adopt(ctx, &page[i], now); err != nil {
				return err
			}
			l.last = page[i].ID
			continue
		}
		if b.hold(l, &page[i], now); l.last != page[i].ID {
			break // there is no room for it
		}
	}
	return nil
}

// place puts a lane that is not being posted where it belongs.
func (b *backlog) place(l *lane, now time.Time) {
	l.taken = false
	switch {
	case l.blocked > 0:
		// The end of the batch will place it.
	case len(l.items) == 0 && !l.more:
		b.close(l)
	case len(l.items) > 0 && l.items[0].notBefore.After(now):
		b.wait(l, l.items[0].notBefore)
	default:
		if l.since = now; l.late {
			l.since, l.late = time.Time{}, false
		}
		b.ready = append(b.ready, l)
	}
}

// wait lets a lane wait for a time.
func (b *backlog) wait(l *lane, until time.Time) {
	if l.taken = false; l.blocked > 0 {
		return
	}
	l.due = until
	heap.Push(&b.waiting, l)
	b.idle += l.weight()
}

// unwait takes a lane out of those that wait for a time.
func (b *backlog) unwait(l *lane) {
	heap.Remove(&b.waiting, l.index)
	b.idle -= l.weight()
}

// next takes the lane whose turn it is, its first delivery held; nil when none
// is ready. The caller gives it back by finish, or by wait. After an error the
// lane is read again later.
func (b *backlog) next(ctx context.Context, now time.Time) (*lane, error) {
	b.rouse(now)
	for len(b.ready) > 0 {
		l := b.ready[0]
		b.ready[0] = nil
		b.ready = b.ready[1:]
		if len(l.items) > 0 {
			l.taken = true
			return l, nil
		}
		if !l.more {
			b.close(l) // all of it was superseded
			continue
		}
		if err := b.refill(ctx, l, now); err != nil {
			b.wait(l, now.Add(readRetryWait))
			return nil, err
		}
		b.place(l, now)
	}
	return nil, nil
}

// rouse makes the lanes ready whose time has come.
func (b *backlog) rouse(now time.Time) {
	for len(b.waiting) > 0 && !b.waiting[0].due.After(now) {
		l := b.waiting[0]
		b.unwait(l)
		l.since = now
		b.ready = append(b.ready, l)
	}
}

// finish ends the first delivery of a lane and lets the lane go on.
func (b *backlog) finish(l *lane, now time.Time) {
	l.items = l.items[1:]
	b.held--
	b.place(l, now)
}

// due returns when the backlog has something to do by itself; zero for never.
func (b *backlog) due(now time.Time) time.Time {
	var due time.Time
	if b.rescanAt.After(now) {
		// A pass whose time has come waits for room, not for a time.
		due = b.rescanAt
	}
	if len(b.waiting) > 0 {
		due = earliest(due, b.waiting[0].due)
	}
	return due
}

// evict forgets the lanes that wait longest for a retry, up to a quarter of all.
// A batch is forgotten with the lanes that wait for it.
func (b *backlog) evict(now time.Time) {
	if !b.crowded() {
		return
	}
	byDue := slices.DeleteFunc(slices.Clone(b.waiting), func(l *lane) bool { return !l.evictable() })
	if len(byDue) == 0 {
		return
	}
	slices.SortFunc(byDue, func(x, y *lane) int { return cmp.Compare(y.due.UnixNano(), x.due.UnixNano()) })
	again := byDue[0].due
	for n, i := 0, 0; i < len(byDue) && n < max(1, b.bounds.lanes/4); i++ {
		l := byDue[i]
		n += l.weight()
		again = l.due
		b.unwait(l)
		b.forget(l)
	}
	if earliest := now.Add(b.bounds.rescan); again.Before(earliest) {
		again = earliest
	}
	if b.rescanAt.IsZero() || again.Before(b.rescanAt) {
		b.rescanAt = again
	}
	b.evicted, b.forgetful = true, true
}

// forget drops from memory what waits in the queue.
func (b *backlog) forget(l *lane) {
	if l.batch == "" {
		b.close(l)
		return
	}
	delete(b.batches, l.batch)
	b.held -= len(l.items)
	for _, own := range l.blocks {
		b.close(own)
	}
}
