package cluster

import (
	"maps"
	"slices"
	"strings"
)

const (
	// claimBatch bounds the groups of one claim, claimResources their resources where
	// there is more than one group.
	claimBatch     = 1000
	claimResources = 4000
	// maxTakers is how many claims and adoptions are under way at a time.
	maxTakers = 4
	// releaseBatches is into about how many calls of Release everything is divided:
	// what is slow should hold up little, and where there is little, nothing else. Each
	// has up to maxBatch groups.
	releaseBatches, maxBatch = 64, 4096
)

// endings are the tenures that are to end, those that are lost and those that are
// to be released. Where others can be seen, what is theirs is handed over, too.
func (n *Node) endings(seen bool) (lost, released []*tenure) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := n.clock()
	stopping := n.stage == stageStopping
	if n.held == 0 {
		return nil, nil
	}
	for resource, s := range n.stakes {
		if s.stage != holding || s.group.Resources[0] != resource {
			continue
		}
		switch {
		case s.lost:
			lost = append(lost, s.tenure)
		case stopping || !n.wanted(s.tenure) || (seen && n.handsOver(s.group.Key, at)):
			released = append(released, s.tenure)
		default:
			n.waits = n.waits || n.elsewhere(s.group.Key)
			continue
		}
		s.stage = releasing
	}
	n.held -= len(lost) + len(released)
	// In the order of their keys, so that what is read of them together is.
	slices.SortFunc(lost, byKey)
	slices.SortFunc(released, byKey)
	return lost, released
}

// wanted says whether the group of a tenure is there still.
func (n *Node) wanted(t *tenure) bool {
	w := n.wants.byKey[t.group.Key]
	return w != nil && same(w.group, t.group)
}

// elsewhere says whether a group should be another's.
func (n *Node) elsewhere(key string) bool {
	owner := n.wants.byKey[key].owner
	return owner != "" && owner != n.life.id
}

// handsOver says whether that is there to take it.
func (n *Node) handsOver(key string, at moment) bool {
	if !n.elsewhere(key) {
		return false
	}
	m, ok := n.view.members[n.wants.byKey[key].owner]
	return ok && m.Age+at.since(n.view.read) < freshAge
}

// claims are the groups to claim now.
func (n *Node) claims() []Group {
	n.mu.RLock()
	defer n.mu.RUnlock()
	at := n.clock()
	list := ballots(slices.Collect(maps.Values(n.view.members)))
	var groups []Group
	for _, w := range n.wants.list {
		if n.taken(w.group) {
			w.free = moment{}
			continue
		}
		free := n.isFree(w.group)
		if w.owner != n.life.id {
			if free && w.owner != "" {
				n.waits = true
				n.wants.lies(w, list, n.view.members, at)
			} else {
				w.free = moment{}
			}
			continue
		}
		n.waits = true
		if at.mono.Before(w.after.mono) || (!free && !w.blindly(at)) {
			continue
		}
		w.tried = at
		groups = append(groups, w.group)
	}
	return groups
}

// taken says whether a resource of a group is in a tenure, of this group or of
// another one that had it.
func (n *Node) taken(g Group) bool {
	return slices.ContainsFunc(g.Resources, func(r string) bool { _, taken := n.stakes[r]; return taken })
}

// isFree says whether nobody else holds a resource of a group, as last read.
func (n *Node) isFree(g Group) bool {
	return !slices.ContainsFunc(g.Resources, func(r string) bool {
		node := n.view.leases[r].Node
		if node == "" || node == n.life.id {
			return false
		}
		_, lives := n.view.members[node]
		return lives
	})
}

func byKey(a, b *tenure) int { return strings.Compare(a.group.Key, b.group.Key) }

// batches divides groups so that none has many more resources than most, nor more
// groups.
func batches(groups []Group, most, resources int) [][]Group {
	var list [][]Group
	begin, count := 0, 0
	for i, g := range groups {
		if i > begin && (i-begin >= most || count+len(g.Resources) > resources) {
			list = append(list, groups[begin:i])
			begin, count = i, 0
		}
		count += len(g.Resources)
	}
	if begin < len(groups) {
		list = append(list, groups[begin:])
	}
	return list
}
