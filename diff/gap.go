package diff

import "slices"

// smallGap is the most elements on either side for which all alignments are
// tried.
const smallGap = 64

// What a pair of elements is worth. No number of similar pairs outweighs an
// equal one, and any pair is better than a removal and an addition.
const (
	equalWorth   = 1 << 20
	similarWorth = 1 << 10 // at most
)

// traits are the hashes of the members of some elements, sorted for each.
type traits struct {
	hashes []uint64
	ends   []int // where those of each element end
}

func (t *traits) of(i int) []uint64 {
	begin := 0
	if i > 0 {
		begin = t.ends[i-1]
	}
	return t.hashes[begin:t.ends[i]]
}

// small aligns a small gap so that the most elements stay, and of the others
// those are paired that have most in common.
func (w *walk) small(g gap) {
	rows, columns := g.size()
	worth := w.weigh(g)
	wide := columns + 1
	// total[r*wide+c] is the most that older[g.i+r:] and newer[g.j+c:] are worth.
	total := zeros(w.aligner.total, (rows+1)*wide)
	w.aligner.total = total
	for r := rows - 1; r >= 0; r-- {
		for c := columns - 1; c >= 0; c-- {
			at := r*wide + c
			total[at] = max(worth[r*columns+c]+total[at+wide+1], total[at+wide], total[at+1])
		}
	}
	r, c := 0, 0
	for r < rows && c < columns {
		at := r*wide + c
		switch total[at] {
		case worth[r*columns+c] + total[at+wide+1]:
			w.pair(g.i+r, g.j+c)
			r++
			c++
		case total[at+wide]:
			w.remove(g.i+r, g.j+c)
			r++
		default:
			w.insert(g.j + c)
			c++
		}
	}
	w.inOrder(gap{g.i + r, g.iEnd, g.j + c, g.jEnd})
}

// weigh says what each pair of elements in a gap is worth, row by row.
func (w *walk) weigh(g gap) []int32 {
	a := &w.aligner
	x, y := &a.olderTraits, &a.newerTraits
	x.reset()
	for i := g.i; i < g.iEnd; i++ {
		w.traits(x, &w.older[i], a.moved(i))
	}
	y.reset()
	for j := g.j; j < g.jEnd; j++ {
		w.traits(y, &w.newer[j], a.arrived(j))
	}
	rows, columns := g.size()
	a.worth = zeros(a.worth, rows*columns)
	for r := range rows {
		older := x.of(r)
		for c := range columns {
			at := r*columns + c
			if a.older(g.i+r) == a.newer(g.j+c) {
				a.worth[at] = equalWorth
			} else {
				a.worth[at] = 1 + min(common(older, y.of(c)), similarWorth-1)
			}
		}
	}
	return a.worth
}

func (t *traits) reset() { t.hashes, t.ends = t.hashes[:0], t.ends[:0] }

// traits adds the traits of an element: the hashes of an object's members.
// Other values have none, nor has what is elsewhere in the other list.
func (w *walk) traits(t *traits, e *child, elsewhere bool) {
	begin := len(t.hashes)
	if !elsewhere && e.kind() == object {
		top := len(w.nodes)
		w.children(e)
		for i := range w.nodes[top:] {
			t.hashes = append(t.hashes, w.trait(&w.nodes[top+i]))
		}
		w.nodes = w.nodes[:top]
		slices.Sort(t.hashes[begin:])
	}
	t.ends = append(t.ends, len(t.hashes))
}

// trait is the hash of a member, the name and the value.
func (w *walk) trait(member *child) uint64 {
	return w.reader.seeds.pair(member.name, w.digest(member))
}

// common counts what two sorted lists have in common.
func common(x, y []uint64) int32 {
	n := int32(0)
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0] < y[0]:
			x = x[1:]
		case x[0] > y[0]:
			y = y[1:]
		default:
			n++
			x, y = x[1:], y[1:]
		}
	}
	return n
}
