package blob

import (
	"encoding/binary"
	"math/bits"
)

// matcher finds where parts of an older body stand in a newer one.
type matcher struct {
	newer []byte
	// places are where a word of newer stands, plus one, in buckets by its hash.
	places []uint32
	shift  int
}

const (
	wordSize = 8
	// stride is from one word that is remembered to the next: each part that is
	// at least stride+wordSize-1 bytes long contains one.
	stride = 16
	// bucket is how many words of the same hash are remembered. The first ones
	// are: of what repeats they have the most after them.
	bucket = 2
	// maxPlaces bounds the memory of a matcher, to 4 MiB; in a body for which it
	// is too little, fewer words are remembered.
	maxPlaces = 1 << 20
	// minFar is the length below which a part elsewhere is mostly met by chance,
	// and costs about as much as its bytes.
	minFar = 24
)

func newMatcher(newer []byte) *matcher {
	step := stride
	for bucket*len(newer)/step > maxPlaces {
		step *= 2
	}
	width := max(bits.Len(uint(len(newer)/step/bucket)), 1)
	m := &matcher{newer: newer, places: make([]uint32, bucket<<width), shift: 64 - width}
	for at := 0; at+wordSize <= len(newer); at += step {
		b := m.bucket(word(newer, at))
		for i := range b {
			if b[i] == 0 {
				b[i] = uint32(at + 1)
				break
			}
		}
	}
	return m
}

func (m *matcher) bucket(word uint64) []uint32 {
	const prime = 0x9E3779B185EBCA87
	at := int(word*prime>>m.shift) * bucket
	return m.places[at : at+bucket]
}

// find returns from where in newer the bytes of older from at on stand, and how
// many; none when they are not worth a step. It looks near, at the two shifts,
// before it looks far. pending is how far back a step may begin. Since what it
// compares and does not take is no longer than what it takes, or short, the time
// of all calls grows with the length of older only.
func (m *matcher) find(older []byte, at, pending, shift, anchor int) (from, length int) {
	from, length = at+shift, m.common(older, at, at+shift)
	if length < nearEnough && anchor != shift {
		if n := m.common(older, at, at+anchor); n > length {
			from, length = at+anchor, n
		}
	}
	if length >= nearEnough {
		return from, length
	}
	longest := max(length+worthMoving, minFar) - 1
	for _, place := range m.bucket(word(older, at)) {
		if place == 0 {
			break
		}
		there := int(place) - 1
		n := m.common(older, at, there)
		if n == 0 {
			continue
		}
		if whole := n + m.before(older[pending:at], there); whole > longest {
			from, length, longest = there, n, whole
		}
	}
	return from, length
}

// common returns how many bytes of older from at on are those of newer from
// there on; 0 for fewer than a word.
func (m *matcher) common(older []byte, at, there int) int {
	if there < 0 || there+wordSize > len(m.newer) || word(older, at) != word(m.newer, there) {
		return 0
	}
	a, b := older[at:], m.newer[there:]
	n := min(len(a), len(b))
	i := wordSize
	for ; i+wordSize <= n; i += wordSize {
		if differ := word(a, i) ^ word(b, i); differ != 0 {
			return i + bits.TrailingZeros64(differ)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// before returns how many bytes at the end of literals also stand before there;
// no more than a stride, beyond which an earlier word would have been found.
func (m *matcher) before(literals []byte, there int) int {
	n := 0
	for n < min(stride, len(literals), there) && literals[len(literals)-1-n] == m.newer[there-1-n] {
		n++
	}
	return n
}

func word(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
