package blob

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/pollwire/pollwire/internal/store"
)

// patch turns a newer body back into an older one: for each of its steps, bytes
// of its own are followed by a part of the newer body.
type patch struct {
	// size and sum are of the older body, so that one which was rebuilt from
	// another body than it was made for is noticed.
	size int
	sum  uint32
	// steps are three columns of as many numbers (how many literals, how much of
	// the newer body, how far from where the part before it ended), because
	// numbers of one kind are alike and compress well.
	steps []byte
	// literals are the bytes of all steps, and those after the last one.
	literals []byte
}

// maxDelta bounds the bodies of which one is kept as its difference from the
// other, and so what a damaged difference can make a reader allocate.
const maxDelta = 1 << 30

const (
	// literalsFrom and literalsShare bound the literals that a patch may have:
	// from a size on, a share of what it has covered. What exceeds it has little
	// in common, or so differently that zstd finds more.
	literalsFrom  = 64 << 10
	literalsShare = 4
	// nearEnough is the length from which on a part at the expected place is
	// taken without a look for a longer one elsewhere.
	nearEnough = 32
	// worthMoving is by how much a part elsewhere must be longer.
	worthMoving = 8
)

// makePatch returns the patch from newer to older, in time that grows with their
// lengths only; false when they have too little in common for one.
func makePatch(newer, older []byte) (*patch, bool) {
	m := newMatcher(newer)
	p := &patch{size: len(older), sum: checksum(older)}
	var columns [3][]byte
	// pending is where the literals begin that no step has yet. shift is how far
	// the last part stood in newer from its place in older, anchor the same of
	// the last long one: a short part may have been met by chance.
	var pending, shift, anchor int
	for at := 0; at+wordSize <= len(older); {
		from, length := m.find(older, at, pending, shift, anchor)
		if length == 0 {
			at++
			if len(p.literals)+at-pending > literalsFrom+at/literalsShare {
				return nil, false
			}
			continue
		}
		start := at
		for start > pending && from > 0 && older[start-1] == newer[from-1] {
			start, from, length = start-1, from-1, length+1
		}
		p.literals = append(p.literals, older[pending:start]...)
		columns[0] = binary.AppendUvarint(columns[0], uint64(start-pending))
		columns[1] = binary.AppendUvarint(columns[1], uint64(length))
		columns[2] = binary.AppendVarint(columns[2], int64(from-start-shift))
		at = start + length
		pending, shift = at, from-start
		if length >= 2*nearEnough {
			anchor = shift
		}
	}
	p.literals = append(p.literals, older[pending:]...)
	for _, column := range columns {
		p.steps = append(p.steps, column...)
	}
	return p, true
}

var errPatch = fmt.Errorf("damaged patch: %w", store.ErrDamaged)

// apply returns the older body.
func (p *patch) apply(newer []byte) ([]byte, error) {
	numbers, err := p.numbers()
	if err != nil {
		return nil, err
	}
	count := len(numbers) / 3
	counts, lengths, moves := numbers[:count], numbers[count:2*count], numbers[2*count:]
	if !p.fits(lengths, len(newer)) {
		return nil, errPatch
	}
	literals, older, shift := p.literals, make([]byte, 0, p.size), 0
	for i := range count {
		if counts[i] > uint64(len(literals)) {
			return nil, errPatch
		}
		older = append(older, literals[:counts[i]]...)
		literals = literals[counts[i]:]

		shift += int(int64(moves[i]>>1) ^ -int64(moves[i]&1))
		from := len(older) + shift
		if from < 0 || from > len(newer) || lengths[i] > uint64(len(newer)-from) {
			return nil, errPatch
		}
		older = append(older, newer[from:from+int(lengths[i])]...)
	}
	older = append(older, literals...)
	if checksum(older) != p.sum {
		return nil, fmt.Errorf("%w, or the version after it is not the one it was made for", errPatch)
	}
	return older, nil
}

// fits says whether the literals and parts of these lengths make a body of the
// right size. It is asked before the room for that is taken.
func (p *patch) fits(lengths []uint64, newer int) bool {
	size := len(p.literals)
	for _, length := range lengths {
		if length > uint64(newer) || size > p.size {
			return false
		}
		size += int(length)
	}
	return size == p.size
}

// numbers returns the numbers of all steps.
func (p *patch) numbers() ([]uint64, error) {
	var numbers []uint64
	for left := p.steps; len(left) > 0; {
		number, n := binary.Uvarint(left)
		if n <= 0 {
			return nil, errPatch
		}
		numbers, left = append(numbers, number), left[n:]
	}
	if len(numbers)%3 != 0 {
		return nil, errPatch
	}
	return numbers, nil
}

func checksum(body []byte) uint32 {
	return crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
}
