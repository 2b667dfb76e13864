package cluster

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// passAfter is how long a group may be free before the member that should hold it
	// is passed over: it may not know the group, or fail to adopt it.
	passAfter = 15 * time.Second
	// passFor and passForMax bound for how long.
	passFor    = time.Minute
	passForMax = 12 * time.Hour
	// claimAgain is how soon a claim that was not granted is made again.
	claimAgain = time.Second
	// adoptAgain and adoptAgainMax bound how soon after an error a group is adopted
	// again: twice as late each time.
	adoptAgain    = time.Second
	adoptAgainMax = 30 * time.Second
	// blindAgain is how often a group is claimed that looks as if another held it: what
	// was read may be wrong, the database is not.
	blindAgain = 10 * time.Second
	// freshAge is how long ago a member may have been seen to be given something.
	freshAge = 5 * time.Second
)

// want is a group that there is to share out.
type want struct {
	group Group
	hash  uint64
	// owner is the member that should hold it; empty for none.
	owner string
	// passes are the members that left it lying, by ID.
	passes map[string]pass
	// free is since when it lies, though a member should hold it.
	free moment
	// after is before when this node does not claim it, and wait what it last waited
	// after an error.
	after moment
	wait  time.Duration
	// tried is when it was last claimed by this node.
	tried moment
}

// pass is that a member left a group lying. It has another chance when it has
// another configuration, and after a while that is twice as long each time.
type pass struct {
	configured time.Time
	until      time.Time // by the monotonic clock
	wait       time.Duration
}

// wants are the groups that there are to share out, in the order of their keys.
type wants struct {
	byKey map[string]*want
	list  []*want
	// due is when the first pass ends; zero without one.
	due time.Time
}

func newWants() *wants { return &wants{byKey: map[string]*want{}} }

// apply takes on other groups. What is known of those that stay is kept.
func (w *wants) apply(groups []Group) {
	byKey := make(map[string]*want, len(groups))
	for _, g := range groups {
		if len(g.Resources) == 0 {
			continue
		}
		known := w.byKey[g.Key]
		if known == nil || !same(known.group, g) {
			known = &want{group: g, hash: hash(g.Key)}
		}
		byKey[g.Key] = known
	}
	w.byKey = byKey
	w.list = slices.SortedFunc(maps.Values(byKey), func(a, b *want) int { return strings.Compare(a.group.Key, b.group.Key) })
}

// share says of all groups who should hold them.
func (w *wants) share(members map[string]store.Member, at moment) {
	list := ballots(slices.Collect(maps.Values(members)))
	w.due = time.Time{}
	for _, x := range w.list {
		x.elect(list, members, at)
		w.expect(x, at)
	}
}

// expect makes due early enough for the passes of a group.
func (w *wants) expect(x *want, at moment) {
	for _, p := range x.passes {
		if p.until.After(at.mono) && (w.due.IsZero() || p.until.Before(w.due)) {
			w.due = p.until
		}
	}
}

// lies notes that a group is free though another should hold it, and passes that
// one over when it has been so for long.
func (w *wants) lies(x *want, list []ballot, members map[string]store.Member, at moment) {
	if x.free.isZero() {
		x.free = at
		return
	}
	if at.mono.Sub(x.free.mono) < passAfter {
		return
	}
	if x.passes == nil {
		x.passes = make(map[string]pass)
	}
	wait := min(max(2*x.passes[x.owner].wait, passFor), passForMax)
	x.passes[x.owner] = pass{members[x.owner].ConfiguredAt, at.mono.Add(wait), wait}
	x.elect(list, members, at)
	w.expect(x, at)
}

// elect says who should hold the group: whoever is first of those that did not
// leave it lying; whoever is first where all did.
func (w *want) elect(list []ballot, members map[string]store.Member, at moment) {
	for id, p := range w.passes {
		if m, ok := members[id]; !ok || !m.ConfiguredAt.Equal(p.configured) {
			delete(w.passes, id)
		}
	}
	before := w.owner
	w.owner = elect(list, w.hash, func(id string) bool { return at.mono.Before(w.passes[id].until) })
	if w.owner == "" {
		w.owner = elect(list, w.hash, nil)
	}
	if w.owner != before {
		w.free = moment{}
	}
}

// blindly says whether it is time to claim a group though another seems to hold it.
func (w *want) blindly(at moment) bool {
	if w.tried.isZero() {
		w.tried = at
	}
	return at.mono.Sub(w.tried.mono) >= blindAgain
}

// result is what came of the wish to have a group.
type result uint8

const (
	adopted result = iota
	refused        // by the database: another has it, or holds it up
	failed         // Adopt has an error
)

// note puts off what did not come to anything.
func (w *wants) note(key string, r result, at moment) {
	x := w.byKey[key]
	if x == nil {
		return
	}
	wait := claimAgain
	switch r {
	case adopted:
		x.wait = 0
		return
	case failed:
		x.wait = min(max(2*x.wait, adoptAgain), adoptAgainMax)
		wait = x.wait
	case refused:
	}
	x.after = moment{at.mono.Add(wait), at.wall.Add(wait)}
}

// same says whether two groups are one.
func same(a, b Group) bool {
	if a.Key != b.Key || len(a.Resources) != len(b.Resources) {
		return false
	}
	if slices.Equal(a.Resources, b.Resources) {
		return true
	}
	return slices.Equal(slices.Sorted(slices.Values(a.Resources)), slices.Sorted(slices.Values(b.Resources)))
}
