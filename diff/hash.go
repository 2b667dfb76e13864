package diff

import (
	"hash/maphash"
	"math/bits"
)

// The hashes of values only say where to look: equal ones are compared before
// they count as equal. So 64 bits are plenty.

// scalarHash hashes a scalar by its kind and its canonical bytes.
func scalarHash(seed maphash.Seed, k kind, canonical []byte) uint64 {
	return scatter(maphash.Bytes(seed, canonical) + uint64(k))
}

// arrayHash adds up the hashes of an array's elements, in order.
type arrayHash struct{ state uint64 }

func newArrayHash() arrayHash { return arrayHash{state: uint64(array)} }

func (h *arrayHash) add(element uint64) {
	h.state = scatter(bits.RotateLeft64(h.state, 23) + element)
}

func (h *arrayHash) sum() uint64 { return scatter(h.state + 1) }

// objectHash adds up the hashes of an object's members, in any order.
type objectHash struct{ state uint64 }

func newObjectHash() objectHash { return objectHash{state: uint64(object)} }

func (h *objectHash) add(name, value uint64) { h.state += memberHash(name, value) }

func (h *objectHash) sum() uint64 { return scatter(h.state) }

func memberHash(name, value uint64) uint64 {
	return scatter(name ^ scatter(bits.RotateLeft64(value, 17)))
}

// scatter spreads each bit over all others (the finalizer of MurmurHash3).
func scatter(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h
}
