package cluster

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// adoptTimeout bounds an Adopt.
const adoptTimeout = time.Minute

// claim begins to claim and to adopt what is this node's and free.
func (n *Node) claim(ctx, patient context.Context, l *life) {
	room := maxTakers - int(n.takers.Load())
	if room <= 0 {
		return
	}
	list := batches(n.claims(), claimBatch, claimResources)
	term, next := n.term.Load(), new(atomic.Int64)
	for range min(room, len(list)) {
		n.takers.Add(1)
		go func() {
			defer signal(n.kicked)
			defer n.takers.Add(-1)
			for {
				// What others hold by now is not this node's to claim any more.
				i := int(next.Add(1)) - 1
				if i >= len(list) || ctx.Err() != nil || n.term.Load() != term {
					return
				}
				n.take(ctx, patient, l, list[i])
			}
		}()
	}
}

// take claims groups and adopts those that it was given.
func (n *Node) take(ctx, patient context.Context, l *life, groups []Group) {
	opened := n.open(l, groups)
	if len(opened) == 0 {
		return
	}
	resources := make([][]string, len(opened))
	for i, t := range opened {
		resources[i] = t.group.Resources
	}
	call, cancel := context.WithTimeout(ctx, bulkTimeout)
	defer cancel()
	leases, err := n.o.Store.Claim(call, l.id, resources)
	if ctx.Err() == nil {
		n.sayClaim(err)
	}
	got, refused := n.granted(opened, leases)
	n.closeAll(refused)
	if len(got) > 0 {
		n.adopt(ctx, patient, l, got)
	}
}

// sayClaim logs that claims fail now, or do not any more.
func (n *Node) sayClaim(err error) {
	switch failed := err != nil; {
	case n.claimless.Swap(failed) == failed:
	case failed:
		n.logger.Warn("node cannot claim leases", "err", err)
	default:
		n.logger.Info("node can claim leases again")
	}
}

// granted notes what the database answered to a claim.
func (n *Node) granted(opened []*tenure, leases []store.Lease) (got, none []*tenure) {
	byResource := make(map[string]store.Lease, len(leases))
	for _, l := range leases {
		byResource[l.Resource] = l
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	at := n.clock()
	for _, t := range opened {
		// What the node has while it stops is free when it leaves, as is what a life had.
		if t.lost || n.stage != stageRunning || slices.ContainsFunc(t.group.Resources, func(r string) bool { _, ok := byResource[r]; return !ok }) {
			n.result(t, refused)
			none = append(none, t)
			continue
		}
		for _, r := range t.group.Resources {
			n.stakes[r] = stake{t, byResource[r].Epoch}
			n.view.leases[r] = byResource[r]
		}
		t.stage, t.claimed = adopting, at
		got = append(got, t)
	}
	return got, none
}

// adopt begins what the groups are for. Those that it could not begin are ended.
func (n *Node) adopt(ctx, patient context.Context, l *life, got []*tenure) {
	call, cancel := context.WithTimeout(patient, adoptTimeout)
	defer cancel()
	defer context.AfterFunc(l.done, cancel)()
	err := n.o.Adopt(call, groupsOf(got))
	if err == nil {
		n.logger.Debug("leases adopted", "groups", len(got))
	} else if call.Err() == nil {
		n.logger.Warn("node cannot adopt leases", "groups", len(got), "err", err)
	}
	lost, rest := n.adopted(got, err)
	n.end(ctx, patient, lost, true)
	n.end(ctx, patient, rest, false)
}

// adopted notes what came of an Adopt. With an error all are to end, those among
// them that were lost meanwhile and the rest.
func (n *Node) adopted(got []*tenure, err error) (lost, rest []*tenure) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range got {
		switch {
		case err == nil:
			t.stage = holding
			n.held++
			n.counts.adopted++
			n.result(t, adopted)
			continue
		case t.lost:
			lost = append(lost, t)
		default:
			rest = append(rest, t)
		}
		t.stage = releasing
		n.result(t, failed)
	}
	return lost, rest
}

// result keeps for the loop what came of a group. It is called with mu held.
func (n *Node) result(t *tenure, r result) {
	if n.results == nil {
		n.results = make(map[string]result)
	}
	n.results[t.group.Key] = r
}
