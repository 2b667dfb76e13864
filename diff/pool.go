package diff

import "sync"

// comparisons is memory for the next comparisons.
var comparisons = sync.Pool{New: func() any { return new(comparison) }}

func begin(r *Rules) *comparison {
	c := comparisons.Get().(*comparison)
	c.Rules = r
	return c
}

// end gives the memory of a comparison back, and lets go of what was compared.
// Memory out of proportion to that is let go of too: what one large answer took
// is not kept by many small ones after it. size is how many bytes were compared
// at a time.
func (c *comparison) end(size int) {
	const small, share = 1 << 20, 16
	room := c.before.room() + c.after.room() + c.older.room() + c.newer.room() + c.walk.room()
	if room > small+share*size {
		return
	}
	c.Rules = nil
	for _, rd := range []*reader{&c.before, &c.after} {
		rd.scanner, rd.doc, rd.twin = scanner{scratch: rd.scratch}, document{}, twin{}
	}
	for _, f := range []*finds{&c.older, &c.newer} {
		f.Rules, f.raw, f.like, f.copied, f.filterErr = nil, nil, nil, nil, nil
	}
	c.walk.forget()
	comparisons.Put(c)
}

// What follows is about how many bytes there is room for, of what can become
// large: each kind of entry by its size.

func (r *reader) room() int {
	return 48*cap(r.tape) + 96*(cap(r.frames)+cap(r.list)) + 8*cap(r.names) + cap(r.scratch) + r.table.room()
}

func (f *finds) room() int { return 40*cap(f.items) + cap(f.keys) + cap(f.out) + f.index.room() }

func (t *table) room() int { return 16 * cap(t.slots) }

func (w *walk) room() int {
	return 96*cap(w.nodes) + 96*cap(w.findings) + 136*cap(w.levels) + 28*cap(w.edits) + 5*cap(w.matches) +
		cap(w.path) + cap(w.paths) + cap(w.scratch) + w.table.room() + w.aligner.room()
}

func (a *aligner) room() int {
	numbers := cap(a.olderID) + cap(a.newerID) + cap(a.olderCount) + cap(a.newerCount) + cap(a.ends) + cap(a.previous) +
		cap(a.slots.older) + cap(a.slots.newer) + cap(a.slots.tree)
	hashes := cap(a.olderTraits.hashes) + cap(a.newerTraits.hashes) + cap(a.slots.olderKeys) + cap(a.slots.newerKeys)
	return 4*numbers + 8*hashes + 28*cap(a.edits) + 8*cap(a.anchors) + 12*(cap(a.counts)+cap(a.kinship.holders)) + a.kinship.table.room()
}
