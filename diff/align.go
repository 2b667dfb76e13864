package diff

import (
	"slices"
	"sort"
)

// edit is one step from an older array to a newer one.
type edit struct {
	kind editKind
	// before and after are places in the lists that were aligned, -1 where there
	// is none.
	before, after int32
	// at is the index of a step of a patch, which is made when all before it are
	// made; told is the index in the newer array or, of what is gone, in the
	// older one. from and toldFrom are where a move begins.
	at, told, from, toldFrom int32
}

type editKind uint8

const (
	change editKind = iota // go on within
	addition
	removal
	replacement
	move
)

// aligner finds the edits from one list of elements to another.
//
// Equal ends are cut off first. What remains is divided at elements that
// occur once on either side, then at others in the order of their occurrence,
// then at objects that share a member which no others have. Only small gaps are
// aligned by trying all ways. So the work is n log n, and the memory n, at most,
// with the best result for the edits that lists see in practice.
type aligner struct {
	edits []edit
	// olderID and newerID number the elements, from the first that are not
	// equal on: the same number is the same value.
	olderID, newerID []int32
	// offset is where those begin.
	offset int
	// olderCount and newerCount count the elements of each number.
	olderCount, newerCount []int32
	// counts are those of a gap.
	counts []occurrence

	// What follows is memory of the ways to align, for the next time.
	anchors                  []anchor
	ends, previous           []int32
	olderTraits, newerTraits traits
	worth, total             []int32
	kinship                  kinship
	slots                    slots
}

// occurrence is where an element occurs in a gap.
type occurrence struct{ older, newer, i int32 }

// gap is a part of each list: older[i:iEnd] and newer[j:jEnd].
type gap struct{ i, iEnd, j, jEnd int }

func (g gap) size() (older, newer int) { return g.iEnd - g.i, g.jEnd - g.j }

// settled says that there is only one way to align it.
func (g gap) settled() bool {
	m, n := g.size()
	return m == 0 || n == 0 || m == 1 && n == 1
}

// anchor is an element of each list that belong together.
type anchor struct{ i, j int32 }

// align returns the edits between w.older and w.newer, the elements of an array
// with a rule, left to right. They are valid until the next call.
func (w *walk) align(rule uint32) []edit {
	a := &w.aligner
	a.edits, a.olderID = a.edits[:0], a.olderID[:0]
	if m := w.reader.machine; m != nil && rule != 0 && m.states[rule].keys != nil && w.alignByKey(m.states[rule].keys) {
		return a.edits
	}
	g := w.trim(gap{0, len(w.older), 0, len(w.newer)})
	if !g.settled() {
		w.number(g)
	}
	if w.masked && w.reader.unordered {
		w.bag(g)
	} else {
		w.gap(g, (*walk).singles, (*walk).occurrences, (*walk).kin)
	}
	return a.edits
}

// trim cuts equal ends off a gap.
func (w *walk) trim(g gap) gap {
	for g.i < g.iEnd && g.j < g.jEnd && w.same(&w.older[g.i], &w.newer[g.j]) {
		g.i++
		g.j++
	}
	for g.i < g.iEnd && g.j < g.jEnd && w.same(&w.older[g.iEnd-1], &w.newer[g.jEnd-1]) {
		g.iEnd--
		g.jEnd--
	}
	return g
}

// number numbers the elements of a gap.
func (w *walk) number(g gap) {
	a := &w.aligner
	w.table.reset(g.iEnd - g.i + g.jEnd - g.j)
	a.offset = g.i // as equal ends are cut off, both lists begin there
	a.olderID, a.newerID = a.olderID[:0], a.newerID[:0]
	for i := g.i; i < g.iEnd; i++ {
		id, _ := w.table.add(w.digest(&w.older[i]))
		a.olderID = append(a.olderID, id)
	}
	for j := g.j; j < g.jEnd; j++ {
		id, _ := w.table.add(w.digest(&w.newer[j]))
		a.newerID = append(a.newerID, id)
	}
	size := int(w.table.count)
	a.olderCount, a.newerCount = zeros(a.olderCount, size), zeros(a.newerCount, size)
	for _, id := range a.olderID {
		a.olderCount[id]++
	}
	for _, id := range a.newerID {
		a.newerCount[id]++
	}
	a.counts = zeros(a.counts, size)
}

// zeros returns a slice of n zero values, in the memory of an old one if it fits.
func zeros[T any](old []T, n int) []T {
	old = slices.Grow(old[:0], n)[:n]
	clear(old)
	return old
}

func (a *aligner) older(i int) int32 { return a.olderID[i-a.offset] }
func (a *aligner) newer(j int) int32 { return a.newerID[j-a.offset] }

// moved says whether an older element still occurs somewhere in the newer list,
// and arrived whether a newer one did occur in the older list.
func (a *aligner) moved(i int) bool   { return a.newerCount[a.older(i)] > 0 }
func (a *aligner) arrived(j int) bool { return a.olderCount[a.newer(j)] > 0 }

// way finds anchors in a gap, in the order of newer.
type way func(*walk, gap) []anchor

// gap aligns a part, dividing it by the first of the ways while it is large.
func (w *walk) gap(g gap, ways ...way) {
	g = w.trim(g)
	switch m, n := g.size(); {
	case g.settled():
		w.inOrder(g)
	case m <= smallGap && n <= smallGap:
		w.small(g)
	case len(ways) == 0:
		w.inOrder(g)
	default:
		w.divide(g, ways[0], ways[1:])
	}
}

// divide aligns what lies between anchors, each part by the remaining ways.
func (w *walk) divide(g gap, find way, ways []way) {
	for _, n := range slices.Clone(w.aligner.increasing(find(w, g))) {
		w.gap(gap{g.i, int(n.i), g.j, int(n.j)}, ways...)
		w.pair(int(n.i), int(n.j))
		g.i, g.j = int(n.i)+1, int(n.j)+1
	}
	w.gap(g, ways...)
}

// become records that an element became another one, unless they are equal.
func (w *walk) become(i, j int) {
	x, y := &w.older[i], &w.newer[j]
	if !w.same(x, y) {
		w.aligner.edits = append(w.aligner.edits, edit{
			kind: change, before: int32(i), after: int32(j), at: int32(y.index), told: int32(y.index),
		})
	}
}

// pair is become where elements were numbered: one that is still there elsewhere
// did not become anything, but was replaced.
func (w *walk) pair(i, j int) {
	a := &w.aligner
	count := len(a.edits)
	w.become(i, j)
	if len(a.edits) > count && len(a.olderID) > 0 && (a.moved(i) || a.arrived(j)) {
		a.edits[count].kind = replacement
	}
}

// remove records that an element is gone from before place j of newer.
func (w *walk) remove(i, j int) {
	w.aligner.edits = append(w.aligner.edits, edit{
		kind: removal, before: int32(i), after: -1, at: int32(j), told: int32(w.older[i].index),
	})
}

// insert records that an element is new.
func (w *walk) insert(j int) {
	index := int32(w.newer[j].index)
	w.aligner.edits = append(w.aligner.edits, edit{kind: addition, before: -1, after: int32(j), at: index, told: index})
}

// inOrder pairs elements as they come; those left over are gone or new.
func (w *walk) inOrder(g gap) {
	for ; g.i < g.iEnd && g.j < g.jEnd; g.i, g.j = g.i+1, g.j+1 {
		w.pair(g.i, g.j)
	}
	for ; g.i < g.iEnd; g.i++ {
		w.remove(g.i, g.j)
	}
	for ; g.j < g.jEnd; g.j++ {
		w.insert(g.j)
	}
}

// singles finds the elements that occur once in each list.
func (w *walk) singles(g gap) []anchor {
	a := &w.aligner
	for i := g.i; i < g.iEnd; i++ {
		c := &a.counts[a.older(i)]
		c.older, c.i = c.older+1, int32(i)
	}
	for j := g.j; j < g.jEnd; j++ {
		a.counts[a.newer(j)].newer++
	}
	a.anchors = a.anchors[:0]
	for j := g.j; j < g.jEnd; j++ {
		if c := a.counts[a.newer(j)]; c.older == 1 && c.newer == 1 {
			a.anchors = append(a.anchors, anchor{c.i, int32(j)})
		}
	}
	a.forget(g)
	return a.anchors
}

// forget sets the counts of a gap back to zero.
func (a *aligner) forget(g gap) {
	for i := g.i; i < g.iEnd; i++ {
		a.counts[a.older(i)] = occurrence{}
	}
	for j := g.j; j < g.jEnd; j++ {
		a.counts[a.newer(j)] = occurrence{}
	}
}

// occurrences pairs the first occurrence of an element with the first in the
// other list, the second with the second, and so on.
func (w *walk) occurrences(g gap) []anchor {
	a := &w.aligner
	// Chains of the places of each element: counts.i is the first one, and
	// previous leads on. Both count from 1.
	a.previous = zeros(a.previous, g.iEnd-g.i)
	for i := g.iEnd - 1; i >= g.i; i-- {
		c := &a.counts[a.older(i)]
		a.previous[i-g.i] = c.i
		c.i = int32(i-g.i) + 1
	}
	a.anchors = a.anchors[:0]
	for j := g.j; j < g.jEnd; j++ {
		c := &a.counts[a.newer(j)]
		if c.i > 0 {
			at := c.i - 1
			a.anchors = append(a.anchors, anchor{at + int32(g.i), int32(j)})
			c.i = a.previous[at]
		}
	}
	a.forget(g)
	return a.anchors
}

// increasing returns the longest part of the anchors, given in the order of
// newer, that is in the order of older too. It overwrites the anchors.
func (a *aligner) increasing(anchors []anchor) []anchor {
	a.ends = a.ends[:0] // ends[k] is the anchor that best ends a run of k+1
	a.previous = zeros(a.previous, len(anchors))
	for n := range anchors {
		k := len(a.ends)
		if k > 0 && anchors[a.ends[k-1]].i >= anchors[n].i {
			k = sort.Search(len(a.ends), func(k int) bool { return anchors[a.ends[k]].i >= anchors[n].i })
		}
		a.previous[n] = -1
		if k > 0 {
			a.previous[n] = a.ends[k-1]
		}
		if k == len(a.ends) {
			a.ends = append(a.ends, int32(n))
		} else {
			a.ends[k] = int32(n)
		}
	}
	if len(a.ends) == 0 {
		return nil
	}
	run := len(a.ends)
	for n := a.ends[run-1]; n >= 0; n = a.previous[n] {
		run--
		a.ends[run] = n
	}
	for k, n := range a.ends {
		anchors[k] = anchors[n]
	}
	return anchors[:len(a.ends)]
}
