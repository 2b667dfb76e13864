package diff

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checkPointer checks a JSON pointer (RFC 6901). As names may have half of a
// surrogate pair, it may too (see appendUnescaped).
func checkPointer(p string) error {
	if p != "" && p[0] != '/' {
		return errors.New("must be empty or begin with /")
	}
	for rest := p; ; {
		i := strings.IndexByte(rest, '~')
		if i < 0 {
			break
		}
		rest = rest[i+1:]
		if rest == "" || rest[0] != '0' && rest[0] != '1' {
			return errors.New("has a ~ that is not followed by 0 or 1")
		}
	}
	if !utf8.ValidString(p) && !validHalves([]byte(p)) {
		return errors.New("is not UTF-8")
	}
	return nil
}

// validHalves reports whether s is UTF-8 but for halves of surrogate pairs, of
// which no two make a pair.
func validHalves(s []byte) bool {
	wasHigh := false
	for len(s) > 0 {
		if half, ok := surrogate(s); ok && len(s) >= 3 && !utf8.RuneStart(s[1]) && !utf8.RuneStart(s[2]) {
			isLow := half >= 0xDC00
			if wasHigh && isLow {
				return false
			}
			wasHigh = !isLow
			s = s[3:]
			continue
		}
		r, size := utf8.DecodeRune(s)
		if r == utf8.RuneError && size <= 1 {
			return false
		}
		wasHigh = false
		s = s[size:]
	}
	return true
}

// firstStep takes the first step off a pointer that has one.
func firstStep(pointer string) (step, rest string) {
	pointer = pointer[1:]
	if i := strings.IndexByte(pointer, '/'); i >= 0 {
		return pointer[:i], pointer[i:]
	}
	return pointer, ""
}

// lastStep divides a pointer that has steps into the last one and what leads there.
func lastStep(pointer string) (parent, step string) {
	i := strings.LastIndexByte(pointer, '/')
	return pointer[:i], pointer[i+1:]
}

// stepName is the name of a member that a step leads to.
func stepName(step string) string {
	if strings.IndexByte(step, '~') < 0 {
		return step
	}
	return strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
}

// appendPointerStep appends a member's name to a JSON pointer (RFC 6901,
// section 3).
func appendPointerStep(path, name []byte) []byte {
	path = append(path, '/')
	for _, c := range name {
		switch c {
		case '~':
			path = append(path, '~', '0')
		case '/':
			path = append(path, '~', '1')
		default:
			path = append(path, c)
		}
	}
	return path
}

// stepIndex is the index that a step leads to, which is below limit, in an array
// of count elements.
func stepIndex(step string, limit, count int) (int, error) {
	if step == "-" {
		return 0, errors.New("- stands for no element that is there")
	}
	digits := 0
	for digits < len(step) && isDigit(step[digits]) {
		digits++
	}
	if step == "" || digits < len(step) || step[0] == '0' && digits > 1 {
		return 0, fmt.Errorf("%q is no index of an array", shortened(step))
	}
	i, err := strconv.Atoi(step)
	if err != nil || i >= limit {
		return 0, fmt.Errorf("index %s is beyond the end of an array of %d", shortened(step), count)
	}
	return i, nil
}
