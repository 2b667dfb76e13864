package cluster

import (
	"strings"
	"time"
)

// Status is how a node stands.
type Status struct {
	// ID and JoinedAt are those of the present life; zero before the first one.
	ID       string
	JoinedAt time.Time
	// Suspended says that the node cannot prove that it lives, and does nothing. Age
	// is how old the last proof is.
	Suspended bool
	Age       time.Duration
	// Held is how many resources of each kind are held: source, limit, endpoint, token
	// or task.
	Held map[string]int
	// Adopted, Released and Lost count groups since the start: those that began, that
	// were ended in order, and that ended because another node may have taken them.
	Adopted, Released, Lost int64
}

// counts are those of a Status.
type counts struct{ adopted, released, lost int64 }

// Status returns how the node stands.
func (n *Node) Status() Status {
	n.mu.RLock()
	defer n.mu.RUnlock()
	s := Status{Held: make(map[string]int), Adopted: n.counts.adopted, Released: n.counts.released, Lost: n.counts.lost}
	for resource, k := range n.stakes {
		if k.held() {
			kind, _, _ := strings.Cut(resource, "/")
			s.Held[kind]++
		}
	}
	at := n.clock()
	s.Suspended = n.suspendedAt(at)
	if n.life != nil {
		s.ID, s.JoinedAt, s.Age = n.life.id, n.life.joined, max(at.since(n.life.proven), 0)
	}
	return s
}

// Self returns the ID of the node in its present life; empty before the first one.
func (n *Node) Self() string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.life == nil {
		return ""
	}
	return n.life.id
}
