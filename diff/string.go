package diff

import (
	"bytes"
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
		dst = append(dst, inner[:i]...)
		c := inner[i+1]
		inner = inner[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := parseHex(inner)
			inner = inner[4:]
			if bytes.HasPrefix(inner, []byte(`\u`)) {
				if pair := utf16.DecodeRune(r, parseHex(inner[2:])); pair != utf8.RuneError {
					r = pair
					inner = inner[6:]
				}
			}
			dst = appendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// parseHex reads four hex digits.
func parseHex(b []byte) rune {
	r := rune(0)
	for _, c := range b[:4] {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		r = r<<4 | rune(c)
	}
	return r
}

// appendRune appends a rune, which may be half of a surrogate pair.
func appendRune(dst []byte, r rune) []byte {
	if utf16.IsSurrogate(r) {
		return append(dst, 0xE0|byte(r>>12), 0x80|byte(r>>6&0x3F), 0x80|byte(r&0x3F))
	}
	return utf8.AppendRune(dst, r)
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
