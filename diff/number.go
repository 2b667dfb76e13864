package diff

import (
	"bytes"
	"strconv"
)

// Numbers are exact decimals. Their canonical notation is the one that
// ECMAScript, and so RFC 8785, gives to doubles, but with all digits kept:
//
//   - no sign on zero, no leading zeros, no trailing zeros after the point;
//   - from 1e-6 up to below 1e21 without an exponent: 0.000001, 120;
//   - beyond, one digit before the point and a signed exponent: 1.5e+21, 1e-7.
//
// All that is done here is text, so that the work is bounded by how long the
// number is written, not by how large it is.

// plainDigits is how many digits an integer without exponent has at most.
const plainDigits = 21

// appendNumber appends the canonical notation of a valid number.
func appendNumber(dst, raw []byte) []byte { return appendRounded(dst, raw, 0) }

// appendRounded appends the canonical notation of a valid number, rounded to so
// many significant digits, a half away from zero. With 0 all digits are kept.
func appendRounded(dst, raw []byte, count int) []byte {
	negative := raw[0] == '-'
	raw = bytes.TrimPrefix(raw, []byte("-"))
	mantissa, exponent := raw, []byte(nil)
	if e := bytes.IndexAny(raw, "eE"); e >= 0 {
		mantissa, exponent = raw[:e], raw[e+1:]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	digits := make([]byte, 0, 64)
	digits = append(append(digits, whole...), fraction...)
	significant := bytes.TrimLeft(digits, "0")
	// The number is 0.SIGNIFICANT times ten to the power of point and exponent.
	point := int64(len(whole) - (len(digits) - len(significant)))
	significant = bytes.TrimRight(significant, "0")
	if len(significant) == 0 {
		return append(dst, '0')
	}
	if count > 0 && len(significant) > count {
		var carry bool
		if significant, carry = round(significant, count); carry {
			point++
		}
	}
	if negative {
		dst = append(dst, '-')
	}
	shift, ok := smallExponent(exponent)
	if !ok {
		dst = appendScientific(dst, significant)
		return appendHugeExponent(dst, exponent, point-1)
	}
	return appendDecimal(dst, significant, point+shift)
}

// round cuts digits down to count of them. With a carry they stand for ten times
// as much.
func round(digits []byte, count int) (rounded []byte, carry bool) {
	up := digits[count] >= '5'
	rounded = digits[:count]
	if up {
		more := increment(rounded)
		carry = len(more) > count
		rounded = more
	}
	return bytes.TrimRight(rounded, "0"), carry
}

// appendDecimal appends 0.SIGNIFICANT times ten to the power of point.
func appendDecimal(dst, significant []byte, point int64) []byte {
	count := int64(len(significant))
	switch {
	case count <= point && point <= plainDigits:
		dst = append(dst, significant...)
		return appendZeros(dst, point-count)
	case 0 < point && point <= plainDigits:
		dst = append(dst, significant[:point]...)
		dst = append(dst, '.')
		return append(dst, significant[point:]...)
	case -6 < point && point <= 0:
		dst = append(dst, '0', '.')
		dst = appendZeros(dst, -point)
		return append(dst, significant...)
	}
	dst = appendScientific(dst, significant)
	if point > 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, point-1, 10)
}

// appendScientific appends a mantissa with one digit before the point, and the e.
func appendScientific(dst, significant []byte) []byte {
	dst = append(dst, significant[0])
	if len(significant) > 1 {
		dst = append(dst, '.')
		dst = append(dst, significant[1:]...)
	}
	return append(dst, 'e')
}

func appendZeros(dst []byte, n int64) []byte {
	for range n {
		dst = append(dst, '0')
	}
	return dst
}

// smallDigits is how many digits an exponent has at most that is added to as
// an int64 without overflow.
const smallDigits = 18

// smallExponent returns the value of an exponent unless it has too many digits.
func smallExponent(exponent []byte) (int64, bool) {
	negative, digits := splitExponent(exponent)
	if len(digits) > smallDigits {
		return 0, false
	}
	value := parseDigits(digits)
	if negative {
		value = -value
	}
	return value, true
}

// appendHugeExponent appends the sum of an exponent that is not small and
// delta, with its sign. As delta is never longer than a document, the sum has
// the sign of the exponent.
func appendHugeExponent(dst, exponent []byte, delta int64) []byte {
	negative, digits := splitExponent(exponent)
	sign := byte('+')
	if negative {
		sign, delta = '-', -delta
	}
	const carry = 1_000_000_000_000_000_000 // ten to the power of smallDigits
	head := bytes.Clone(digits[:len(digits)-smallDigits])
	tail := parseDigits(digits[len(digits)-smallDigits:]) + delta
	switch {
	case tail >= carry:
		tail -= carry
		head = increment(head)
	case tail < 0:
		tail += carry
		decrement(head)
	}
	low := strconv.AppendInt(nil, tail, 10)
	head = appendZeros(head, int64(smallDigits-len(low)))
	head = append(head, low...)
	dst = append(dst, sign)
	return append(dst, bytes.TrimLeft(head, "0")...)
}

func splitExponent(exponent []byte) (negative bool, digits []byte) {
	negative = bytes.HasPrefix(exponent, []byte("-"))
	return negative, bytes.TrimLeft(exponent, "+-0")
}

func parseDigits(digits []byte) int64 {
	value := int64(0)
	for _, c := range digits {
		value = value*10 + int64(c-'0')
	}
	return value
}

// increment adds one to a decimal number.
func increment(digits []byte) []byte {
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] < '9' {
			digits[i]++
			return digits
		}
		digits[i] = '0'
	}
	return append([]byte{'1'}, digits...)
}

// decrement takes one from a decimal number that is not zero.
func decrement(digits []byte) {
	for i := len(digits) - 1; ; i-- {
		if digits[i] > '0' {
			digits[i]--
			return
		}
		digits[i] = '9'
	}
}
