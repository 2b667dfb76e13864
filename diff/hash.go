package diff

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"math/bits"
)

// seeds are the secret of the hashes that values are compared by. They are
// drawn for each set of rules, so that an upstream cannot choose values whose
// hashes collide; two values that differ have the same hash once in 2^64.
//
// Equal values have equal hashes, however they are written.
type seeds struct {
	text, number, array, object   uint64
	null, truth, falsehood        uint64
	member, element, length, odds uint64
}

func newSeeds() seeds {
	random, n := maphash.MakeSeed(), byte(0)
	r := func() uint64 {
		n++
		return maphash.Bytes(random, []byte{n})
	}
	return seeds{
		text: r(), number: r(), array: r(), object: r(),
		null: r(), truth: r(), falsehood: r(),
		member: r(), element: r(), length: r(), odds: r() | 1,
	}
}

// fold mixes two words: the product in 128 bits, folded into 64 (as in wyhash,
// by Wang Yi).
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// bytes hashes what a scalar means, given the seed of its kind. It is what
// scanner.text does while it looks for the end of a string.
func (s *seeds) bytes(kind uint64, b []byte) uint64 { return s.within(kind, b, 0, len(b)) }

// within is bytes for those that stand in b from a place to an end. It is fast
// where more than 8 bytes follow.
func (s *seeds) within(kind uint64, b []byte, at, end int) uint64 {
	n := end - at
	for ; end-at >= 8; at += 8 {
		kind = fold(kind^binary.LittleEndian.Uint64(b[at:]), s.odds)
	}
	return s.end(kind, below(load(b, at), end-at), n)
}

// end finishes the hash of n bytes, the last of which, fewer than 8, are in w.
func (s *seeds) end(h, w uint64, n int) uint64 { return fold(h^w, s.length+uint64(n)) }

// mixer hashes bytes that come in parts, as seeds.bytes does.
type mixer struct {
	state uint64
	// pending are the last bytes, fewer than 8 of them.
	pending uint64
	count   int
}

// add takes the n lowest bytes of a word, the others of which are 0.
func (m *mixer) add(s *seeds, w uint64, n int) {
	shift := 8 * uint(m.count)
	m.pending |= w << shift
	if m.count += n; m.count >= 8 {
		m.state = fold(m.state^m.pending, s.odds)
		m.pending = w >> (64 - shift)
		m.count -= 8
	}
}

// with adds an element to the state of an array.
func (s *seeds) with(state, element uint64) uint64 { return fold(state^element, s.odds) }

// among is what an element adds to the state of an array without order.
func (s *seeds) among(element uint64) uint64 { return fold(element^s.element, s.odds) }

// pair is what a member adds to the state of its object, whatever the order.
func (s *seeds) pair(name, value uint64) uint64 { return fold(name^s.member, value^s.element) }

// close finishes the hash of a container of n values.
func (s *seeds) close(state uint64, n uint32) uint64 { return fold(state^s.length, s.odds+uint64(n)) }

// load returns the 8 bytes from i on as a word, zeros after the end.
func load(b []byte, i int) uint64 {
	if i+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[i:])
	}
	return loadLast(b, i)
}

// below keeps the n lowest bytes of a word, n below 8.
func below(w uint64, n int) uint64 { return w & (1<<(8*uint(n)) - 1) }

//go:noinline
func loadLast(b []byte, i int) uint64 {
	var word [8]byte
	if i < len(b) {
		copy(word[:], b[i:])
	}
	return binary.LittleEndian.Uint64(word[:])
}

// sum is the SHA-256 of a canonical form or of a text, in lower-case hex.
func sum(b []byte) string {
	digest := sha256.Sum256(b)
	return hex.EncodeToString(digest[:])
}
