package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written with a unit: 512B, 10MiB, 1GiB, or decimal
// 500kB, 10MB.
type Size int64

var errSize = errors.New("this is no size; write a whole number with a unit, such as 512KiB, 10MiB or 1GiB")

// sizeUnits are tried in this order: B is the end of all others.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"kB", 1e3},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"B", 1},
}

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	for _, unit := range sizeUnits {
		digits, found := strings.CutSuffix(string(text), unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(digits, " "), 10, 63)
		if err != nil || n > uint64(math.MaxInt64/unit.bytes) {
			return errSize
		}
		*s = Size(int64(n) * unit.bytes)
		return nil
	}
	return errSize
}

// String writes the size in the largest binary unit that gives a whole number.
func (s Size) String() string {
	for _, unit := range []int{2, 1, 0} {
		if n := sizeUnits[unit].bytes; s != 0 && int64(s)%n == 0 {
			return strconv.FormatInt(int64(s)/n, 10) + sizeUnits[unit].name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// MarshalText writes the size as String does.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// pattern is what the schema says of a size.
func (Size) pattern() string { return `^\d+ ?([KMG]iB|[kKMG]?B)$` }
