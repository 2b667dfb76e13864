package diff

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
)

// walk goes through two documents side by side, down to where they differ.
type walk struct {
	before, after *document
	// masked leaves out what is ignored.
	masked bool

	// path is the pointer to where the walk is.
	path []byte
	// limit is how many more bytes of paths may be kept.
	limit   int
	changed []string
	patched []Operation
}

// digest is the hash that counts in this walk.
func (w *walk) digest(n *node) uint64 {
	if w.masked {
		return n.seen
	}
	return n.hash
}

// skips reports whether a value is left out.
func (w *walk) skips(d *document, i uint32) bool { return w.masked && d.nodes[i].ignored }

// same reports whether a value of before and one of after are equal.
func (w *walk) same(x, y uint32) bool {
	a, b := &w.before.nodes[x], &w.after.nodes[y]
	if a.kind != b.kind || w.digest(a) != w.digest(b) {
		return false
	}
	switch a.kind {
	case array:
		return w.sameArray(x, y)
	case object:
		return w.sameObject(x, y)
	case text:
		return w.sameText(x, y)
	case number:
		p, q := w.before.bytes(x), w.after.bytes(y)
		return bytes.Equal(p, q) ||
			(!a.plain || !b.plain) && bytes.Equal(appendNumber(nil, p), appendNumber(nil, q))
	default:
		return true
	}
}

// sameText compares two strings or two names.
func (w *walk) sameText(x, y uint32) bool {
	return bytes.Equal(w.before.text(x), w.after.text(y))
}

func (w *walk) sameArray(x, y uint32) bool { return w.abreast(x, y, 0, w.same) }

func (w *walk) sameObject(x, y uint32) bool {
	// Most objects keep the order of their members. The names alone are tried
	// first, so that no value is compared twice.
	if w.abreast(x, y, 1, w.sameName) {
		return w.abreast(x, y, 1, func(p, q uint32) bool { return w.same(p+1, q+1) })
	}
	for _, m := range w.members(x, y) {
		if m.before == 0 || m.after == 0 || !w.same(m.before, m.after) {
			return false
		}
	}
	return true
}

// abreast reports whether what counts of two containers is as many on both
// sides and the same, one after the other. The value of a member stands 1 after
// its name, that of an element 0 after itself.
func (w *walk) abreast(x, y, offset uint32, same func(p, q uint32) bool) bool {
	end, yEnd := w.before.nodes[x].next, w.after.nodes[y].next
	p, q := x+1, y+1
	for {
		for p < end && w.skips(w.before, p+offset) {
			p = w.before.nodes[p+offset].next
		}
		for q < yEnd && w.skips(w.after, q+offset) {
			q = w.after.nodes[q+offset].next
		}
		if p == end || q == yEnd {
			return p == end && q == yEnd
		}
		if !same(p, q) {
			return false
		}
		p, q = w.before.nodes[p+offset].next, w.after.nodes[q+offset].next
	}
}

// element is a value in an array.
type element struct {
	node  uint32
	index int
}

// elements lists what counts of an array.
func (w *walk) elements(d *document, i uint32) []element {
	var list []element
	index := 0
	for e := range d.elements(i) {
		if !w.skips(d, e) {
			list = append(list, element{e, index})
		}
		index++
	}
	return list
}

// member is a name with its values in two objects; 0 where there is none, as
// node 0 is never a member.
type member struct {
	name          []byte
	before, after uint32
}

// members pairs what counts of two objects by name: first those that only the
// older one has, in its order, then the others in the order of the newer one.
func (w *walk) members(x, y uint32) []member {
	older := w.names(w.before, x)
	newer := w.names(w.after, y)
	taken := make([]bool, len(older))
	var find func(name uint32) int
	paired := make([]member, 0, len(newer))
	for i, name := range newer {
		m := member{name: w.after.text(name), after: name + 1}
		// Most objects keep their order, so the same place is tried first.
		var at int
		if i < len(older) && w.sameName(older[i], name) {
			at = i
		} else {
			if find == nil {
				find = w.finder(older)
			}
			at = find(name)
		}
		if at >= 0 {
			m.before = older[at] + 1
			taken[at] = true
		}
		paired = append(paired, m)
	}
	var gone []member
	for i, name := range older {
		if !taken[i] {
			gone = append(gone, member{name: w.before.text(name), before: name + 1})
		}
	}
	return append(gone, paired...)
}

// names lists the names that count of an object.
func (w *walk) names(d *document, i uint32) []uint32 {
	var names []uint32
	for name := range d.members(i) {
		if !w.skips(d, name+1) {
			names = append(names, name)
		}
	}
	return names
}

func (w *walk) sameName(x, y uint32) bool {
	return w.before.nodes[x].hash == w.after.nodes[y].hash && w.sameText(x, y)
}

// finder returns a function that finds a name of after among names of before.
// It gives -1 where there is none.
func (w *walk) finder(names []uint32) func(name uint32) int {
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	hash := func(i int) uint64 { return w.before.nodes[names[i]].hash }
	slices.SortFunc(order, func(i, k int) int { return cmp.Compare(hash(i), hash(k)) })
	return func(name uint32) int {
		wanted := w.after.nodes[name].hash
		at, _ := slices.BinarySearchFunc(order, wanted, func(i int, h uint64) int { return cmp.Compare(hash(i), h) })
		for ; at < len(order) && hash(order[at]) == wanted; at++ {
			if w.sameName(names[order[at]], name) {
				return order[at]
			}
		}
		return -1
	}
}

// values walks down two values that stand at the same path.
func (w *walk) values(x, y uint32) {
	if w.limit < 0 || w.same(x, y) {
		return
	}
	a, b := w.before.nodes[x].kind, w.after.nodes[y].kind
	switch {
	case a == object && b == object:
		w.objects(x, y)
	case a == array && b == array:
		w.arrays(x, y)
	default:
		w.tell("replace", y)
	}
}

func (w *walk) objects(x, y uint32) {
	for _, m := range w.members(x, y) {
		up := w.down(m.name)
		switch {
		case m.after == 0:
			w.tell("remove", 0)
		case m.before == 0:
			w.tell("add", m.after)
		default:
			w.values(m.before, m.after)
		}
		w.path = w.path[:up]
	}
}

func (w *walk) arrays(x, y uint32) {
	older, newer := w.elements(w.before, x), w.elements(w.after, y)
	for _, s := range w.align(older, newer) {
		up := w.down(strconv.AppendInt(nil, int64(w.index(s, older, newer)), 10))
		switch s.kind {
		case removal:
			w.tell("remove", 0)
		case addition:
			w.tell("add", newer[s.after].node)
		default:
			w.values(older[s.before].node, newer[s.after].node)
		}
		w.path = w.path[:up]
	}
}

// index says which element the path of an edit names. A patch is applied from
// left to right, and left of where it is all is as in after already. A pointer
// to what is gone can only lead into before.
func (w *walk) index(s edit, older, newer []element) int {
	switch {
	case s.kind != removal:
		return newer[s.after].index
	case w.masked:
		return older[s.before].index
	default:
		return s.after
	}
}

// down appends a step to the path, and returns the length to cut it back to.
func (w *walk) down(step []byte) (up int) {
	up = len(w.path)
	w.path = append(w.path, '/')
	for _, c := range step {
		switch c {
		case '~':
			w.path = append(w.path, '~', '0')
		case '/':
			w.path = append(w.path, '~', '1')
		default:
			w.path = append(w.path, c)
		}
	}
	return up
}
