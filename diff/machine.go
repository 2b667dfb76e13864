package diff

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// place is where paths of the rules lead through. The places form a tree.
type place struct {
	id int
	// ignored says that an ignore path ends here.
	ignored bool
	// keys are the members that identify the elements of the array here. Where
	// paths with wildcards lead to one array, those with the fewest count, and of
	// those the first.
	keys            [][]step
	wildcards, rank int
	// role is what the value here is to the list of items that is read.
	role     role
	named    map[string]*place
	members  *place // by *
	elements *place // by #
}

// role is what a value is to those who read it: the slot of a key, from 0, or
// one of these.
type role int

const (
	noRole role = -1 - iota
	listRole
	itemRole
	selectRole
)

// plan collects the places of paths.
type plan struct {
	places []*place
}

func newPlan() *plan {
	p := &plan{}
	p.place()
	return p
}

func (p *plan) place() *place {
	at := &place{id: len(p.places), role: noRole}
	p.places = append(p.places, at)
	return at
}

func (p *plan) root() *place { return p.places[0] }

// lead returns the place that steps lead to, making what is missing.
func (p *plan) lead(at *place, steps []step) *place {
	for _, s := range steps {
		at = p.child(at, s)
	}
	return at
}

func (p *plan) child(at *place, s step) *place {
	var next **place
	switch s.kind {
	case anyMember:
		next = &at.members
	case anyElement:
		next = &at.elements
	default:
		if at.named == nil {
			at.named = make(map[string]*place)
		}
		if at.named[s.name] == nil {
			at.named[s.name] = p.place()
			at.named[s.name].wildcards = at.wildcards
		}
		return at.named[s.name]
	}
	if *next == nil {
		*next = p.place()
		(*next).wildcards = at.wildcards + 1
	}
	return *next
}

// leads says whether a place further down has a role.
func (at *place) leads() bool {
	next := slices.Collect(maps.Values(at.named))
	for _, wild := range []*place{at.members, at.elements} {
		if wild != nil {
			next = append(next, wild)
		}
	}
	return slices.ContainsFunc(next, func(n *place) bool { return n.role != noRole || n.leads() })
}

// machine follows all paths of the rules at once. It is in one state at each
// value, 0 where no path leads, so that a step costs a look-up and no memory.
type machine struct{ states []state }

// state is a set of places.
type state struct {
	ignored bool
	role    role
	// leads says that there is a role further down.
	leads bool
	keys  [][]step
	// named leads on by the hash of a member's name, indexed by the index of an
	// element; member and element are for all the others.
	named, indexed  []edge
	member, element uint32
}

type edge struct {
	on uint64
	to uint32
}

// startState is that of the value that the paths begin at.
const startState = 1

// maxStates bounds what paths with many wildcards can make.
const maxStates = 10_000

var errTooManyPaths = errors.New("the paths of ignore and keys overlap in too many ways: use fewer wildcards")

// compile makes the machine of a plan, nil where it has no paths.
func (p *plan) compile(seeds *seeds) (*machine, error) {
	if root := p.root(); len(p.places) == 1 && root.role == noRole && !root.ignored && root.keys == nil {
		return nil, nil
	}
	b := builder{plan: p, seeds: seeds, known: map[string]uint32{"": 0}, sets: [][]*place{nil, {p.root()}}}
	b.known[setName(b.sets[startState])] = startState
	m := &machine{states: make([]state, 1)}
	m.states[0].role = noRole
	for i := startState; i < len(b.sets); i++ {
		if len(b.sets) > maxStates {
			return nil, errTooManyPaths
		}
		m.states = append(m.states, b.state(b.sets[i]))
	}
	return m, nil
}

// builder makes sets of places into states.
type builder struct {
	plan  *plan
	seeds *seeds
	known map[string]uint32
	sets  [][]*place
}

func setName(set []*place) string {
	var b []byte
	for _, at := range set {
		b = append(strconv.AppendInt(b, int64(at.id), 10), ' ')
	}
	return string(b)
}

// number returns the state of a set, which may be a new one.
func (b *builder) number(set []*place) uint32 {
	slices.SortFunc(set, func(x, y *place) int { return x.id - y.id })
	id := setName(set)
	if n, ok := b.known[id]; ok {
		return n
	}
	n := uint32(len(b.sets))
	b.known[id] = n
	b.sets = append(b.sets, set)
	return n
}

func (b *builder) state(set []*place) state {
	s := state{role: noRole}
	var keyed *place
	for _, at := range set {
		s.ignored = s.ignored || at.ignored
		s.leads = s.leads || at.leads()
		if at.role != noRole {
			s.role = at.role
		}
		if at.keys != nil && (keyed == nil || at.wildcards < keyed.wildcards || at.wildcards == keyed.wildcards && at.rank < keyed.rank) {
			keyed, s.keys = at, at.keys
		}
	}
	members := func(at *place) *place { return at.members }
	elements := func(at *place) *place { return at.elements }
	s.member, s.element = b.number(lead(set, members, "")), b.number(lead(set, elements, ""))
	for _, step := range onward(set) {
		s.named = append(s.named, edge{b.seeds.bytes(b.seeds.text, []byte(step)), b.number(lead(set, members, step))})
		if index, err := strconv.ParseUint(step, 10, 32); err == nil && strconv.FormatUint(index, 10) == step {
			s.indexed = append(s.indexed, edge{index, b.number(lead(set, elements, step))})
		}
	}
	sortEdges(s.named)
	sortEdges(s.indexed)
	return s
}

func sortEdges(edges []edge) {
	slices.SortFunc(edges, func(x, y edge) int { return cmp.Compare(x.on, y.on) })
}

// lead returns the places one step on, by a name where there is one and by a
// wildcard.
func lead(set []*place, wild func(*place) *place, name string) []*place {
	var next []*place
	for _, at := range set {
		if to := wild(at); to != nil {
			next = append(next, to)
		}
		if to := at.named[name]; to != nil {
			next = append(next, to)
		}
	}
	return next
}

// onward are the names that lead on from a set, sorted.
func onward(set []*place) []string {
	var names []string
	for _, at := range set {
		for step := range at.named {
			names = append(names, step)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// member gives the state of an object's member, by the hash of its name.
func (m *machine) member(at uint32, name uint64) uint32 {
	if at == 0 {
		return 0
	}
	s := &m.states[at]
	return follow(s.named, name, s.member)
}

// elementAt gives the state of an array's element.
func (m *machine) elementAt(at, index uint32) uint32 {
	if at == 0 {
		return 0
	}
	s := &m.states[at]
	return follow(s.indexed, uint64(index), s.element)
}

func follow(edges []edge, on uint64, other uint32) uint32 {
	const few = 8
	if len(edges) > few {
		if i, ok := slices.BinarySearchFunc(edges, on, func(e edge, on uint64) int { return cmp.Compare(e.on, on) }); ok {
			return edges[i].to
		}
		return other
	}
	for _, e := range edges {
		if e.on == on {
			return e.to
		}
	}
	return other
}

// simplePath splits a gjson path of nothing but names, which need no gjson to
// be followed. Other paths are not ok.
func simplePath(path string) (steps []step, ok bool) {
	if path == "" || path == this {
		return nil, true
	}
	steps, err := parsePath(path)
	if err != nil {
		return nil, false
	}
	for _, s := range steps {
		if s.kind != named || !simpleName(s.name) {
			return nil, false
		}
	}
	return steps, true
}

func simpleName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' && c != '$' && c < 0x80 {
			return false
		}
	}
	_, err := strconv.Atoi(name)
	return err != nil || name == "0" || name[0] != '0' && name[0] != '-'
}

// pathError says which option has a path that cannot be.
func pathError(option, path string, err error) error {
	return fmt.Errorf("%s %q: %w", option, path, err)
}
