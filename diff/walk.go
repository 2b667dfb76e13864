package diff

import (
	"slices"
	"strconv"
)

// walk goes through two documents side by side, down to where they differ. It
// needs no recursion, and is there to be used again.
type walk struct {
	reader *reader
	// masked takes values by what is seen of them under the rules, and leaves
	// out what is ignored.
	masked bool

	levels []level
	// nodes and edits are stacks of what the levels have.
	nodes []child
	edits []edit
	// path is the pointer to where the walk is.
	path, scratch []byte
	// limit is how many more bytes of paths may be kept.
	limit    int
	paths    []byte
	findings []finding

	// older and newer are the children of the two containers that are compared.
	older, newer []child
	matches      []int32
	taken        []bool
	table        table
	aligner      aligner
}

// level is a pair of containers that the walk is in.
type level struct {
	older, newer []child
	edits        []edit
	// next is the edit that comes next.
	next int
	// up is the length of the path to the containers.
	up       int
	isObject bool
	// nodes and edits of the levels above end here.
	nodesEnd, editsEnd int
}

// finding is a difference. Its paths are in walk.paths.
type finding struct {
	kind editKind
	// at and from are for a patch, which is applied step by step; told and
	// toldFrom lead into the values that were compared.
	at, from, told, toldFrom span
	before, after            []byte
}

// digest is the hash that counts in this walk.
func (w *walk) digest(c *child) uint64 {
	if w.masked {
		return c.seen
	}
	return c.hash
}

// same reports whether two values are equal.
func (w *walk) same(x, y *child) bool { return w.digest(x) == w.digest(y) }

// children puts what counts of a container on the stack of nodes.
func (w *walk) children(parent *child) {
	begin := len(w.nodes)
	w.nodes = w.reader.children(parent, w.nodes)
	if m := w.reader.machine; w.masked && m != nil && parent.rule != 0 {
		kept := slices.DeleteFunc(w.nodes[begin:], func(c child) bool { return m.states[c.rule].ignored })
		w.nodes = w.nodes[:begin+len(kept)]
	}
}

// forget lets go of the values that were found.
func (w *walk) forget() {
	clear(w.findings)
	w.findings = w.findings[:0]
}

// run finds all differences of two values, in document order. It reports
// whether their paths kept to the limit.
func (w *walk) run(x, y *child, limit int) bool {
	w.forget()
	w.limit, w.path, w.paths = limit, w.path[:0], w.paths[:0]
	w.levels, w.nodes, w.edits = w.levels[:0], w.nodes[:0], w.edits[:0]
	w.change(x, y)
	for len(w.levels) > 0 && w.limit >= 0 {
		l := &w.levels[len(w.levels)-1]
		if l.next == len(l.edits) {
			w.nodes, w.edits = w.nodes[:l.nodesEnd], w.edits[:l.editsEnd]
			w.levels = w.levels[:len(w.levels)-1]
			continue
		}
		e := &l.edits[l.next]
		l.next++
		w.path = w.path[:l.up]
		if e.kind == change {
			w.path = w.step(w.path, l, e, e.at)
			w.change(&l.older[e.before], &l.newer[e.after])
		} else {
			w.find(l, e)
		}
	}
	return w.limit >= 0
}

// change goes on within two values at the path, or finds that one has replaced
// the other.
func (w *walk) change(x, y *child) {
	if w.same(x, y) {
		return
	}
	kind := y.kind()
	if x.kind() != kind || kind != object && kind != array {
		at := w.keep(w.path)
		w.findings = append(w.findings, finding{kind: replacement, at: at, told: at, before: x.bytes(), after: y.bytes()})
		return
	}
	w.descend(x, y)
}

// descend compares the children of two containers.
func (w *walk) descend(x, y *child) {
	rule := y.rule
	l := level{up: len(w.path), isObject: y.kind() == object, nodesEnd: len(w.nodes), editsEnd: len(w.edits)}
	w.children(x)
	middle := len(w.nodes)
	w.children(y)
	// The stack may move when it grows, but what a level has stays where it is.
	w.older, w.newer = w.nodes[l.nodesEnd:middle:middle], w.nodes[middle:len(w.nodes):len(w.nodes)]
	l.older, l.newer = w.older, w.newer
	if l.isObject {
		w.members()
	} else {
		w.edits = append(w.edits, w.align(rule)...)
	}
	l.edits = w.edits[l.editsEnd:len(w.edits):len(w.edits)]
	w.levels = append(w.levels, l)
}

// members finds the members that differ: first those that only the older object
// has, in its order, then the others in the order of the newer.
func (w *walk) members() {
	w.matchNames()
	for i := range w.older {
		if !w.taken[i] {
			w.edits = append(w.edits, edit{kind: removal, before: int32(i), after: none})
		}
	}
	for j, i := range w.matches {
		switch {
		case i < 0:
			w.edits = append(w.edits, edit{kind: addition, before: none, after: int32(j)})
		case !w.same(&w.older[i], &w.newer[j]):
			w.edits = append(w.edits, edit{kind: change, before: i, after: int32(j)})
		}
	}
}

// matchNames pairs the members of two objects: matches gives the older one for
// each of the newer, -1 where there is none, and taken those that were paired.
func (w *walk) matchNames() {
	w.matches = w.matches[:0]
	w.taken = append(w.taken[:0], make([]bool, len(w.older))...)
	indexed := false
	// Most objects keep the order of their members, so the next one is tried first.
	next := 0
	for j := range w.newer {
		name, i := w.newer[j].name, next
		if i >= len(w.older) || w.older[i].name != name {
			if !indexed {
				indexed = true
				w.table.reset(len(w.older))
				for i := range w.older {
					w.table.add(w.older[i].name)
				}
			}
			i = int(w.table.find(name))
		}
		w.matches = append(w.matches, int32(i))
		if i >= 0 {
			w.taken[i] = true
			next = i + 1
		}
	}
}

// find keeps the difference that an edit makes.
func (w *walk) find(l *level, e *edit) {
	f := finding{kind: e.kind}
	if e.before >= 0 {
		f.before = l.older[e.before].bytes()
	}
	if e.after >= 0 {
		f.after = l.newer[e.after].bytes()
	}
	path := func(index int32) span {
		w.path = w.step(w.path[:l.up], l, e, index)
		return w.keep(w.path)
	}
	f.at = path(e.at)
	f.told = f.at
	if e.told != e.at {
		f.told = path(e.told)
	}
	if e.kind == move {
		f.from, f.toldFrom = path(e.from), path(e.toldFrom)
	}
	w.findings = append(w.findings, f)
}

// keep writes a path down.
func (w *walk) keep(path []byte) span {
	from := len(w.paths)
	w.paths = append(w.paths, path...)
	w.limit -= len(path)
	return span{uint32(from), uint32(len(w.paths))}
}

// step appends to a path the step from a container to what an edit is about: an
// element with an index, or a member.
func (w *walk) step(path []byte, l *level, e *edit, index int32) []byte {
	if !l.isObject {
		return strconv.AppendInt(append(path, '/'), int64(index), 10)
	}
	var quoted []byte
	if e.after >= 0 {
		quoted = l.newer[e.after].quoted()
	} else {
		quoted = l.older[e.before].quoted()
	}
	w.scratch = appendUnescaped(w.scratch[:0], quoted)
	return appendPointerStep(path, w.scratch)
}
