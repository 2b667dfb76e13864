package expression

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// decimalForm is a number in JSON.
var decimalForm = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// decimal reads a number exactly, from a JSON number or from a text that is
// written as one, as APIs send prices. Nil stands for nil. Where its digits
// would take too much memory it is as exact as a double.
func decimal(value any) (*big.Rat, error) {
	var text string
	switch value := value.(type) {
	case nil:
		return nil, nil
	case json.Number:
		text = string(value)
	case string:
		text = strings.TrimSpace(value)
	default:
		return nil, fmt.Errorf("%s is no number", nameOfValue(value))
	}
	if !decimalForm.MatchString(text) {
		return nil, fmt.Errorf("%.40q is no number", text)
	}
	const digits, exponent = 400, 400
	if _, e, ok := strings.Cut(strings.ToLower(text), "e"); ok || len(text) > digits {
		n, err := strconv.Atoi(e)
		if len(text) > digits || err != nil || n > exponent || n < -exponent {
			f, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, fmt.Errorf("%.40q is beyond all numbers", text)
			}
			return new(big.Rat).SetFloat64(f), nil
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("%.40q is no number", text)
	}
	return r, nil
}

// fromDecimal gives an integer where it is one that fits, else the nearest double.
func fromDecimal(r *big.Rat) any {
	if r.IsInt() && r.Num().IsInt64() {
		if n := r.Num().Int64(); n >= math.MinInt && n <= math.MaxInt {
			return int(n)
		}
	}
	f, _ := r.Float64()
	return f
}

// same says whether two values that were decoded are equal: 1 and 1.0 are.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, member := range a {
			other, ok := b[name]
			if !ok || !same(member, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || sameNumber(a, b))
	default:
		return a == b
	}
}

func sameNumber(a, b json.Number) bool {
	x, errX := decimal(a)
	y, errY := decimal(b)
	return errX == nil && errY == nil && x.Cmp(y) == 0
}
