package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// parseAny reads JSON with the standard library, numbers as they are written.
func parseAny(raw []byte) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(fmt.Sprintf("decode %s: %v", raw, err))
	}
	return v
}

// equalJSON is the slow judge of equality: values of the standard library,
// numbers as fractions. It shares no code with the package.
func equalJSON(x, y any) bool {
	switch x := x.(type) {
	case map[string]any:
		y, ok := y.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for name, value := range x {
			if other, ok := y[name]; !ok || !equalJSON(value, other) {
				return false
			}
		}
		return true
	case []any:
		y, ok := y.([]any)
		return ok && slices.EqualFunc(x, y, equalJSON)
	case json.Number:
		y, ok := y.(json.Number)
		return ok && fraction(x).Cmp(fraction(y)) == 0
	default:
		return x == y
	}
}

func fraction(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		panic("not a number: " + n)
	}
	return r
}

// without removes what ignore paths name from a decoded value, path by path.
func without(v any, paths ...string) any {
	for _, path := range paths {
		v, _ = drop(v, strings.Split(path, "."))
	}
	return v
}

// drop removes one path. Elements are marked first, as their indexes must not move.
func drop(v any, steps []string) (kept any, gone bool) {
	if len(steps) == 0 {
		return nil, true
	}
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if steps[0] != "*" && steps[0] != name {
				continue
			}
			if kept, gone := drop(value, steps[1:]); gone {
				delete(v, name)
			} else {
				v[name] = kept
			}
		}
	case []any:
		for i, value := range v {
			if steps[0] != "#" && steps[0] != big.NewInt(int64(i)).String() {
				continue
			}
			if kept, gone := drop(value, steps[1:]); gone {
				v[i] = hole{}
			} else {
				v[i] = kept
			}
		}
	}
	return v, false
}

// hole stands for an element that was dropped.
type hole struct{}

// fill takes the holes out of a value.
func fill(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			v[name] = fill(value)
		}
	case []any:
		kept := []any{}
		for _, value := range v {
			if value != (hole{}) {
				kept = append(kept, fill(value))
			}
		}
		return kept
	}
	return v
}

func mustCompile(tb testing.TB, o Options) *Rules {
	tb.Helper()
	r, err := Compile(o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func mustCompare(tb testing.TB, before, after string, r *Rules) Result {
	tb.Helper()
	var old []byte
	if before != "" {
		old = []byte(before)
	}
	result, err := Compare(old, []byte(after), r)
	if err != nil {
		tb.Fatal(err)
	}
	return result
}

// hashes are the hash of a change and the previous one.
func hashes(c Change) [2]string { return [2]string{c.Hash(), c.PreviousHash()} }

// differ says where two results differ in what they tell.
func differ(want, got any) string { return cmp.Diff(want, got, cmpopts.IgnoreUnexported(Change{})) }

// show writes changes for the message of a failed test.
func show(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "\n  %s %q %s -> %s changed %q patch %s",
			c.Kind, c.Key, c.Before, c.After, c.Changed(), AppendPatch(nil, c.Patch))
	}
	return b.String()
}

// patchAny applies operations to a decoded value, as RFC 6902 says.
func patchAny(v any, patch []Operation) any {
	for _, o := range patch {
		v = applyAny(v, o, strings.Split(o.Path, "/")[1:])
	}
	return v
}

func applyAny(v any, o Operation, path []string) any {
	if len(path) == 0 {
		return parseAny(o.Value)
	}
	step := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	switch v := v.(type) {
	case map[string]any:
		if _, there := v[step]; there == (o.Op == "add" && len(path) == 1) {
			panic(fmt.Sprintf("%s %s: member there is %v", o.Op, o.Path, there))
		}
		if len(path) == 1 && o.Op == "remove" {
			delete(v, step)
		} else {
			v[step] = applyAny(v[step], o, path[1:])
		}
		return v
	case []any:
		i, err := strconv.Atoi(step)
		switch {
		case err != nil:
			panic(err)
		case len(path) > 1 || o.Op == "replace":
			v[i] = applyAny(v[i], o, path[1:])
			return v
		case o.Op == "remove":
			return slices.Delete(v, i, i+1)
		default:
			return slices.Insert(v, i, parseAny(o.Value))
		}
	default:
		panic(fmt.Sprintf("%s %s leads through %v", o.Op, o.Path, v))
	}
}

// mergeAny merges decoded values, as RFC 7396 has it in section 2. The target
// is modified.
func mergeAny(target, patch any) any {
	members, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, ok := target.(map[string]any)
	if !ok {
		merged = map[string]any{}
	}
	for name, value := range members {
		if value == nil {
			delete(merged, name)
		} else {
			merged[name] = mergeAny(merged[name], value)
		}
	}
	return merged
}
