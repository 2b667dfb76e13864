package diff

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"iter"
	"slices"
	"sort"
)

// document is a body of JSON that has been read: the bytes, and a flat list of
// the values in them. Values are in document order, each container directly
// before its contents, so that the contents of node i end where node
// nodes[i].next begins. A member is its name's node followed by its value's.
type document struct {
	raw   []byte
	nodes []node
}

// node is one value, or the name of a member.
type node struct {
	// hash is the same for values that are equal, however they are written.
	hash uint64
	// seen is hash, but of what is not ignored.
	seen uint64
	// start and end are where the value stands in the document's bytes.
	start, end uint32
	// next is the node after this one and all that it contains.
	next uint32
	kind kind
	// plain says that a string is written without escapes, or a number in
	// canonical form: its bytes are its meaning.
	plain bool
	// ignored says that the value, in its place, makes no change.
	ignored bool
}

type kind uint8

const (
	null kind = iota
	falsehood
	truth
	number
	text
	array
	object
)

// bom may stand before a JSON text, though it should not.
var bom = []byte("\uFEFF")

// read parses a body. Where an object repeats a name, only the last member of
// that name is in the document, as if the others had not been sent: that is
// how most readers take it, and the path language would take the first.
func read(body []byte, seed maphash.Seed) (*document, error) {
	offset := 0
	if bytes.HasPrefix(body, bom) {
		offset = len(bom)
		body = body[offset:]
	}
	p := parser{raw: body, offset: offset, seed: seed}
	doc, err := p.parse()
	if err != nil || len(p.repeated) == 0 {
		return doc, err
	}
	p = parser{raw: cut(body, p.repeated), seed: seed}
	return p.parse()
}

// span is a part of a document's bytes.
type span struct{ start, end uint32 }

// cut copies raw without the spans, some of which may contain others.
func cut(raw []byte, spans []span) []byte {
	slices.SortFunc(spans, func(x, y span) int { return cmp.Compare(x.start, y.start) })
	kept := make([]byte, 0, len(raw))
	at := uint32(0)
	for _, s := range spans {
		if s.start < at {
			continue // within the last one
		}
		kept = append(kept, raw[at:s.start]...)
		at = s.end
	}
	return append(kept, raw[at:]...)
}

// find returns the node that stands at exactly these bytes.
func (d *document) find(start, end int) (uint32, bool) {
	i := sort.Search(len(d.nodes), func(i int) bool { return int(d.nodes[i].start) >= start })
	if i < len(d.nodes) && int(d.nodes[i].start) == start && int(d.nodes[i].end) == end {
		return uint32(i), true
	}
	return 0, false
}

// bytes returns a value as it is written.
func (d *document) bytes(i uint32) []byte {
	n := &d.nodes[i]
	return d.raw[n.start:n.end:n.end]
}

// text returns what a string or a name means (see appendUnescaped). It may
// share memory with the document.
func (d *document) text(i uint32) []byte {
	n := &d.nodes[i]
	inner := d.raw[n.start+1 : n.end-1]
	if n.plain {
		return inner
	}
	return appendUnescaped(nil, inner)
}

// elements goes through the values of an array.
func (d *document) elements(i uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		end := d.nodes[i].next
		for e := i + 1; e < end; e = d.nodes[e].next {
			if !yield(e) {
				return
			}
		}
	}
}

// members goes through the names of an object; a name's value is the node after it.
func (d *document) members(i uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		end := d.nodes[i].next
		for name := i + 1; name < end; name = d.nodes[name+1].next {
			if !yield(name) {
				return
			}
		}
	}
}

// hide marks what a mask ignores within a value, and takes it out of the seen
// hashes of all that contains it.
func (d *document) hide(i uint32, m mask) {
	if len(m) == 0 {
		return
	}
	switch n := &d.nodes[i]; n.kind {
	case array:
		sum := newArrayHash()
		index := 0
		for e := range d.elements(i) {
			next, ignored := m.element(index)
			d.nodes[e].ignored = ignored
			if !ignored {
				d.hide(e, next)
				sum.add(d.nodes[e].seen)
			}
			index++
		}
		n.seen = sum.sum()
	case object:
		sum := newObjectHash()
		for name := range d.members(i) {
			next, ignored := m.member(d.text(name))
			d.nodes[name+1].ignored = ignored
			if !ignored {
				d.hide(name+1, next)
				sum.add(d.nodes[name].hash, d.nodes[name+1].seen)
			}
		}
		n.seen = sum.sum()
	}
}
