package diff

import "slices"

// bag aligns a gap of two arrays in which order does not count: what occurs on
// both sides is left out, and of the rest those objects are paired that are
// kin.
func (w *walk) bag(g gap) {
	older, newer := w.leftovers(g)
	w.matches = zeros(w.matches, len(w.newer))
	w.taken = zeros(w.taken, len(w.older))
	for _, n := range w.kinOf(older, newer) {
		if !w.taken[n.i] {
			w.taken[n.i], w.matches[n.j] = true, n.i+1
		}
	}
	for _, i := range older {
		if !w.taken[i] {
			w.remove(int(i), 0)
		}
	}
	for _, j := range newer {
		if i := w.matches[j]; i > 0 {
			w.become(int(i-1), int(j))
		} else {
			w.insert(int(j))
		}
	}
}

// leftovers returns the elements of a gap that have no equal on the other side.
func (w *walk) leftovers(g gap) (older, newer []int32) {
	a := &w.aligner
	older, newer = a.kinship.older[:0], a.kinship.newer[:0]
	if g.settled() { // They differ, and have no numbers.
		for i := g.i; i < g.iEnd; i++ {
			older = append(older, int32(i))
		}
		for j := g.j; j < g.jEnd; j++ {
			newer = append(newer, int32(j))
		}
		a.kinship.older, a.kinship.newer = older, newer
		return older, newer
	}
	for j := g.j; j < g.jEnd; j++ {
		a.counts[a.newer(j)].newer++
	}
	for i := g.i; i < g.iEnd; i++ {
		c := &a.counts[a.older(i)]
		if c.newer > 0 {
			c.newer--
			c.older++ // so many of newer are not left over
		} else {
			older = append(older, int32(i))
		}
	}
	for j := g.j; j < g.jEnd; j++ {
		c := &a.counts[a.newer(j)]
		if c.older > 0 {
			c.older--
		} else {
			newer = append(newer, int32(j))
		}
	}
	a.forget(g)
	a.kinship.older, a.kinship.newer = older, newer
	return older, newer
}

// alignByKey aligns elements by their keys, and reports whether it could: it
// takes that each has a key of its own.
func (w *walk) alignByKey(paths [][]step) bool {
	a := &w.aligner
	older, ok := w.keysOf(w.older, paths, a.slots.olderKeys)
	a.slots.olderKeys = older
	if !ok {
		return false
	}
	newer, ok := w.keysOf(w.newer, paths, a.slots.newerKeys)
	a.slots.newerKeys = newer
	if !ok {
		return false
	}
	w.taken = zeros(w.taken, len(older))
	w.matches = zeros(w.matches, len(newer))
	w.table.reset(len(older))
	for _, key := range older {
		w.table.add(key)
	}
	a.anchors = a.anchors[:0]
	for j, key := range newer {
		i := w.table.find(key)
		w.matches[j] = i
		if i >= 0 {
			w.taken[i] = true
			a.anchors = append(a.anchors, anchor{i, int32(j)})
		}
	}
	if w.masked && w.reader.unordered {
		w.rearrangeBag()
	} else {
		w.rearrange(a.increasing(a.anchors))
	}
	return true
}

// rearrangeBag is rearrange for arrays in which order does not count.
func (w *walk) rearrangeBag() {
	for i := range w.older {
		if !w.taken[i] {
			w.remove(i, 0)
		}
	}
	for j, i := range w.matches {
		if i < 0 {
			w.insert(j)
		} else {
			w.become(int(i), j)
		}
	}
}

// keysOf appends the hashes of the elements' keys. It is not ok where an
// element has none, or two have the same.
func (w *walk) keysOf(elements []child, paths [][]step, keys []uint64) (_ []uint64, ok bool) {
	keys = keys[:0]
	w.table.reset(len(elements))
	for i := range elements {
		key := w.reader.seeds.array
		for _, path := range paths {
			part, ok := w.reader.lookUp(elements[i], path)
			if k := part.kind(); !ok || k != text && k != number {
				return keys, false
			}
			key = w.reader.seeds.with(key, part.hash)
		}
		if _, isNew := w.table.add(key); !isNew {
			return keys, false
		}
		keys = append(keys, key)
	}
	return keys, true
}

// rearrange removes, inserts and moves elements until all are where they belong,
// given those that stay where they are.
func (w *walk) rearrange(stay []anchor) {
	a := &w.aligner
	s := &a.slots
	s.lay(len(w.older), len(w.newer), stay)
	moves := false
	i, j := int32(0), int32(0)
	for n := 0; n <= len(stay); n++ {
		end := anchor{int32(len(w.older)), int32(len(w.newer))}
		if n < len(stay) {
			end = stay[n]
		}
		for ; i < end.i; i++ {
			if !w.taken[i] {
				w.remove(int(i), s.index(s.older[i]))
				s.leave(s.older[i])
			}
		}
		for ; j < end.j; j++ {
			from := w.matches[j]
			if from < 0 {
				w.insert(int(j))
				a.edits[len(a.edits)-1].at = int32(s.index(s.newer[j]))
			} else {
				a.edits = append(a.edits, w.moved(from, j))
				moves = true
			}
			s.enter(s.newer[j])
		}
		if n < len(stay) {
			w.become(int(end.i), int(end.j))
		}
		i, j = end.i+1, end.j+1
	}
	if moves {
		w.changeLast()
	}
}

// changeLast puts the changes within elements after all else, when each element
// is at its place, and adds those of the elements that have moved.
func (w *walk) changeLast() {
	a := &w.aligner
	a.edits = slices.DeleteFunc(a.edits, func(e edit) bool { return e.kind == change })
	for j, i := range w.matches {
		if i >= 0 {
			w.become(int(i), j)
		}
	}
}

// moved is the edit of an element that goes elsewhere.
func (w *walk) moved(i, j int32) edit {
	s := &w.aligner.slots
	e := edit{
		kind: move, before: i, after: j,
		told: int32(w.newer[j].index), toldFrom: int32(w.older[i].index), from: int32(s.index(s.older[i])),
	}
	s.leave(s.older[i])
	e.at = int32(s.index(s.newer[j]))
	return e
}

// slots are the places that elements have while an array is rearranged: those
// of both arrays in one order, in which those that stay have the same one.
type slots struct {
	olderKeys, newerKeys []uint64
	// older and newer say which slot an element has before and after.
	older, newer []int32
	// tree counts the slots that are taken, as a Fenwick tree (Fenwick, A New
	// Data Structure for Cumulative Frequency Tables, 1994).
	tree []int32
}

func (s *slots) lay(older, newer int, stay []anchor) {
	s.older, s.newer = zeros(s.older, older), zeros(s.newer, newer)
	s.tree = zeros(s.tree, older+newer+1)
	slot, i, j := int32(0), 0, 0
	for n := 0; n <= len(stay); n++ {
		iEnd, jEnd := older, newer
		if n < len(stay) {
			iEnd, jEnd = int(stay[n].i), int(stay[n].j)
		}
		for ; i < iEnd; i++ {
			s.older[i] = slot
			slot++
		}
		for ; j < jEnd; j++ {
			s.newer[j] = slot
			slot++
		}
		if n < len(stay) {
			s.older[i], s.newer[j] = slot, slot
			slot++
			i++
			j++
		}
	}
	for _, taken := range s.older {
		s.enter(taken)
	}
}

func (s *slots) enter(slot int32) { s.count(slot, 1) }
func (s *slots) leave(slot int32) { s.count(slot, -1) }

func (s *slots) count(slot, by int32) {
	for n := int(slot) + 1; n < len(s.tree); n += n & -n {
		s.tree[n] += by
	}
}

// index is how many slots before one are taken.
func (s *slots) index(slot int32) int {
	n := int32(0)
	for ; slot > 0; slot -= slot & -slot {
		n += s.tree[slot]
	}
	return int(n)
}
