package diff

import "sync"

// comparisons is memory for the next comparisons.
var comparisons = sync.Pool{New: func() any { return new(comparison) }}

func begin(r *Rules) *comparison {
	c := comparisons.Get().(*comparison)
	c.Rules = r
	return c
}

// maxKept is how many entries, of about 64 bytes each, a comparison may have
// room for to be kept for the next one.
const maxKept = 1 << 17

// end gives the memory of a comparison back, unless it is out of proportion, and
// lets go of what was compared.
func (c *comparison) end() {
	if c.before.room()+c.after.room()+c.older.room()+c.newer.room()+c.walk.room() > maxKept {
		return
	}
	c.Rules = nil
	for _, rd := range []*reader{&c.before, &c.after} {
		rd.scanner, rd.doc, rd.twin = scanner{scratch: rd.scratch}, document{}, twin{}
	}
	for _, f := range []*finds{&c.older, &c.newer} {
		f.Rules, f.raw, f.like, f.copied = nil, nil, nil, nil
	}
	clear(c.walk.findings[:cap(c.walk.findings)])
	comparisons.Put(c)
}

// room is about how many entries there is memory for.
func (r *reader) room() int {
	return cap(r.tape) + cap(r.frames) + cap(r.top) + cap(r.list) + r.table.room() + (cap(r.names)+cap(r.scratch)/8)/8
}

func (f *finds) room() int { return cap(f.items) + cap(f.keys)/64 + f.index.room() }

func (w *walk) room() int {
	a := &w.aligner
	numbers := cap(w.matches) + cap(a.olderID) + cap(a.newerID) + cap(a.olderCount) + cap(a.newerCount) + cap(a.ends) + cap(a.previous) +
		cap(a.slots.older) + cap(a.slots.newer) + cap(a.slots.tree) + 2*(cap(a.olderTraits.hashes)+cap(a.newerTraits.hashes))
	return 2*cap(w.nodes) + 2*cap(w.findings) + 2*cap(w.levels) + cap(w.edits) + cap(a.edits) + w.table.room() +
		a.kinship.table.room() + (cap(w.path)+cap(w.paths)+cap(w.scratch))/64 + numbers/16 + (cap(a.counts)+cap(a.kinship.holders))/5 + cap(a.anchors)/8
}

func (t *table) room() int { return cap(t.slots) / 4 }
