package cluster

import (
	"github.com/pollwire/pollwire/internal/store"
)

// tenureStage is where a tenure is. They follow each other.
type tenureStage uint8

const (
	claiming  tenureStage = iota // the database is asked
	adopting                     // it is this node's, and Adopt is under way
	holding                      // adopted
	releasing                    // Release is under way
	freeing                      // nothing of it is under way any more
)

// tenure is the time from the claim of a group until all of it has ended here. As
// long as there is one of a resource there is no other.
type tenure struct {
	group Group
	life  *life
	stage tenureStage
	// lost says that another node may hold it by now.
	lost bool
	// claimed is after the answer to the claim.
	claimed moment
}

// stake is the part of one resource in a tenure.
type stake struct {
	*tenure
	// epoch is that of the lease, from the claim on.
	epoch int64
}

// held says whether what is done in the tenure may be written.
func (t *tenure) held() bool { return !t.lost && t.stage >= adopting && t.stage <= releasing }

// Epoch returns under which epoch the node has claimed a resource, whether it is
// suspended or not; false where it has not, or has lost it. It is what
// [store.Fence] asks for.
func (n *Node) Epoch(resource string) (epoch int64, held bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	s, ok := n.stakes[resource]
	if !ok || !s.held() {
		return 0, false
	}
	return s.epoch, true
}

var _ store.Fence = (*Node)(nil)

// Holds says whether the node may do what the resource is for at this moment: it
// adopts or has adopted it, and can prove that it lives. It is asked right before
// that is done, and looks at the clocks, as a timer may be late.
func (n *Node) Holds(resource string) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	s, ok := n.stakes[resource]
	return ok && s.held() && !n.suspendedAt(n.clock())
}

// lose ends a tenure for whoever asks, not what is under way in it. It is called
// with mu held.
func (n *Node) lose(t *tenure) {
	if t.lost {
		return
	}
	if t.held() {
		n.counts.lost++
	}
	t.lost = true
}

func (n *Node) loseAll() {
	for _, s := range n.stakes {
		n.lose(s.tenure)
	}
}

// open begins tenures, so that nothing else begins for their resources. It leaves
// out those of which a resource is taken, and all where the life is over or the
// node stops.
func (n *Node) open(l *life, groups []Group) []*tenure {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.over || n.stage != stageRunning {
		return nil
	}
	opened := make([]*tenure, 0, len(groups))
	for _, g := range groups {
		if n.taken(g) {
			continue
		}
		t := &tenure{group: g, life: l}
		for _, r := range g.Resources {
			n.stakes[r] = stake{tenure: t}
		}
		opened = append(opened, t)
	}
	return opened
}

// closeAll ends tenures of which nothing is left.
func (n *Node) closeAll(tenures []*tenure) {
	n.mu.Lock()
	for _, t := range tenures {
		for _, r := range t.group.Resources {
			delete(n.stakes, r)
		}
	}
	n.mu.Unlock()
	signal(n.kicked)
}

// groupsOf are the groups of tenures.
func groupsOf(tenures []*tenure) []Group {
	groups := make([]Group, len(tenures))
	for i, t := range tenures {
		groups[i] = t.group
	}
	return groups
}
