package diff

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// twin is a document that was read by the same rules. Where a container is
// written as it is in the twin, it is not read again: of two answers to one
// question mostly all is the same.
type twin struct {
	doc *document
	// runs are what was found to be alike, for each of the candidates that reuse
	// tries: otherwise each level of a deep document would measure it again.
	runs [3]run
}

// run says that the bytes from from to to are those of the twin shift bytes on,
// and that the byte at to is not.
type run struct{ shift, from, to int }

// twins are the containers in a twin that the next container of a frame may be
// like: the one in the same place, or, after something was added, the one that
// was expected before that. There are none from end on.
type twins struct{ same, waiting, end uint32 }

func (t *twin) root() twins {
	if t.doc == nil || t.doc.root.scalar {
		return twins{}
	}
	return twins{end: 1}
}

// inner are the twins of what a container holds that itself has none.
func (t *twins) inner(twin *twin) twins {
	if t.same >= t.end {
		return twins{}
	}
	in := twins{same: t.same + 1, waiting: t.same + 1, end: twin.doc.tape[t.same].next}
	t.same = twin.doc.tape[t.same].next
	return in
}

// reuse finds the container at a position in the twin. It returns nil where the
// twin has none that is the same.
func (r *reader) reuse(f *frame, at int) (end int, c *container) {
	t := &f.twins
	if t.same >= t.end {
		if t.waiting >= t.end {
			return 0, nil
		}
		t.same = t.waiting // Look at the last ones again, rather than at none.
	}
	tape := r.twin.doc.tape
	candidate := t.same
	if !r.like(0, f, &tape[candidate], at) {
		if candidate = t.waiting; candidate == t.same || !r.like(1, f, &tape[candidate], at) {
			// Something may have been removed.
			if candidate = tape[t.same].next; candidate >= t.end || !r.like(2, f, &tape[candidate], at) {
				return 0, nil
			}
		}
	}
	c = &tape[candidate]
	t.same, t.waiting = c.next, c.next
	end = at + int(c.end-c.start)
	r.closed = uint32(len(r.tape))
	r.tape = append(r.tape, container{
		hash: c.hash, seen: c.seen, start: uint32(at), end: uint32(end),
		next: r.closed + 1, count: c.count, rule: c.rule, twin: candidate + 1,
	})
	return end, c
}

// like says whether a container of the twin is written as what stands at a
// position, and stands under the same rules.
func (r *reader) like(candidate int, f *frame, c *container, at int) bool {
	n := int(c.end - c.start)
	if c.rule != f.child || at+n > len(r.raw) {
		return false
	}
	t := &r.twin.runs[candidate]
	shift := int(c.start) - at
	if t.shift != shift || at < t.from || at > t.to {
		t.shift, t.from = shift, at
		t.to = at + sameLength(r.raw[at:], r.twin.doc.raw[c.start:])
	}
	return at+n <= t.to
}

// sameLength is how many bytes two texts have in common at their beginning.
func sameLength(x, y []byte) int {
	const block = 1024 // that long the library is faster
	n := min(len(x), len(y))
	x, y = x[:n], y[:n]
	i := 0
	for i+block <= n && bytes.Equal(x[i:i+block], y[i:i+block]) {
		i += block
	}
	for ; i+8 <= n; i += 8 {
		if d := binary.LittleEndian.Uint64(x[i:]) ^ binary.LittleEndian.Uint64(y[i:]); d != 0 {
			return i + bits.TrailingZeros64(d)/8
		}
	}
	for ; i < n && x[i] == y[i]; i++ {
	}
	return i
}
