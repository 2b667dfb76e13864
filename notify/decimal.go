package notify

import (
	"cmp"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// maxDecimalDigits bounds the digits that a number is written out with.
const maxDecimalDigits = 400

// isDecimal says whether a text is a number as JSON has it.
func isDecimal(s string) bool {
	return s != "" && (s[0] == '-' || '0' <= s[0] && s[0] <= '9') && strings.TrimSpace(s) == s && gjson.Valid(s)
}

// compareNumbers compares two numbers. Those with 75 digits or fewer are compared
// exactly.
func compareNumbers(a, b string) int {
	x, _, errX := big.ParseFloat(a, 10, 256, big.ToNearestEven)
	y, _, errY := big.ParseFloat(b, 10, 256, big.ToNearestEven)
	if errX != nil || errY != nil {
		return cmp.Compare(a, b) // beyond all exponents
	}
	return x.Cmp(y)
}

// templateNumber writes a number with so many digits after the point, a half
// rounded away from zero, and a separator between thousands. A number of more
// digits than anybody reads stays as it is.
func templateNumber(digits int, separator string, v any) (string, error) {
	s := text(v)
	switch {
	case s == "":
		return "", nil
	case digits < 0 || digits > 100:
		return "", fmt.Errorf("%d digits after the point: the number must be from 0 to 100", digits)
	case !isDecimal(s):
		return "", fmt.Errorf("%q is no number", shorten(s, 64))
	}
	if _, exponent, ok := strings.Cut(strings.ToLower(s), "e"); ok {
		n, err := strconv.ParseFloat(exponent, 64)
		if tooLong := err != nil || n > maxDecimalDigits || n < -maxDecimalDigits; tooLong {
			return s, nil
		}
	}
	exact, ok := new(big.Rat).SetString(s)
	if !ok || len(s) > maxDecimalDigits {
		return s, nil
	}
	whole, fraction, _ := strings.Cut(exact.FloatString(digits), ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	for i := len(whole) - 3; i > 0 && separator != ""; i -= 3 {
		whole = whole[:i] + separator + whole[i:]
	}
	return sign + whole + fraction, nil
}
