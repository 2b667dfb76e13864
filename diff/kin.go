package diff

import "slices"

// kinship is the memory of kin.
type kinship struct {
	table table
	// holders say for each trait which elements have it.
	holders []occurrence
	votes   []int32
	// older and newer are the elements in question.
	older, newer []int32
}

// kin pairs objects that have changed: those that share most of the members
// which no other older and no other newer element has, such as an id.
func (w *walk) kin(g gap) []anchor {
	k := &w.aligner.kinship
	k.older, k.newer = k.older[:0], k.newer[:0]
	for i := g.i; i < g.iEnd; i++ {
		if !w.aligner.moved(i) {
			k.older = append(k.older, int32(i))
		}
	}
	for j := g.j; j < g.jEnd; j++ {
		if !w.aligner.arrived(j) {
			k.newer = append(k.newer, int32(j))
		}
	}
	return w.kinOf(k.older, k.newer)
}

// kinOf pairs some elements of older with some of newer. The anchors are in the
// order of newer; an older element may be in more than one.
func (w *walk) kinOf(older, newer []int32) []anchor {
	a := &w.aligner
	k, x, y := &a.kinship, &a.olderTraits, &a.newerTraits
	x.reset()
	for _, i := range older {
		w.traits(x, &w.older[i], false)
	}
	y.reset()
	for _, j := range newer {
		w.traits(y, &w.newer[j], false)
	}
	k.hold(x, y, older)
	a.anchors = a.anchors[:0]
	for n, j := range newer {
		k.votes = k.votes[:0]
		for _, trait := range y.of(n) {
			if id := k.table.find(trait); id >= 0 && k.holders[id].older == 1 && k.holders[id].newer == 1 {
				k.votes = append(k.votes, k.holders[id].i)
			}
		}
		if len(k.votes) > 0 {
			a.anchors = append(a.anchors, anchor{mode(k.votes), j})
		}
	}
	return a.anchors
}

// hold finds out which elements have which traits.
func (k *kinship) hold(x, y *traits, older []int32) {
	k.table.reset(len(x.hashes))
	k.holders = k.holders[:0]
	for n, i := range older {
		for _, trait := range x.of(n) {
			id, isNew := k.table.add(trait)
			if isNew {
				k.holders = append(k.holders, occurrence{i: i})
			}
			k.holders[id].older++
		}
	}
	for _, trait := range y.hashes {
		if id := k.table.find(trait); id >= 0 {
			k.holders[id].newer++
		}
	}
}

// mode returns the number that occurs most often, and sorts them.
func mode(numbers []int32) int32 {
	slices.Sort(numbers)
	best, most := numbers[0], 0
	for i := 0; i < len(numbers); {
		end := i + 1
		for end < len(numbers) && numbers[end] == numbers[i] {
			end++
		}
		if end-i > most {
			best, most = numbers[i], end-i
		}
		i = end
	}
	return best
}
