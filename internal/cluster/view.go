package cluster

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// readEvery is how often everything is read anew where nothing is heard of it.
	readEvery = 2 * time.Second
	// overlap is how much longer than a claim may take: what became visible late has
	// an earlier time. So far back is read every overlapEvery; in between only what
	// became visible within shortOverlap, since there may be much where others claim.
	// Where nobody has claimed anything for as long as overlap there is nothing late.
	overlap      = bulkTimeout + 5*time.Second
	overlapEvery = 5 * time.Second
	shortOverlap = 2 * time.Second
	// wholeEvery is how often all leases are read, not only what is new.
	wholeEvery = 5 * time.Minute
)

// view is what was last read of the others.
type view struct {
	// members are those that are there, by ID.
	members map[string]store.Member
	// watched is since when this node sees a member as not having been seen anew.
	watched map[string]moment
	// leases are those of all nodes.
	leases map[string]store.Lease
	// newest is the newest Since of them, and moved since when that is known.
	newest time.Time
	moved  moment
	// read and whole are when they were last read, and last read as a whole; overlapped
	// is when they were last read with all that may have become visible late.
	read, whole, overlapped moment
}

func newView() view {
	return view{members: map[string]store.Member{}, watched: map[string]moment{}, leases: map[string]store.Lease{}}
}

// Members returns all nodes as last read, by ID, this one among them.
func (n *Node) Members() []store.Member {
	n.mu.RLock()
	defer n.mu.RUnlock()
	held := make(map[string]int)
	for _, l := range n.view.leases {
		held[l.Node]++
	}
	members := make([]store.Member, 0, len(n.view.members))
	for _, m := range n.view.members {
		m.Leases = held[m.ID]
		members = append(members, m)
	}
	slices.SortFunc(members, byID)
	return members
}

// Owner returns the node that holds a resource, as last read; false where none
// does.
func (n *Node) Owner(resource string) (store.Member, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if s, ok := n.stakes[resource]; ok && s.held() {
		return n.member(n.life), true
	}
	l := n.view.leases[resource]
	if n.life != nil && l.Node == n.life.id {
		return store.Member{}, false // not any more
	}
	m, ok := n.view.members[l.Node]
	return m, ok
}

// census reads the members, and says whether others are there now than before.
func (n *Node) census(ctx context.Context) (changed bool, err error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	asked := n.clock()
	members, err := n.o.Store.Members(call)
	if err != nil {
		return false, err
	}
	n.compareClocks(asked, n.clock(), members)
	n.mu.Lock()
	defer n.mu.Unlock()
	next := make(map[string]store.Member, len(members))
	watched := make(map[string]moment, len(members))
	for _, m := range members {
		before, known := n.view.members[m.ID]
		since, ok := n.view.watched[m.ID]
		if !ok || !before.SeenAt.Equal(m.SeenAt) {
			since = asked
		}
		next[m.ID], watched[m.ID] = m, since
		changed = changed || !known || before.Leaving != m.Leaving || before.Name != m.Name || !before.ConfiguredAt.Equal(m.ConfiguredAt)
	}
	changed = changed || len(next) != len(n.view.members)
	n.view.members, n.view.watched = next, watched
	return changed, nil
}

// silent are the members that others may bury: both clocks must have seen them
// silent, the database's and, without a break, that of this node.
func (n *Node) silent() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	at := n.clock()
	if n.suspendedAt(at) || n.touched.isZero() || at.mono.Sub(n.touched.mono) < Silence {
		return nil
	}
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(n.view.members)) {
		since := n.view.watched[id].mono
		if since.Before(n.touched.mono) {
			since = n.touched.mono
		}
		if id != n.life.id && n.view.members[id].Age >= Silence && at.mono.Sub(since) >= watchFor {
			ids = append(ids, id)
		}
	}
	return ids
}

// nameOf returns the name of a node as last read.
func (n *Node) nameOf(id string) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.view.members[id].Name
}

// readLeases reads what is new of the leases, or all of them, and finds out what
// was lost and what is left of claims whose answer never came. News says that there
// was anything.
func (n *Node) readLeases(ctx context.Context, l *life, whole bool) (strays []store.Lease, news bool, err error) {
	call, cancel := context.WithTimeout(ctx, bulkTimeout)
	defer cancel()
	n.mu.RLock()
	asked, since, overlapped := n.clock(), n.view.newest, n.view.overlapped
	settled := overlapped.mono.Sub(n.view.moved.mono) >= overlap
	n.mu.RUnlock()
	switch {
	case whole || since.IsZero():
		since, whole, overlapped = time.Time{}, true, asked
	case settled:
		since = since.Add(time.Microsecond) // what is as new as the newest is known
	case asked.since(overlapped) >= overlapEvery:
		since, overlapped = since.Add(-overlap), asked
	default:
		since = since.Add(-shortOverlap)
	}
	leases, err := n.o.Store.Leases(call, since)
	if err != nil {
		return nil, false, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.view.read, n.view.overlapped = asked, overlapped
	newest := n.view.newest
	if whole {
		n.view.whole = asked
		n.view.newest = time.Time{}
		n.view.leases = make(map[string]store.Lease, len(leases))
	}
	for _, row := range leases {
		if m, ok := n.view.members[row.Node]; ok {
			row.Node = m.ID // one string for all of them
		}
		news = news || n.view.leases[row.Resource] != row
		n.view.leases[row.Resource] = row
		if row.Since.After(n.view.newest) {
			n.view.newest = row.Since
		}
		if _, taken := n.stakes[row.Resource]; !taken && row.Node == l.id {
			strays = append(strays, row)
		}
	}
	if !n.view.newest.Equal(newest) {
		n.view.moved = n.clock()
	}
	n.findLost(asked, l, whole, leases)
	return strays, news, nil
}

// findLost ends those tenures whose leases were not there any more when the
// database was asked. None is lost while the node lives, but where the database
// itself has lost what it had promised. It is called with mu held.
func (n *Node) findLost(asked moment, l *life, whole bool, leases []store.Lease) {
	check := func(resource string, row store.Lease) {
		s, ok := n.stakes[resource]
		if !ok || !s.held() || s.life != l || !asked.mono.After(s.claimed.mono) || (row.Node == l.id && row.Epoch == s.epoch) {
			return
		}
		n.lose(s.tenure)
		n.logger.Warn("lease was lost", "resource", resource)
	}
	if !whole {
		for _, row := range leases {
			check(row.Resource, row)
		}
		return
	}
	for resource := range n.stakes {
		check(resource, n.view.leases[resource])
	}
}
