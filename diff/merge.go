package diff

import "fmt"

// MergePatch returns the JSON merge patch (RFC 7396) that turns before into
// after. It names the members that differ and no others; arrays and scalars are
// in it whole, as they are written in after.
//
// In a merge patch null deletes. So there is none, and the error is
// [ErrNoMergePatch], where it would have to set a member to null; a null that
// was there before, or is in an array, is no matter. The other error is
// [ErrInvalidJSON], of before an [ErrBefore] too.
func MergePatch(before, after []byte) ([]byte, error) {
	seeds := newSeeds()
	var first, second reader
	body, offset := withoutBOM(after)
	y, err := second.document(body, offset, &seeds, rules{}, nil)
	if err != nil {
		return nil, err
	}
	body, offset = withoutBOM(before)
	x, err := first.document(body, offset, &seeds, rules{}, y)
	if err != nil {
		return nil, older(err)
	}
	m := merger{walk: walk{reader: &second}}
	if err := m.value(&x.root, &y.root); err != nil {
		return nil, err
	}
	return m.out, nil
}

// merger writes a merge patch. It calls itself for each level of objects, which
// the reader bounds.
type merger struct {
	walk
	out []byte
	// trail are the members that lead to where the merger is.
	trail []pair
	// pairs is a stack of the members that differ, in the objects that are being
	// written.
	pairs []pair
	// objects are the objects that are searched for nulls.
	objects []child
}

// pair is a member before and after; doc is nil where there is none.
type pair struct{ before, after child }

// value writes what turns one value into another. Those that are equal have an
// empty patch if they are objects, else themselves.
func (m *merger) value(x, y *child) error {
	if x.doc == nil || x.kind() != object || y.kind() != object {
		return m.whole(y)
	}
	bottom := len(m.pairs)
	m.differing(x, y)
	m.out = append(m.out, '{')
	for i := bottom; i < len(m.pairs); i++ {
		if i > bottom {
			m.out = append(m.out, ',')
		}
		p := m.pairs[i]
		m.trail = append(m.trail, p)
		if err := m.member(&p); err != nil {
			return err
		}
		m.trail = m.trail[:len(m.trail)-1]
	}
	m.out = append(m.out, '}')
	m.pairs = m.pairs[:bottom]
	return nil
}

// differing puts the members of two objects that differ on the stack: first
// those that only the older one has.
func (m *merger) differing(x, y *child) {
	if m.same(x, y) {
		return
	}
	m.older, m.newer = m.reader.children(x, m.older[:0]), m.reader.children(y, m.newer[:0])
	m.matchNames()
	for i := range m.older {
		if !m.taken[i] {
			m.pairs = append(m.pairs, pair{before: m.older[i]})
		}
	}
	for j, i := range m.matches {
		if i < 0 {
			m.pairs = append(m.pairs, pair{after: m.newer[j]})
		} else if !m.same(&m.older[i], &m.newer[j]) {
			m.pairs = append(m.pairs, pair{m.older[i], m.newer[j]})
		}
	}
}

// named is one side of a pair, for its name.
func (p *pair) named() *child {
	if p.after.doc == nil {
		return &p.before
	}
	return &p.after
}

// pointer is where the merger is.
func (m *merger) pointer() string {
	var path []byte
	for i := range m.trail {
		path = appendPointerStep(path, m.trail[i].named().text())
	}
	return string(path)
}

func (m *merger) member(p *pair) error {
	named := p.named()
	m.out = append(append(m.out, named.doc.raw[named.nameStart:named.nameEnd]...), ':')
	switch {
	case p.after.doc == nil:
		m.out = append(m.out, "null"...)
		return nil
	case p.after.kind() == null:
		return fmt.Errorf("%w: %q is null now", ErrNoMergePatch, shortened(m.pointer()))
	default:
		return m.value(&p.before, &p.after)
	}
}

// whole writes a value that is not merged with another one.
func (m *merger) whole(y *child) error {
	if y.kind() == object && m.hasNull(y) {
		return fmt.Errorf("%w: %q has a null in it now", ErrNoMergePatch, shortened(m.pointer()))
	}
	m.out = append(m.out, y.bytes()...)
	return nil
}

// hasNull reports whether a member is null in an object or in the objects that
// are its members.
func (m *merger) hasNull(y *child) bool {
	m.objects = append(m.objects[:0], *y)
	for len(m.objects) > 0 {
		last := len(m.objects) - 1
		y := m.objects[last]
		m.newer = m.reader.children(&y, m.newer[:0])
		m.objects = m.objects[:last]
		for i := range m.newer {
			switch c := &m.newer[i]; c.kind() {
			case null:
				return true
			case object:
				m.objects = append(m.objects, *c)
			}
		}
	}
	return false
}
