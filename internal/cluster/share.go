package cluster

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/pollwire/pollwire/internal/store"
)

// ballot is a member in the sharing out.
type ballot struct {
	id   string
	hash uint64
}

// ballots are those of the members that may be given something, by ID. The hash is
// that of the name, so that a node is given the same in each of its lives. Of
// several with one name the oldest has it, the others are numbered.
func ballots(members []store.Member) []ballot {
	members = slices.SortedFunc(slices.Values(members), byID)
	seen := make(map[string]int, len(members))
	list := make([]ballot, 0, len(members))
	for _, m := range members {
		name := m.Name
		if seen[m.Name]++; seen[m.Name] > 1 {
			name += "\x00" + strconv.Itoa(seen[m.Name])
		}
		if !m.Leaving {
			list = append(list, ballot{m.ID, hash(name)})
		}
	}
	return list
}

// elect returns who should hold a group: by rendezvous hashing, so that the coming
// or going of one moves no more than its share. It is empty without members.
// Those that passed says do not count.
func elect(list []ballot, group uint64, passed func(id string) bool) (id string) {
	var best uint64
	for _, b := range list {
		score := mix(group ^ mix(b.hash))
		if (id == "" || score > best) && (passed == nil || !passed(b.id)) {
			id, best = b.id, score
		}
	}
	return id
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // never fails
	return mix(h.Sum64())
}

// mix spreads the bits of a hash: the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

func byID(a, b store.Member) int { return strings.Compare(a.ID, b.ID) }
