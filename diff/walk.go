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

	stack []task
	// path is the pointer to where the walk is.
	path []byte
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

// task is a step of the walk that is still to be made.
type task struct {
	edit
	before, after child
	// up is the length of the path to the container that this is about. The
	// root is in no container.
	up       int
	isMember bool
	isRoot   bool
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

// children lists what counts of a container.
func (w *walk) children(parent *child, list []child) []child {
	list = w.reader.children(parent, list[:0])
	if m := w.reader.machine; w.masked && m != nil && parent.rule != 0 {
		list = slices.DeleteFunc(list, func(c child) bool { return m.states[c.rule].ignored })
	}
	return list
}

// run finds all differences of two values, in document order. It reports
// whether their paths kept to the limit.
func (w *walk) run(x, y *child, limit int) bool {
	w.limit, w.path, w.paths, w.findings = limit, w.path[:0], w.paths[:0], w.findings[:0]
	w.stack = append(w.stack[:0], task{before: *x, after: *y, isRoot: true})
	for len(w.stack) > 0 && w.limit >= 0 {
		t := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		w.path = w.path[:t.up]
		if t.kind == change {
			w.change(&t)
		} else {
			w.find(&t)
		}
	}
	return w.limit >= 0
}

// change goes on within two values, or finds that one has replaced the other.
func (w *walk) change(t *task) {
	if w.same(&t.before, &t.after) {
		return
	}
	a, b := t.before.kind(), t.after.kind()
	if a != b || a != object && a != array {
		t.kind = replacement
		w.find(t)
		return
	}
	w.path = w.step(w.path, t, t.at)
	bottom := len(w.stack)
	if a == object {
		w.objects(t)
	} else {
		w.arrays(t)
	}
	slices.Reverse(w.stack[bottom:]) // What was found first is to be done first.
}

// objects leaves a task for each member that may differ: first those that only
// the older object has, in its order, then the others in the order of the newer.
func (w *walk) objects(t *task) {
	w.older, w.newer = w.children(&t.before, w.older), w.children(&t.after, w.newer)
	w.matchNames()
	for i := range w.older {
		if !w.taken[i] {
			w.push(task{edit: edit{kind: removal}, before: w.older[i], isMember: true})
		}
	}
	for j, i := range w.matches {
		switch y := &w.newer[j]; {
		case i < 0:
			w.push(task{edit: edit{kind: addition}, after: *y, isMember: true})
		case !w.same(&w.older[i], y):
			w.push(task{before: w.older[i], after: *y, isMember: true})
		}
	}
}

func (w *walk) push(t task) {
	t.up = len(w.path)
	w.stack = append(w.stack, t)
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

// arrays leaves a task for each edit that turns one array into the other.
func (w *walk) arrays(t *task) {
	w.older, w.newer = w.children(&t.before, w.older), w.children(&t.after, w.newer)
	for _, e := range w.align(t.after.rule) {
		next := task{edit: e}
		if e.before >= 0 {
			next.before = w.older[e.before]
		}
		if e.after >= 0 {
			next.after = w.newer[e.after]
		}
		w.push(next)
	}
}

// find keeps a difference at the path.
func (w *walk) find(t *task) {
	f := finding{kind: t.kind}
	if t.before.doc != nil {
		f.before = t.before.bytes()
	}
	if t.after.doc != nil {
		f.after = t.after.bytes()
	}
	f.at = w.keep(t, t.at)
	f.told = f.at
	if t.told != t.at {
		f.told = w.keep(t, t.told)
	}
	if t.kind == move {
		f.from, f.toldFrom = w.keep(t, t.from), w.keep(t, t.toldFrom)
	}
	w.findings = append(w.findings, f)
}

// keep writes down the path of a task.
func (w *walk) keep(t *task, index int32) span {
	from := len(w.paths)
	w.paths = append(w.paths, w.path...)
	w.paths = w.step(w.paths, t, index)
	w.limit -= len(w.paths) - from
	return span{uint32(from), uint32(len(w.paths))}
}

// step appends to a path the step from a container to what a task is about.
func (w *walk) step(path []byte, t *task, index int32) []byte {
	switch {
	case t.isRoot:
		return path
	case !t.isMember:
		return strconv.AppendInt(append(path, '/'), int64(index), 10)
	}
	member := &t.after
	if member.doc == nil {
		member = &t.before
	}
	from := len(path)
	path = appendUnescaped(append(path, '/'), member.quoted())
	return escapePointer(path, from+1)
}

// escapePointer escapes what follows in a JSON pointer (RFC 6901, section 3).
func escapePointer(path []byte, from int) []byte {
	for i := from; i < len(path); i++ {
		switch path[i] {
		case '~':
			path = slices.Insert(path, i+1, '0')
		case '/':
			path[i] = '~'
			path = slices.Insert(path, i+1, '1')
		default:
			continue
		}
		i++
	}
	return path
}
