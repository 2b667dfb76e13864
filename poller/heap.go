package poller

// dueHeap keeps entries by when they are due next, the earliest at index 0. Each
// entry knows its place, so that it can be moved or removed.
type dueHeap []*entry

func (h *dueHeap) push(e *entry) {
	*h = append(*h, e)
	e.index = len(*h) - 1
	h.up(e.index)
}

// fix moves an entry whose due time has changed.
func (h *dueHeap) fix(e *entry) {
	if i := e.index; !h.up(i) {
		h.down(i)
	}
}

func (h *dueHeap) remove(e *entry) {
	old := *h
	i, last := e.index, len(old)-1
	if i != last {
		old[i] = old[last]
		old[i].index = i
	}
	old[last] = nil
	*h = old[:last]
	e.index = -1
	if i != last {
		h.fix(old[i])
	}
}

// rebuild puts all entries in order, after many of them were moved.
func (h *dueHeap) rebuild() {
	for i := len(*h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

// up reports whether the entry at i was moved.
func (h dueHeap) up(i int) bool {
	e, start := h[i], i
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].due <= e.due {
			break
		}
		h[i] = h[parent]
		h[i].index = i
		i = parent
	}
	h[i] = e
	e.index = i
	return i != start
}

func (h dueHeap) down(i int) {
	e := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if right := child + 1; right < len(h) && h[right].due < h[child].due {
			child = right
		}
		if h[child].due >= e.due {
			break
		}
		h[i] = h[child]
		h[i].index = i
		i = child
	}
	h[i] = e
	e.index = i
}
