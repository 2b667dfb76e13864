package diff

import "slices"

// table numbers hashes from 0 in the order in which they come, by open
// addressing. It is there to be used again; its zero value is empty.
type table struct {
	slots []slot
	count int32
}

type slot struct {
	hash uint64
	// number is 1 more than the number of the hash; 0 is an empty slot.
	number int32
}

// reset empties the table, and makes room for n hashes.
func (t *table) reset(n int) {
	size := 8
	for size < 2*n {
		size *= 2
	}
	t.slots = slices.Grow(t.slots[:0], size)[:size]
	clear(t.slots)
	t.count = 0
}

// grow makes room for n more hashes in a table that is not full of others.
func (t *table) grow(n int) {
	need := 2 * (int(t.count) + n)
	if need <= len(t.slots) {
		return
	}
	old := t.slots
	t.slots = nil
	count := t.count
	t.reset(need)
	t.count = count
	for _, s := range old {
		if s.number > 0 {
			*t.at(s.hash) = s
		}
	}
}

// at returns the slot of a hash, or the empty one where it would be. The
// hashes are random, so that there is nothing to scatter.
func (t *table) at(hash uint64) *slot {
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.number == 0 || s.hash == hash {
			return s
		}
	}
}

// add returns the number of a hash, which may be new.
func (t *table) add(hash uint64) (number int32, isNew bool) {
	s := t.at(hash)
	if s.number == 0 {
		t.count++
		*s = slot{hash, t.count}
		return t.count - 1, true
	}
	return s.number - 1, false
}

// find returns the number of a hash, or -1.
func (t *table) find(hash uint64) int32 { return t.at(hash).number - 1 }
