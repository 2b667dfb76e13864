package diff

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
)

// document is a JSON text that has been read: the bytes, and a tape of the
// containers in them. The scalars are not on the tape; where they matter they
// are read again.
type document struct {
	raw  []byte
	tape []container
	// root is the whole value.
	root child
	// twin, if any, is where containers may have their contents.
	twin *document
	// top are the first values in the outermost container.
	top []child
}

// container is an object or an array. On the tape each stands directly before
// its contents.
type container struct {
	// hash is the same for containers that are equal, however they are written;
	// seen is hash under the rules of a comparison.
	hash, seen uint64
	// start and end are where it stands in the bytes.
	start, end uint32
	// next is the place on the tape after it and all that it contains.
	next uint32
	// count is how many members or elements it has.
	count uint32
	// rule is the machine's state at it.
	rule uint32
	// twin is 1 more than the place on the twin's tape of a container that is
	// written alike. The contents are only there. It is 0 where there is none.
	twin uint32
}

// child is a value in a container, or the root.
type child struct {
	doc        *document
	hash, seen uint64
	// name is the hash of a member's name; the name itself stands, with its
	// quotes, from nameStart to nameEnd.
	name               uint64
	nameStart, nameEnd uint32
	// start and end are where the value stands in the bytes.
	start, end uint32
	// index counts the children of a container.
	index uint32
	// rule is the machine's state at the value.
	rule uint32
	// at is the place of a container on the tape; scalar says that it is none.
	at     uint32
	scalar bool
}

// bom may stand before a JSON text, though it should not.
var bom = []byte("\uFEFF")

// kind is the kind of a value.
func (c *child) kind() kind { return kindOf(c.doc.raw[c.start]) }

// bytes returns a value as it is written.
func (c *child) bytes() []byte { return c.doc.raw[c.start:c.end:c.end] }

// quoted returns a member's name as it is written, without the quotes.
func (c *child) quoted() []byte { return c.doc.raw[c.nameStart+1 : c.nameEnd-1] }

// text is what a member's name means (see appendUnescaped).
func (c *child) text() []byte {
	quoted := c.quoted()
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted
	}
	return appendUnescaped(nil, quoted)
}

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

func kindOf(first byte) kind {
	switch first {
	case 'n':
		return null
	case 't', 'f':
		return boolean
	case '"':
		return text
	case '[':
		return array
	case '{':
		return object
	default:
		return number
	}
}

// String names a kind in error messages.
func (k kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// children appends the members or elements of a container, in order. The
// reader must be one for the document's rules; what it reads is changed.
func (r *reader) children(parent *child, list []child) []child {
	d, place := parent.doc, parent.at
	c := &d.tape[place]
	if c.twin > 0 {
		d, place = d.twin, c.twin-1
		c = &d.tape[place]
	}
	if place == 0 && len(d.top) == int(c.count) {
		return append(list, d.top...)
	}
	r.raw = d.raw
	list = slices.Grow(list, int(c.count))
	isObject := d.raw[c.start] == '{'
	at, inner := int(c.start)+1, place+1
	for index := range c.count {
		at = r.after(at)
		e := child{doc: d, index: index, at: inner}
		if isObject {
			e.nameStart = uint32(at)
			at, e.name = r.text(at)
			e.nameEnd = uint32(at)
			at = r.after(r.after(at) + 1) // the colon
			e.rule = r.machine.member(c.rule, e.name)
		} else {
			e.rule = r.machine.elementAt(c.rule, index)
		}
		at = r.child(at, &e)
		if !e.scalar {
			inner = d.tape[inner].next
		}
		list = append(list, e)
		at = r.after(at) + 1 // the comma or the end
	}
	return list
}

// child reads the value at a position, which is that of e.at where it is a
// container.
func (r *reader) child(at int, e *child) (end int) {
	e.start = uint32(at)
	if first := r.raw[at]; first == '{' || first == '[' {
		c := &e.doc.tape[e.at]
		e.hash, e.seen, e.end = c.hash, c.seen, c.end
		return int(c.end)
	}
	e.scalar = true
	end, e.hash = r.scalar(at)
	e.seen = r.seenScalar(at, end, e.hash)
	e.end = uint32(end)
	return end
}

// lookUp follows the steps of a path, all of them names, from a value.
func (r *reader) lookUp(at child, path []step) (found child, ok bool) {
	for _, s := range path {
		if at.scalar {
			return at, false
		}
		name := r.seeds.bytes(r.seeds.text, []byte(s.name))
		index, err := strconv.ParseUint(s.name, 10, 32)
		isArray := at.kind() == array
		if isArray && err != nil {
			return at, false
		}
		r.list = r.children(&at, r.list[:0])
		i := slices.IndexFunc(r.list, func(c child) bool {
			return isArray && uint64(c.index) == index || !isArray && c.name == name
		})
		if i < 0 {
			return at, false
		}
		at = r.list[i]
	}
	return at, true
}

// span is a part of a document's bytes.
type span struct{ start, end uint32 }

// withoutRepeated returns the bytes without the members that a later one of the
// same name replaces, as if they had not been sent: that is how most readers
// take it, and the path language would take the first.
func (r *reader) withoutRepeated(d *document) []byte {
	var spans []span
	var members []child
	for at := range d.tape {
		if d.raw[d.tape[at].start] != '{' {
			continue
		}
		members = r.children(&child{doc: d, at: uint32(at)}, members[:0])
		starts := make([]uint32, len(members)+1)
		for i := range members {
			starts[i] = members[i].nameStart
		}
		slices.SortStableFunc(members, func(x, y child) int { return cmp.Compare(x.name, y.name) })
		for i := 1; i < len(members); i++ {
			if x, y := &members[i-1], &members[i]; x.name == y.name {
				// A member of the same name comes later, so one follows directly.
				spans = append(spans, span{x.nameStart, starts[x.index+1]})
			}
		}
	}
	return cut(d.raw, spans)
}

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

// withoutBOM cuts a byte order mark off, and says how long it was.
func withoutBOM(body []byte) ([]byte, int) {
	rest := bytes.TrimPrefix(body, bom)
	return rest, len(body) - len(rest)
}
