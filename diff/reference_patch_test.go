package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// patchSlowly is the slow judge of patches: it applies a decoded patch document
// to a decoded value, which it modifies, word for word as RFC 6902 says. It
// shares no code with the package. The error names the operation.
func patchSlowly(v any, patch []any) (any, error) {
	for i, o := range patch {
		var err error
		if v, err = operateSlowly(v, o.(map[string]any)); err != nil {
			return nil, fmt.Errorf("operation %d: %w", i, err)
		}
	}
	return v, nil
}

func operateSlowly(v any, o map[string]any) (any, error) {
	op, path := o["op"].(string), o["path"].(string)
	steps := strings.Split(path, "/")[1:]
	switch op {
	case "add", "remove", "replace":
		return alter(v, steps, op, o["value"])
	case "test":
		found, err := seek(v, steps)
		if err == nil && !equalJSON(found, o["value"]) {
			err = errors.New("the test fails")
		}
		return v, err
	}
	from := o["from"].(string)
	found, err := seek(v, strings.Split(from, "/")[1:])
	switch {
	case err != nil:
		return nil, err
	case op == "copy":
		return alter(v, steps, "add", copyAny(found))
	case from == path:
		return v, nil
	case strings.HasPrefix(path, from+"/"):
		return nil, errors.New("into itself")
	}
	if v, err = alter(v, strings.Split(from, "/")[1:], "remove", nil); err != nil {
		return nil, err
	}
	return alter(v, steps, "add", found)
}

// alter adds, removes or replaces what the steps lead to in v.
func alter(v any, steps []string, op string, value any) (any, error) {
	if len(steps) == 0 {
		if op == "remove" {
			return nil, errors.New("nothing would be left")
		}
		return value, nil
	}
	within := len(steps) > 1 || op == "replace"
	switch v := v.(type) {
	case map[string]any:
		name := stepOf(steps[0])
		old, there := v[name]
		switch {
		case !there && (within || op == "remove"):
			return nil, errors.New("no such member")
		case within:
			changed, err := alter(old, steps[1:], op, value)
			v[name] = changed
			return v, err
		case op == "remove":
			delete(v, name)
		default:
			v[name] = value
		}
		return v, nil
	case []any:
		limit, step := len(v), steps[0]
		if !within && op == "add" {
			if limit++; step == "-" {
				step = strconv.Itoa(len(v))
			}
		}
		i, err := strconv.Atoi(step)
		switch {
		case err != nil || i < 0 || i >= limit || strconv.Itoa(i) != step:
			return nil, errors.New("no such element")
		case within:
			v[i], err = alter(v[i], steps[1:], op, value)
			return v, err
		case op == "remove":
			return slices.Delete(v, i, i+1), nil
		default:
			return slices.Insert(v, i, value), nil
		}
	default:
		return nil, errors.New("not a container")
	}
}

// seek returns what the steps lead to in v.
func seek(v any, steps []string) (any, error) {
	for _, step := range steps {
		there := false
		switch in := v.(type) {
		case map[string]any:
			v, there = in[stepOf(step)]
		case []any:
			if i, err := strconv.Atoi(step); err == nil && 0 <= i && i < len(in) && strconv.Itoa(i) == step {
				v, there = in[i], true
			}
		}
		if !there {
			return nil, errors.New("no such place")
		}
	}
	return v, nil
}

func stepOf(step string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(step) }

func copyAny(v any) any {
	switch v := v.(type) {
	case map[string]any:
		other := make(map[string]any, len(v))
		for name, value := range v {
			other[name] = copyAny(value)
		}
		return other
	case []any:
		other := make([]any, len(v))
		for i := range v {
			other[i] = copyAny(v[i])
		}
		return other
	}
	return v
}

// decoded is a value of the generator as the standard library would decode it,
// without being written and read.
func decoded(v any) any {
	switch v := v.(type) {
	case decimal:
		return json.Number(v.digits + "e" + strconv.Itoa(v.exp))
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = decoded(v[i])
		}
		return list
	case fields:
		object := make(map[string]any, len(v))
		for _, f := range v {
			object[f.name] = decoded(f.value)
		}
		return object
	}
	return v
}

// sameValue reports whether two values of the generator are equal.
func sameValue(x, y any) bool {
	switch x := x.(type) {
	case decimal:
		y, ok := y.(decimal)
		return ok && x.normal() == y.normal()
	case []any:
		y, ok := y.([]any)
		return ok && slices.EqualFunc(x, y, sameValue)
	case fields:
		y, ok := y.(fields)
		if !ok || len(x) != len(y) {
			return false
		}
		for _, f := range x {
			i := slices.IndexFunc(y, func(other field) bool { return other.name == f.name })
			if i < 0 || !sameValue(f.value, y[i].value) {
				return false
			}
		}
		return true
	}
	switch y.(type) {
	case []any, fields:
		return false
	}
	return x == y
}

// isValue reports whether a decoded value is one of the generator.
func isValue(got, want any) bool {
	switch want := want.(type) {
	case decimal:
		got, ok := got.(json.Number)
		return ok && decimalOf(got.String()).normal() == want.normal()
	case []any:
		got, ok := got.([]any)
		return ok && slices.EqualFunc(got, want, isValue)
	case fields:
		got, ok := got.(map[string]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for _, f := range want {
			if value, there := got[f.name]; !there || !isValue(value, f.value) {
				return false
			}
		}
		return true
	}
	switch got.(type) {
	case []any, map[string]any:
		return false
	}
	return got == want
}

// normal is the one decimal of those with the same value that has no zeros at
// its ends.
func (d decimal) normal() decimal {
	digits, negative := strings.CutPrefix(d.digits, "-")
	digits = strings.TrimLeft(digits, "0")
	shorter := strings.TrimRight(digits, "0")
	if shorter == "" {
		return decimal{digits: "0"}
	}
	n := decimal{shorter, d.exp + len(digits) - len(shorter)}
	if negative {
		n.digits = "-" + n.digits
	}
	return n
}

// decimalOf is a number that is written in JSON, with an exponent that is small.
func decimalOf(s string) decimal {
	exp := 0
	if e := strings.IndexAny(s, "eE"); e >= 0 {
		exp, _ = strconv.Atoi(s[e+1:])
		s = s[:e]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	return decimal{whole + fraction, exp - len(fraction)}
}
