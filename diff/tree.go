package diff

import (
	"bytes"
	"fmt"
	"slices"
)

// tree is a document that a patch is applied to. It is taken apart only where
// paths lead; all else stays the text that was read.
type tree struct {
	seeds seeds
	root  node
	// values reads the values of operations, and contents what is in containers.
	values, contents reader
	// copied is how many bytes were copied, of copyLimit that may be.
	copied, copyLimit int
}

// node is a value in a tree. The zero value is one that is gone.
type node struct {
	// text is the value as it is written; nil once something in it has changed.
	text *child
	// members or elements are what is in it, once a path has led there.
	members  *members
	elements *elements
}

func (n *node) gone() bool { return *n == node{} }

func readTree(doc []byte) (*tree, error) {
	t := &tree{seeds: newSeeds(), copyLimit: maxCopied + len(doc)}
	t.values.brief = true
	t.contents.seeds = &t.seeds
	body, offset := withoutBOM(doc)
	d, err := new(reader).document(body, offset, &t.seeds, rules{}, nil)
	if err != nil {
		return nil, err
	}
	t.root.text = &d.root
	return t, nil
}

// skim reads a value without what is in it, which is seldom asked for.
func (t *tree) skim(raw []byte) (*child, error) {
	d, err := t.values.document(raw, 0, &t.seeds, rules{}, nil)
	if err != nil {
		return nil, err
	}
	// The document belongs to the reader, which is to read others.
	own := &document{raw: d.raw, root: d.root}
	own.root.doc = own
	return &own.root, nil
}

// open takes a container apart.
func (t *tree) open(n *node) error {
	if n.members != nil || n.elements != nil {
		return nil
	}
	if n.text.scalar {
		return fmt.Errorf("%s has neither members nor elements", n.text.kind())
	}
	if n.text.doc.tape == nil {
		d, err := new(reader).document(n.text.bytes(), 0, &t.seeds, rules{}, nil)
		if err != nil {
			return err
		}
		n.text = &d.root
	}
	list := t.contents.children(n.text, nil)
	if n.text.kind() == object {
		n.members = newMembers(list)
	} else {
		n.elements = newElements(list)
	}
	return nil
}

// find returns the value that a pointer leads to. Where it is to be changed,
// what contains it is no longer as it was written.
func (t *tree) find(pointer string, change bool) (*node, error) {
	n := &t.root
	for pointer != "" {
		var step string
		step, pointer = firstStep(pointer)
		if err := t.open(n); err != nil {
			return nil, err
		}
		if change {
			n.text = nil
		}
		var err error
		if n, err = t.enter(n, step); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// enter makes one step into a container that is open.
func (t *tree) enter(n *node, step string) (*node, error) {
	if n.members != nil {
		i := n.members.find(t.nameHash(step))
		if i < 0 {
			return nil, noMember(step)
		}
		return &n.members.list[i].node, nil
	}
	i, err := stepIndex(step, n.elements.count, n.elements.count)
	if err != nil {
		return nil, err
	}
	return n.elements.at(i), nil
}

func (t *tree) nameHash(step string) uint64 {
	return t.seeds.bytes(t.seeds.text, []byte(stepName(step)))
}

func noMember(step string) error {
	return fmt.Errorf("there is no member %q", shortened(stepName(step)))
}

// parent opens the container of what a pointer leads to, which is to be
// changed, and returns it with the last step.
func (t *tree) parent(pointer string) (n *node, step string, err error) {
	above, step := lastStep(pointer)
	if n, err = t.find(above, true); err != nil {
		return nil, "", err
	}
	if err = t.open(n); err != nil {
		return nil, "", err
	}
	n.text = nil
	return n, step, nil
}

// put adds a value where a pointer leads.
func (t *tree) put(pointer string, value node) error {
	if pointer == "" {
		t.root = value
		return nil
	}
	n, step, err := t.parent(pointer)
	if err != nil {
		return err
	}
	if n.members != nil {
		n.members.put(t.nameHash(step), stepName(step), value)
		return nil
	}
	i, count := n.elements.count, n.elements.count
	if step != "-" {
		if i, err = stepIndex(step, count+1, count); err != nil {
			return err
		}
	}
	n.elements.insert(i, value)
	return nil
}

// take removes the value that a pointer leads to.
func (t *tree) take(pointer string) (node, error) {
	if pointer == "" {
		return node{}, errNoRoot
	}
	n, step, err := t.parent(pointer)
	if err != nil {
		return node{}, err
	}
	if n.members == nil {
		i, err := stepIndex(step, n.elements.count, n.elements.count)
		if err != nil {
			return node{}, err
		}
		return n.elements.remove(i), nil
	}
	i := n.members.find(t.nameHash(step))
	if i < 0 {
		return node{}, noMember(step)
	}
	taken := n.members.list[i].node
	n.members.list[i].node = node{}
	return taken, nil
}

// settle writes a value down if it has changed, so that it has a hash and can
// be in two places.
func (t *tree) settle(n *node) (*child, error) {
	if n.text == nil {
		raw, ok := t.write(n)
		if !ok {
			return nil, errTooMuch
		}
		text, err := t.skim(raw)
		if err != nil {
			return nil, errTooMuch
		}
		n.text = text
	}
	return n.text, nil
}

// members are those of an object, in order. One that is gone keeps its place,
// so that no other has to move.
type members struct {
	list []member
	// table numbers the names of the first so many members, where there are
	// many; it has room for more.
	table          table
	numbered, room int
}

type member struct {
	name   uint64
	quoted []byte
	node   node
}

func newMembers(list []child) *members {
	m := &members{list: make([]member, len(list))}
	for i := range list {
		c := &list[i]
		m.list[i] = member{name: c.name, quoted: c.doc.raw[c.nameStart:c.nameEnd], node: node{text: c}}
	}
	return m
}

// find returns the place of a member that is there, else -1.
func (m *members) find(name uint64) int {
	i := m.place(name)
	if i >= 0 && m.list[i].node.gone() {
		return -1
	}
	return i
}

// place returns the place that a member has or had, else -1.
func (m *members) place(name uint64) int {
	const few = 16
	if len(m.list) <= few {
		return slices.IndexFunc(m.list, func(x member) bool { return x.name == name })
	}
	if m.numbered < len(m.list) {
		if m.room < len(m.list) {
			m.room, m.numbered = 2*len(m.list), 0
			m.table.reset(m.room)
		}
		for ; m.numbered < len(m.list); m.numbered++ {
			m.table.add(m.list[m.numbered].name)
		}
	}
	return int(m.table.find(name))
}

// put sets a member, which may be new.
func (m *members) put(hash uint64, name string, value node) {
	if i := m.place(hash); i >= 0 {
		m.list[i].node = value
		return
	}
	m.list = append(m.list, member{name: hash, quoted: appendString(nil, []byte(name)), node: value})
}

// write returns the text of a value. It is not ok where that could not be read
// again.
func (t *tree) write(n *node) (text []byte, ok bool) {
	if n.text != nil {
		return bytes.Clone(n.text.bytes()), true
	}
	var w writer
	w.write(n)
	if w.unsure {
		_, err := t.skim(w.out)
		return w.out, err == nil
	}
	return w.out, true
}
