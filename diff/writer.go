package diff

import "math"

// writer writes the values of a tree. It needs no recursion, as moves can nest
// them deeper than any text that was read.
type writer struct {
	out   []byte
	stack []visit
	// unsure says that what was written may be nested too deep to be read again,
	// or be too large.
	unsure bool
}

// visit is a container that is being written, up to a place.
type visit struct {
	*node
	chunk, place int
	begun        bool
}

func (w *writer) write(n *node) {
	w.value(n)
	for len(w.stack) > 0 {
		v := &w.stack[len(w.stack)-1]
		name, next := v.next()
		if next == nil {
			w.out = append(w.out, v.brackets()[1])
			w.stack = w.stack[:len(w.stack)-1]
			continue
		}
		if v.begun {
			w.out = append(w.out, ',')
		}
		v.begun = true
		if name != nil {
			w.out = append(append(w.out, name...), ':')
		}
		w.value(next)
	}
	w.unsure = w.unsure || uint64(len(w.out)) > math.MaxUint32
}

// value writes a value that is text, or begins one that is not.
func (w *writer) value(n *node) {
	if n.text == nil {
		w.stack = append(w.stack, visit{node: n})
		w.out = append(w.out, n.brackets()[0])
		w.unsure = w.unsure || len(w.stack) > maxDepth
		return
	}
	raw := n.text.bytes()
	w.out = append(w.out, raw...)
	// A text is nested at most half as deep as it is long.
	w.unsure = w.unsure || len(w.stack)+len(raw)/2 > maxDepth
}

func (n *node) brackets() string {
	if n.members != nil {
		return "{}"
	}
	return "[]"
}

// next returns the next member, with its name, or element; nil after the last.
func (v *visit) next() (name []byte, next *node) {
	if v.members != nil {
		for v.place < len(v.members.list) {
			m := &v.members.list[v.place]
			v.place++
			if !m.node.gone() {
				return m.quoted, &m.node
			}
		}
		return nil, nil
	}
	for v.chunk < len(v.elements.chunks) {
		if c := v.elements.chunks[v.chunk]; v.place < len(c) {
			v.place++
			return nil, &c[v.place-1]
		}
		v.chunk, v.place = v.chunk+1, 0
	}
	return nil, nil
}
