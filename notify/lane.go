package notify

import (
	"container/heap"
	"slices"
	"time"
)

// pending is what is held in memory of a delivery that waits. A Delivery with
// its strings is several times as large.
type pending struct {
	id, position    int64
	notBefore       time.Time
	posts, attempts int
	replay          bool
	// keyed says that only the latest delivery of its item is to be told.
	keyed bool
}

// laneKey tells the lanes of an endpoint apart: by name, and where a delivery
// has no lane, by its ID, since then it is one by itself.
type laneKey struct {
	name string
	id   int64
}

func keyOf(d *Delivery) laneKey {
	if d.Lane == "" {
		return laneKey{id: d.ID}
	}
	return laneKey{name: d.Lane}
}

// lane is the deliveries of an endpoint that must keep their order. The first
// of them that waits is posted until it is delivered or dead; the others wait
// for it. Only their beginning is held in memory.
type lane struct {
	key laneKey
	// items are by ID; the first is the one that is posted, or is next.
	items []pending
	// last is the highest ID that was ever held.
	last int64
	// more says that the queue has further deliveries of the lane after last,
	// which the backlog has passed.
	more bool
	// batch is the ID of the batch that the items are told in, all by one attempt,
	// empty of a lane; saved says that it is on disk. The lanes that it blocks wait
	// for it.
	batch  string
	saved  bool
	blocks []*lane
	// origins are the lanes of its deliveries, by ID, until it is saved.
	origins map[int64]*lane
	// blocked counts the batches that the lane waits for.
	blocked int
	// taken says that somebody posts it, since is when it was ready.
	taken bool
	since time.Time
	// late says that its first delivery has waited for others long enough.
	late bool
	// sifted is the round in which what is superseded was last taken out.
	sifted int
	// due is when a lane in the heap is ready; index is its place there, -1
	// while it is not in the heap.
	due   time.Time
	index int
}

// weight is how many lanes are held for as long as this one waits.
func (l *lane) weight() int { return max(1, len(l.blocks)) }

// evictable reports whether the lane can be forgotten and found again. A batch
// cannot where one of its lanes would then go on without it.
func (l *lane) evictable() bool {
	if l.batch == "" {
		return true
	}
	return l.saved && !slices.ContainsFunc(l.blocks, func(own *lane) bool { return own.taken || own.blocked > 1 })
}

// laneHeap keeps the lanes that wait for a time, the next one first.
type laneHeap []*lane

var _ heap.Interface = (*laneHeap)(nil)

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements [heap.Interface].
func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.index = len(*h)
	*h = append(*h, l)
}

// Pop implements [heap.Interface].
func (h *laneHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	l.index = -1
	return l
}
