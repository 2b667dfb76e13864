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

// best aligns a small gap so that the most elements stay, and of the others
// those are paired that have most in common.
func (a *aligner) best(g gap) {
	rows, columns := g.iEnd-g.i, g.jEnd-g.j
	worth := a.worths(g)
	// total[r][c] is the most that older[g.i+r:] and newer[g.j+c:] are worth.
	total := make([][]int, rows+1)
	for r := range total {
		total[r] = make([]int, columns+1)
	}
	for r := rows - 1; r >= 0; r-- {
		for c := columns - 1; c >= 0; c-- {
			total[r][c] = max(worth[r][c]+total[r+1][c+1], total[r+1][c], total[r][c+1])
		}
	}
	r, c := 0, 0
	for r < rows && c < columns {
		switch total[r][c] {
		case worth[r][c] + total[r+1][c+1]:
			a.pair(g.i+r, g.j+c)
			r++
			c++
		case total[r+1][c]:
			a.edits = append(a.edits, edit{removal, g.i + r, g.j + c})
			r++
		default:
			a.edits = append(a.edits, edit{addition, g.i + r, g.j + c})
			c++
		}
	}
	a.inOrder(gap{g.i + r, g.iEnd, g.j + c, g.jEnd})
}

// worths says what each pair of elements in a gap is worth.
func (a *aligner) worths(g gap) [][]int {
	older := make([][]uint64, g.iEnd-g.i)
	for r := range older {
		older[r] = a.traits(a.before, a.older[g.i+r].node)
	}
	newer := make([][]uint64, g.jEnd-g.j)
	for c := range newer {
		newer[c] = a.traits(a.after, a.newer[g.j+c].node)
	}
	worth := make([][]int, len(older))
	for r := range older {
		worth[r] = make([]int, len(newer))
		for c := range newer {
			if a.olderHash(g.i+r) == a.newerHash(g.j+c) {
				worth[r][c] = equalWorth
			} else {
				worth[r][c] = 1 + min(common(older[r], newer[c]), similarWorth-1)
			}
		}
	}
	return worth
}

// traits are the hashes of an object's members, sorted. Other values have none.
func (a *aligner) traits(d *document, i uint32) []uint64 {
	if d.nodes[i].kind != object {
		return nil
	}
	var traits []uint64
	for _, name := range a.names(d, i) {
		traits = append(traits, memberHash(d.nodes[name].hash, a.digest(&d.nodes[name+1])))
	}
	slices.Sort(traits)
	return traits
}

// common counts what two sorted lists have in common.
func common(x, y []uint64) int {
	n := 0
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
