package diff

import (
	"cmp"
	"slices"
)

// xmlTree is a document in XML, of which JSON is made when it is whole: only
// then is it known which names are repeated. The first node stands for the
// document, and has the outermost element.
type xmlTree struct {
	names *xmlNames
	nodes []xmlNode
	texts []byte
	// absent are the names of lists that have no element, by the node that they
	// would be in.
	absent map[uint32][]uint32

	out []byte
	// limit is how many bytes are written, and full says that there would be
	// more: names are shorter where they stand than where they were declared.
	limit int
	full  bool
	// order is a stack of the children of what is being written. ranks are where
	// the names of one node came first, valid where turns has the turn.
	order        []uint32
	ranks, turns []uint32
	turn         uint32
}

// xmlNode is an element, an attribute, or a text between two tags. Memory is for
// millions of them.
type xmlNode struct {
	name uint32
	// first, last and next are nodes: its children, and the one after it. 0 is none.
	first, last, next uint32
	// start and end are where the value is in the texts, of what is no element.
	start, end uint32
	kind       xmlKind
}

type xmlKind uint8

const (
	isElement xmlKind = 1 << iota
	// isMany and isObject are as in xmlPlace.
	isMany
	isObject
)

// add adds a child.
func (t *xmlTree) add(parent uint32, node xmlNode) uint32 {
	n := uint32(len(t.nodes))
	t.nodes = append(t.nodes, node)
	p := &t.nodes[parent]
	if p.last == 0 {
		p.first = n
	} else {
		t.nodes[p.last].next = n
	}
	p.last = n
	return n
}

// addText adds a child that has a value.
func (t *xmlTree) addText(parent, name uint32, value []byte) {
	start := uint32(len(t.texts))
	t.texts = append(t.texts, value...)
	t.add(parent, xmlNode{name: name, start: start, end: uint32(len(t.texts))})
}

// miss notes that a list has no element.
func (t *xmlTree) miss(parent, name uint32) {
	if t.absent == nil {
		t.absent = make(map[uint32][]uint32)
	}
	t.absent[parent] = append(t.absent[parent], name)
}

// text is the value of a node, empty where it has parts.
func (t *xmlTree) text(n uint32) []byte {
	node := &t.nodes[n]
	if only := node.first; only != 0 && t.nodes[only].next == 0 && t.nodes[only].name == textName {
		node = &t.nodes[only]
	}
	return t.texts[node.start:node.end]
}

// write writes a node. Elements are nested at most maxDepth deep.
func (t *xmlTree) write(n uint32) {
	if t.full = t.full || len(t.out) > t.limit; t.full {
		return
	}
	node := &t.nodes[n]
	plain := node.first == 0 || node.first == node.last && t.nodes[node.first].name == textName
	if plain && node.kind&isObject == 0 && t.absent[n] == nil {
		t.out = appendString(t.out, t.text(n))
		return
	}
	begin := len(t.order)
	t.group(n)
	t.out = append(t.out, '{')
	for i := begin; i < len(t.order); {
		if i > begin {
			t.out = append(t.out, ',')
		}
		i = t.member(i, len(t.order))
	}
	separate := len(t.order) > begin
	for _, name := range t.absent[n] {
		if separate {
			t.out = append(t.out, ',')
		}
		separate = true
		t.out = append(appendString(t.out, []byte(t.names.names[name])), `:[]`...)
	}
	t.out = append(t.out, '}')
	t.order = t.order[:begin]
}

// member writes the children from i on that have one name, and returns where
// those of another begin; all of the parent's end at end.
func (t *xmlTree) member(i, end int) int {
	name := t.nodes[t.order[i]].name
	last := i + 1
	for last < end && t.nodes[t.order[last]].name == name {
		last++
	}
	t.out = append(appendString(t.out, []byte(t.names.names[name])), ':')
	if last == i+1 && t.nodes[t.order[i]].kind&isMany == 0 {
		t.write(t.order[i])
		return last
	}
	t.array(i, last)
	return last
}

// array writes children as an array.
func (t *xmlTree) array(from, to int) {
	t.out = append(t.out, '[')
	for i := from; i < to; i++ {
		if i > from {
			t.out = append(t.out, ',')
		}
		t.write(t.order[i])
	}
	t.out = append(t.out, ']')
}

// group puts the children of a node on the stack, those of one name together,
// in the order in which the names and the children came.
func (t *xmlTree) group(n uint32) {
	begin := len(t.order)
	for len(t.ranks) < len(t.names.names) {
		t.ranks, t.turns = append(t.ranks, 0), append(t.turns, 0)
	}
	t.turn++
	rank, sorted := uint32(0), true
	for c := t.nodes[n].first; c != 0; c = t.nodes[c].next {
		name := t.nodes[c].name
		if t.turns[name] != t.turn {
			t.turns[name] = t.turn
			rank++
			t.ranks[name] = rank
		}
		sorted = sorted && t.ranks[name] == rank
		t.order = append(t.order, c)
	}
	if !sorted {
		slices.SortStableFunc(t.order[begin:], func(x, y uint32) int {
			return cmp.Compare(t.ranks[t.nodes[x].name], t.ranks[t.nodes[y].name])
		})
	}
}

// list writes the children of a node that have a name as an array.
func (t *xmlTree) list(n, name uint32) {
	for c := t.nodes[n].first; c != 0; c = t.nodes[c].next {
		if t.nodes[c].name == name {
			t.order = append(t.order, c)
		}
	}
	t.array(0, len(t.order))
}
