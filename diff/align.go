package diff

import (
	"slices"
	"sort"
)

// edit is one step from an older array to a newer one.
type edit struct {
	kind editKind
	// before and after are places in the two lists that were aligned. An
	// addition stands at its place in after; a removal stands before that
	// place in after where it would be.
	before, after int
}

type editKind uint8

const (
	change editKind = iota
	addition
	removal
)

// align returns the steps from one list of elements to another, left to right.
//
// Equal ends are cut off first. What remains is divided at elements that
// occur once on either side, then at others in the order of their occurrence,
// and only small gaps are aligned by trying all ways. So the work is
// n log n, and the memory n, at most, with the best result for the edits that
// lists see in practice.
func (w *walk) align(older, newer []element) []edit {
	a := aligner{walk: w, older: older, newer: newer}
	a.gap(gap{0, len(older), 0, len(newer)}, a.singles, a.occurrences)
	return a.edits
}

type aligner struct {
	*walk
	older, newer []element
	edits        []edit
}

// gap is a part of each list: older[i:iEnd] and newer[j:jEnd].
type gap struct{ i, iEnd, j, jEnd int }

// anchor is an element of each list that are equal, as far as hashes tell.
type anchor struct{ i, j int }

// gap aligns a part, dividing it by the first of the ways while it is large.
func (a *aligner) gap(g gap, ways ...func(gap) []anchor) {
	for g.i < g.iEnd && g.j < g.jEnd && a.same(a.older[g.i].node, a.newer[g.j].node) {
		g.i++
		g.j++
	}
	for g.i < g.iEnd && g.j < g.jEnd && a.same(a.older[g.iEnd-1].node, a.newer[g.jEnd-1].node) {
		g.iEnd--
		g.jEnd--
	}
	switch m, n := g.iEnd-g.i, g.jEnd-g.j; {
	case m == 0 || n == 0 || m == 1 && n == 1:
		a.inOrder(g)
	case m <= smallGap && n <= smallGap:
		a.best(g)
	case len(ways) == 0:
		a.inOrder(g)
	default:
		a.divide(g, ways[0], ways[1:])
	}
}

// divide aligns what lies between anchors, each part by the remaining ways.
func (a *aligner) divide(g gap, way func(gap) []anchor, ways []func(gap) []anchor) {
	for _, n := range increasing(way(g)) {
		a.gap(gap{g.i, n.i, g.j, n.j}, ways...)
		a.pair(n.i, n.j)
		g.i, g.j = n.i+1, n.j+1
	}
	a.gap(g, ways...)
}

// pair records that an element became another one, unless they are equal.
func (a *aligner) pair(i, j int) {
	if !a.same(a.older[i].node, a.newer[j].node) {
		a.edits = append(a.edits, edit{change, i, j})
	}
}

// inOrder pairs elements as they come; those left over are gone or new.
func (a *aligner) inOrder(g gap) {
	for ; g.i < g.iEnd && g.j < g.jEnd; g.i, g.j = g.i+1, g.j+1 {
		a.pair(g.i, g.j)
	}
	for ; g.i < g.iEnd; g.i++ {
		a.edits = append(a.edits, edit{removal, g.i, g.j})
	}
	for ; g.j < g.jEnd; g.j++ {
		a.edits = append(a.edits, edit{addition, g.i, g.j})
	}
}

func (a *aligner) olderHash(i int) uint64 { return a.digest(&a.before.nodes[a.older[i].node]) }
func (a *aligner) newerHash(j int) uint64 { return a.digest(&a.after.nodes[a.newer[j].node]) }

// singles finds the elements that occur once in each list, in the order of newer.
func (a *aligner) singles(g gap) []anchor {
	type count struct{ older, newer, i int }
	counts := make(map[uint64]count)
	for i := g.i; i < g.iEnd; i++ {
		c := counts[a.olderHash(i)]
		c.older, c.i = c.older+1, i
		counts[a.olderHash(i)] = c
	}
	for j := g.j; j < g.jEnd; j++ {
		c := counts[a.newerHash(j)]
		c.newer++
		counts[a.newerHash(j)] = c
	}
	var found []anchor
	for j := g.j; j < g.jEnd; j++ {
		if c := counts[a.newerHash(j)]; c.older == 1 && c.newer == 1 {
			found = append(found, anchor{c.i, j})
		}
	}
	return found
}

// occurrences pairs the first occurrence of an element with the first in the
// other list, the second with the second, and so on, in the order of newer.
func (a *aligner) occurrences(g gap) []anchor {
	places := make(map[uint64][]int)
	for i := g.i; i < g.iEnd; i++ {
		h := a.olderHash(i)
		places[h] = append(places[h], i)
	}
	var found []anchor
	for j := g.j; j < g.jEnd; j++ {
		h := a.newerHash(j)
		if left := places[h]; len(left) > 0 {
			found = append(found, anchor{left[0], j})
			places[h] = left[1:]
		}
	}
	return found
}

// increasing returns the longest part of the anchors, given in the order of
// newer, that is in the order of older too.
func increasing(anchors []anchor) []anchor {
	var ends []int // ends[k] is the anchor that best ends a run of k+1
	previous := make([]int, len(anchors))
	for n := range anchors {
		k := sort.Search(len(ends), func(k int) bool { return anchors[ends[k]].i >= anchors[n].i })
		previous[n] = -1
		if k > 0 {
			previous[n] = ends[k-1]
		}
		if k == len(ends) {
			ends = append(ends, n)
		} else {
			ends[k] = n
		}
	}
	if len(ends) == 0 {
		return nil
	}
	run := make([]anchor, 0, len(ends))
	for n := ends[len(ends)-1]; n >= 0; n = previous[n] {
		run = append(run, anchors[n])
	}
	slices.Reverse(run)
	return run
}
