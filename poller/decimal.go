package poller

import (
	"cmp"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// decimal is a number exactly as it is written: -0.digits times ten to the exp,
// or without the sign. A double would merge neighbours beyond 2^53.
type decimal struct {
	negative bool
	digits   string // without zeros at either end; empty for zero
	exp      int64
}

// maxDecimal is the length up to which a text is taken for a number.
const maxDecimal = 400

// parseDecimal reads a number as JSON writes it.
func parseDecimal(text string) (decimal, bool) {
	if len(text) > maxDecimal {
		return decimal{}, false
	}
	var d decimal
	text, d.negative = strings.CutPrefix(text, "-")
	mantissa, exponent, hasExponent := text, "", false
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent, hasExponent = text[:i], text[i+1:], true
	}
	if hasExponent {
		exp, err := strconv.ParseInt(exponent, 10, 32)
		if err != nil {
			return decimal{}, false
		}
		d.exp = exp
	}
	whole, fraction, hasPoint := strings.Cut(mantissa, ".")
	if !isDigits(whole) || hasPoint && !isDigits(fraction) || len(whole) > 1 && whole[0] == '0' {
		return decimal{}, false
	}
	digits := whole + fraction
	d.exp += int64(len(whole))
	kept := strings.TrimLeft(digits, "0")
	d.exp -= int64(len(digits) - len(kept))
	d.digits = strings.TrimRight(kept, "0")
	if d.digits == "" {
		d = decimal{}
	}
	return d, true
}

func (d decimal) compare(o decimal) int {
	if s := cmp.Compare(d.sign(), o.sign()); s != 0 || d.digits == "" {
		return s
	}
	order := cmp.Or(cmp.Compare(d.exp, o.exp), strings.Compare(d.digits, o.digits))
	if d.negative {
		return -order
	}
	return order
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	default:
		return 1
	}
}

// epoch units, by how many digits today's time has before the point.
var epochUnits = map[int64]time.Duration{
	9: time.Second, 10: time.Second, 12: time.Millisecond, 13: time.Millisecond,
	15: time.Microsecond, 16: time.Microsecond, 18: time.Nanosecond, 19: time.Nanosecond,
}

// epoch reads a number as a time since 1970, whose unit its size tells; false
// where it is too small or too large for one.
func (d decimal) epoch() (at time.Time, unit time.Duration, ok bool) {
	unit, ok = epochUnits[d.exp]
	if !ok || d.sign() <= 0 {
		return time.Time{}, 0, false
	}
	return time.Unix(0, scaled(d.digits, d.exp, unit)).UTC(), unit, true
}

// scaled returns 0.digits times ten to the exp units in nanoseconds. What is too
// late for them, in the year 2262, is as late as they go.
func scaled(digits string, exp int64, unit time.Duration) int64 {
	n, _ := new(big.Int).SetString(digits, 10) // digits are digits
	n.Mul(n, big.NewInt(int64(unit)))
	shift := exp - int64(len(digits))
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(shift, -shift)), nil)
	if shift < 0 {
		n.Quo(n, power)
	} else {
		n.Mul(n, power)
	}
	if !n.IsInt64() {
		return math.MaxInt64
	}
	return n.Int64()
}

// plainNumber is a number that is written without an exponent.
type plainNumber struct {
	value *big.Int // all its digits as a whole number
	scale int      // how many of them stand behind the point
}

func parsePlain(text string) (plainNumber, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	value, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok || strings.ContainsAny(text, "eE_") {
		return plainNumber{}, false
	}
	return plainNumber{value, len(fraction)}, true
}

// String writes it with as many digits behind the point as it was read with.
func (p plainNumber) String() string {
	digits := new(big.Int).Abs(p.value).String()
	if missing := p.scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if p.scale > 0 {
		digits = digits[:len(digits)-p.scale] + "." + digits[len(digits)-p.scale:]
	}
	if p.value.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// of returns how much a duration is in its last digit, counted in units.
func (p plainNumber) of(d, unit time.Duration) *big.Int {
	n := new(big.Int).Mul(big.NewInt(int64(d)), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(p.scale)), nil))
	return n.Quo(n, big.NewInt(int64(unit)))
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
