package diff

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnescaped appends what a valid string means, given what stands between
// its quotes. Half of a surrogate pair, which an escape can give but UTF-8
// cannot, becomes the three bytes that UTF-8 would have for it (WTF-8): so it
// stays apart from any other character, U+FFFD too.
func appendUnescaped(dst, inner []byte) []byte {
	for {
		i := bytes.IndexByte(inner, '\\')
		if i < 0 {
			return append(dst, inner...)
		}
		r, size := unescape(inner[i:])
		dst = appendRune(append(dst, inner[:i]...), r)
		inner = inner[i+size:]
	}
}

// unescape reads the escape that b begins with, or two that make a surrogate
// pair. The size is 0 where there is none.
func unescape(b []byte) (r rune, size int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch c := b[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return 0, 0
	}
	r, ok := parseHex(b[2:])
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if low, ok := parseHex(b[8:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
	}
	return r, 6
}

// parseHex reads four hex digits.
func parseHex(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendRune appends a rune, which may be half of a surrogate pair.
func appendRune(dst []byte, r rune) []byte {
	switch {
	case r < utf8.RuneSelf:
		return append(dst, byte(r))
	case utf16.IsSurrogate(r):
		return append(dst, 0xE0|byte(r>>12), 0x80|byte(r>>6&0x3F), 0x80|byte(r&0x3F))
	default:
		return utf8.AppendRune(dst, r)
	}
}

// runeBytes is what appendRune appends, as a word.
func runeBytes(r rune) (w uint64, n int) {
	if r < utf8.RuneSelf {
		return uint64(r), 1
	}
	var bytes [8]byte
	n = len(appendRune(bytes[:0], r))
	return binary.LittleEndian.Uint64(bytes[:]), n
}

// surrogate returns the half of a surrogate pair that b begins with, if it does.
func surrogate(b []byte) (rune, bool) {
	if len(b) < 3 || b[0] != 0xED || b[1] < 0xA0 {
		return 0, false
	}
	return 0xD000 | rune(b[1]&0x3F)<<6 | rune(b[2]&0x3F), true
}

const hexDigits = "0123456789abcdef"

// appendString appends a string in canonical form: quoted, with no more
// escapes than JSON requires. Half of a surrogate pair is escaped too.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != 0xED {
			continue
		}
		r, half := surrogate(s[i:])
		if c == 0xED && !half {
			continue
		}
		dst = append(dst, s[done:i]...)
		if half {
			dst = appendUnicodeEscape(dst, r)
			i += 2
		} else {
			dst = appendEscape(dst, c)
		}
		done = i + 1
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}

// appendEscape appends the escape of an ASCII character that needs one.
func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return appendUnicodeEscape(dst, rune(c))
	}
}

func appendUnicodeEscape(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u',
		hexDigits[r>>12&0xF], hexDigits[r>>8&0xF], hexDigits[r>>4&0xF], hexDigits[r&0xF])
}

// compareNames orders names by their UTF-16 code units, as RFC 8785 asks for.
// That is the order of their bytes, but for characters beyond U+FFFF.
func compareNames(a, b []byte) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	if i == len(a) || i == len(b) {
		return len(a) - len(b)
	}
	for i > 0 && (!utf8.RuneStart(a[i]) || !utf8.RuneStart(b[i])) {
		i--
	}
	// One character on each side is not always enough: half of a pair and a
	// whole pair may have their first unit in common.
	x, y := units(a[i:]), units(b[i:])
	for k := 0; k < len(x) && k < len(y); k++ {
		if x[k] != y[k] {
			return int(x[k]) - int(y[k])
		}
	}
	return len(x) - len(y)
}

// units returns the first UTF-16 code units of a string: those of two
// characters, or of one where that is all there is.
func units(s []byte) []uint16 {
	u := make([]uint16, 0, 4)
	for range 2 {
		if len(s) == 0 {
			break
		}
		if r, half := surrogate(s); half {
			u = append(u, uint16(r))
			s = s[3:]
			continue
		}
		r, size := utf8.DecodeRune(s)
		u = utf16.AppendRune(u, r)
		s = s[size:]
	}
	return u
}
