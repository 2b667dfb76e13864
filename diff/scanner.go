package diff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// scanner reads the scalars of one JSON text, strictly as RFC 8259 has them,
// eight bytes at a time, and hashes them on the way.
type scanner struct {
	raw     []byte
	seeds   *seeds
	scratch []byte
	// err is the first mistake, and offset what was cut off before raw.
	err    error
	offset int
}

// none is what a scan returns for the end of a value that is no value.
const none = -1

// fail keeps the first mistake, and returns none.
func (s *scanner) fail(at int, format string, args ...any) int {
	if s.err == nil {
		s.err = fmt.Errorf("%w at byte %d: %s", ErrInvalidJSON, s.offset+at, fmt.Sprintf(format, args...))
	}
	return none
}

// here names what stands at a position.
func (s *scanner) here(at int) string {
	if at >= len(s.raw) {
		return "end"
	}
	if r, size := utf8.DecodeRune(s.raw[at:]); r != utf8.RuneError || size > 1 {
		return fmt.Sprintf("%q", r)
	}
	return fmt.Sprintf(`'\x%02x'`, s.raw[at])
}

// peek returns the byte at a position, or 0 at the end.
func (s *scanner) peek(at int) byte {
	if uint(at) < uint(len(s.raw)) {
		return s.raw[at]
	}
	return 0
}

// space returns where the next byte stands that is no white space.
func (s *scanner) space(at int) int {
	for ; at < len(s.raw); at++ {
		switch s.raw[at] {
		case ' ', '\t', '\n', '\r':
		default:
			return at
		}
	}
	return at
}

// after is space for positions where mostly none is.
func (s *scanner) after(at int) int {
	if s.peek(at) > ' ' {
		return at
	}
	return s.space(at)
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// special marks the quotes, backslashes and control characters in a word by
// the high bit of each. Marks above the lowest one may be wrong.
func special(w uint64) uint64 {
	// Flipping bit 1 makes the quote a space, and leaves the control characters
	// among themselves: so all of them are what is below 0x21.
	quote := (w ^ 0x02*lowBits) - 0x21*lowBits
	backslash := w ^ '\\'*lowBits
	return (quote&^w | (backslash-lowBits)&^backslash) & highBits
}

// first is the index of the lowest byte that is marked.
func first(marks uint64) int { return bits.TrailingZeros64(marks) / 8 }

// text reads the string that begins at a position, and returns where it ends
// and its hash. It calls nothing but at its end, so that all it needs stays in
// registers.
func (s *scanner) text(at int) (end int, hash uint64) {
	raw, seeds, seen := s.raw, s.seeds, uint64(0)
	hash = seeds.text
	i := at + 1
	for i >= 0 && i <= len(raw)-8 {
		w := binary.LittleEndian.Uint64(raw[i:])
		marks := special(w)
		if marks == 0 {
			hash = fold(hash^w, seeds.odds)
			seen |= w
			i += 8
			continue
		}
		n := first(marks)
		i += n
		last := below(w, n)
		if byte(w>>(8*uint(n))) != '"' {
			return s.escapedText(at, i, mixer{hash, last, n})
		}
		hash = seeds.end(hash, last, i-at-1)
		if (seen|last)&highBits != 0 {
			return s.checkedText(at, i, hash)
		}
		return i + 1, hash
	}
	return s.escapedText(at, i, mixer{state: hash})
}

// checkedText is what text returns for a string that is not all ASCII and ends
// with the quote at a position.
func (s *scanner) checkedText(at, quote int, hash uint64) (int, uint64) {
	if !utf8.Valid(s.raw[at+1 : quote]) {
		return s.notUTF8(at+1, quote), 0
	}
	return quote + 1, hash
}

// escapedText is text for a string that is not plain, or stands at the end of
// all. What it means up to position i is in m.
func (s *scanner) escapedText(at, i int, m mixer) (end int, hash uint64) {
	length := i - at - 1
	for {
		w := load(s.raw, i)
		n := 8
		if marks := special(w); marks != 0 {
			n = first(marks)
			w = below(w, n)
		}
		m.add(s.seeds, w, n)
		i += n
		length += n
		if n == 8 {
			continue
		}
		switch c := s.peek(i); c {
		case '"':
			return s.checkedText(at, i, s.seeds.end(m.state, m.pending, length))
		case '\\':
			r, size := unescape(s.raw[i:])
			if size == 0 {
				return s.badEscape(i + 1), 0
			}
			w, n := runeBytes(r)
			m.add(s.seeds, w, n)
			i += size
			length += n
		default:
			return s.fail(min(i, len(s.raw)), "%s within a string", s.here(i)), 0
		}
	}
}

func (s *scanner) notUTF8(at, end int) int {
	for at < end {
		r, size := utf8.DecodeRune(s.raw[at:end])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		at += size
	}
	return s.fail(at, "not UTF-8")
}

// scratchHash hashes what is in scratch.
func (s *scanner) scratchHash(kind uint64) uint64 {
	n := len(s.scratch)
	s.scratch = append(s.scratch, 0, 0, 0, 0, 0, 0, 0, 0)
	return s.seeds.within(kind, s.scratch, 0, n)
}

// badEscape says what is wrong after a backslash.
func (s *scanner) badEscape(at int) int {
	if s.peek(at) != 'u' {
		return s.fail(at, "%s after a backslash", s.here(at))
	}
	for at++; isHex(s.peek(at)); {
		at++
	}
	return s.fail(at, "%s where a hex digit of \\u should be", s.here(at))
}

// notDigits marks the bytes of a word that are no digits, as special does.
func notDigits(w uint64) uint64 {
	w ^= '0' * lowBits
	return (w + 0x76*lowBits | w) & highBits
}

// number reads the number that begins at a position, and returns where it ends
// and its hash.
func (s *scanner) number(at int) (end int, hash uint64) {
	if end, ok := s.commonNumber(at); ok {
		return end, s.seeds.within(s.seeds.number, s.raw, at, end)
	}
	if end = s.numeral(at); end < 0 {
		return none, 0
	}
	s.scratch = appendNumber(s.scratch[:0], s.raw[at:end])
	return end, s.scratchHash(s.seeds.number)
}

// commonNumber takes a number as nearly all are written: in canonical form,
// with at most 7 digits before the point and at most 6 after it.
func (s *scanner) commonNumber(at int) (end int, ok bool) {
	raw := s.raw
	if at < 0 || at >= len(raw)-20 {
		return at, false
	}
	negative := raw[at] == '-'
	if negative {
		at++
	}
	w := binary.LittleEndian.Uint64(raw[at:])
	n := first(notDigits(w))
	if n == 0 || n == 8 || byte(w) == '0' && (n > 1 || negative) {
		return at, false
	}
	at += n
	c := byte(w >> (8 * uint(n)))
	if c == '.' {
		w = binary.LittleEndian.Uint64(raw[at+1:])
		n = first(notDigits(w))
		if n == 0 || n > 6 || byte(w>>(8*uint(n-1))) == '0' {
			return at, false
		}
		at += 1 + n
		c = byte(w >> (8 * uint(n)))
	}
	return at, c|0x20 != 'e' && c != '.'
}

// numeral takes a number in any notation.
func (s *scanner) numeral(at int) int {
	if s.peek(at) == '-' {
		at++
	}
	if s.peek(at) == '0' {
		at++ // Nothing may follow a leading zero.
	} else if at = s.run(at); at < 0 {
		return none
	}
	if s.peek(at) == '.' {
		if at = s.run(at + 1); at < 0 {
			return none
		}
	}
	if s.peek(at)|0x20 == 'e' {
		at++
		if c := s.peek(at); c == '+' || c == '-' {
			at++
		}
		return s.run(at)
	}
	return at
}

// run takes at least one digit.
func (s *scanner) run(at int) int {
	if !isDigit(s.peek(at)) {
		return s.fail(at, "%s where a digit should be", s.here(at))
	}
	for isDigit(s.peek(at)) {
		at++
	}
	return at
}

// literal takes null, true or false.
func (s *scanner) literal(at int, word string, hash uint64) (int, uint64) {
	if !bytes.HasPrefix(s.raw[at:], []byte(word)) {
		return s.fail(at, "%s where a value should be", s.here(at)), 0
	}
	return at + len(word), hash
}

// scalar reads a value that is no container, and returns where it ends and its
// hash.
func (s *scanner) scalar(at int) (end int, hash uint64) {
	switch c := s.peek(at); {
	case c == '"':
		return s.text(at)
	case c == '-' || isDigit(c):
		return s.number(at)
	case c == 't':
		return s.literal(at, "true", s.seeds.truth)
	case c == 'f':
		return s.literal(at, "false", s.seeds.falsehood)
	case c == 'n':
		return s.literal(at, "null", s.seeds.null)
	default:
		return s.fail(at, "%s where a value should be", s.here(at)), 0
	}
}

// rounded is the hash of a number of which only some digits count.
func (s *scanner) rounded(raw []byte, digits int) uint64 {
	s.scratch = appendRounded(s.scratch[:0], raw, digits)
	return s.scratchHash(s.seeds.number)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
