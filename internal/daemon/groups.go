package daemon

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pollwire/pollwire/internal/cluster"
)

// part is a source or an endpoint, with what it has in common with others: the
// limit that it spends, the tokens that it shows. Parts that have something in
// common must be on the same node, so that it is exact without being asked for
// over the network.
type part struct {
	// resource is its own, shared are those of what others may have too.
	resource string
	shared   []string
}

// groupsOf puts parts together that must be on the same node, by key. What other
// groups there are makes no difference to a group's key, so that none moves to
// another node for what is added or removed beside it. A group is named after the
// first thing that its parts share, or after its only part.
func groupsOf(parts []part) []cluster.Group {
	u := make(union, 2*len(parts))
	shared := make(map[string]bool)
	for i := range parts {
		p := &parts[i]
		u.add(p.resource)
		for _, resource := range p.shared {
			if resource == p.resource {
				continue // a limit of its own
			}
			u.add(resource)
			u.join(p.resource, resource)
			shared[resource] = true
		}
	}
	together := make(map[string]*cluster.Group)
	for _, resource := range slices.Sorted(maps.Keys(u)) {
		root := u.find(resource)
		g := together[root]
		if g == nil {
			g = &cluster.Group{}
			together[root] = g
		}
		if g.Key == "" && (shared[resource] || u[root].size == 1) {
			g.Key = resource
		}
		g.Resources = append(g.Resources, resource)
	}
	groups := make([]cluster.Group, 0, len(together))
	for _, g := range together {
		groups = append(groups, *g)
	}
	slices.SortFunc(groups, func(a, b cluster.Group) int { return cmp.Compare(a.Key, b.Key) })
	return groups
}

// union holds sets of names. Each name leads to another one of its set or to
// itself, which then stands for the set.
type union map[string]*member

// member is a name of a set.
type member struct {
	parent string
	// size is how many names the set has for which it stands.
	size int
}

func (u union) add(name string) {
	if u[name] == nil {
		u[name] = &member{parent: name, size: 1}
	}
}

// find returns the name that stands for a set.
func (u union) find(name string) string {
	root := name
	for u[root].parent != root {
		root = u[root].parent
	}
	for name != root { // the next one has it shorter
		m := u[name]
		name, m.parent = m.parent, root
	}
	return root
}

// join makes one set of two.
func (u union) join(a, b string) {
	a, b = u.find(a), u.find(b)
	if a == b {
		return
	}
	if u[a].size < u[b].size {
		a, b = b, a
	}
	u[b].parent = a
	u[a].size += u[b].size
}
