package diff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// FuzzApply applies any patch to any document. What comes of it is JSON, and
// what the reference makes of it; where a library of others succeeds too, the
// same.
func FuzzApply(f *testing.F) {
	for _, s := range [][2]string{
		{`{"a":[1,{"b":null}]}`, `[{"op":"add","path":"/a/-","value":1.0},{"op":"remove","path":"/a/0"},{"op":"test","path":"/a/1","value":1}]`},
		{`{"a":{"x":1},"b":2}`, `[{"op":"move","from":"/a","path":"/c"},{"op":"copy","from":"/c","path":"/c/y"},{"op":"replace","path":"","value":[]}]`},
		{`[[],"\ud800"]`, `[{"op":"copy","from":"","path":"/0/0"},{"op":"test","path":"/0/0/1","value":"\udc00"}]`},
		{`{"/":1,"~":2,"":3}`, `[{"op":"remove","path":"/~1"},{"op":"remove","path":"/~0"},{"op":"remove","path":"/"}]`},
	} {
		f.Add([]byte(s[0]), []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, doc, patch []byte) {
		operations, err := ParsePatch(patch)
		if err != nil {
			if !errors.Is(err, ErrBadPatch) {
				t.Fatalf("%q: %v is not ErrBadPatch", patch, err)
			}
			return
		}
		got, err := Apply(doc, operations)
		if err != nil {
			if !errors.Is(err, ErrPatchConflict) && !errors.Is(err, ErrInvalidJSON) {
				t.Fatalf("%q with %q: %v is neither of its errors", doc, patch, err)
			}
		} else if !json.Valid(got) {
			t.Fatalf("%q with %q becomes %q, which is not JSON", doc, patch, got)
		}
		if errors.Is(err, ErrInvalidJSON) || !isPlain(doc) || !isPlain(patch) {
			return
		}
		want, wrong := patchSlowly(parseAny(doc), parseAny(AppendPatch(nil, operations)).([]any))
		if (wrong == nil) != (err == nil) || err == nil && !equalJSON(parseAny(got), want) {
			t.Fatalf("%q with %q becomes %q (%v), want %v (%v)", doc, patch, got, err, want, wrong)
		}
		if err != nil || slices.ContainsFunc(operations, theirsDiffers) {
			return
		}
		if theirs, err := applyTheirs(doc, operations); err == nil && !equalJSON(parseAny(theirs), want) {
			t.Fatalf("%q with %q becomes %q, by the library %q", doc, patch, got, theirs)
		}
	})
}

// FuzzCompareAgainstReference compares any two documents, and judges what is
// told of them by the slow reference.
func FuzzCompareAgainstReference(f *testing.F) {
	for _, s := range [][2]string{
		{`{"a":[1,-2.50e+3,true,null,"\u00e9\n"]}`, `{"a":[-2500,1,true,"é\n"],"b":{}}`},
		{`[{"id":1,"v":[]},{"id":2,"v":[1]},{"id":3}]`, `[{"id":3},{"id":1.0,"v":[]},{"id":2,"v":[1,2]}]`},
		{`[1,2,3,4,1,2]`, `[2,1,4,3,2,1,1e0]`},
		{`{"a":1,"a":2}`, ` {"\u0061":2.0}`},
	} {
		f.Add([]byte(s[0]), []byte(s[1]))
	}
	rules := tripRules(f)
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if _, err := Hash(before); err != nil || !isPlain(before) {
			return
		}
		if _, err := Hash(after); err != nil || !isPlain(after) {
			return
		}
		x, y := parseAny(before), parseAny(after)
		equal := equalJSON(x, y)
		for i, r := range rules {
			result, err := Compare(before, after, r)
			said := fmt.Sprintf("%q to %q by rules %d", before, after, i)
			if err != nil {
				t.Fatalf("%s: %v", said, err)
			}
			if changed := len(result.Changes) > 0; equal && changed || !equal && !changed && i < 2 {
				t.Fatalf("%s: changed is %v", said, changed)
			} else if !changed {
				continue
			}
			c := result.Changes[0]
			got, err := Apply(before, c.Patch)
			if err != nil || !equalJSON(parseAny(got), y) {
				t.Fatalf("%s: %s gives %q (%v)", said, AppendPatch(nil, c.Patch), got, err)
			}
			if tested, err := Apply(before, WithTests(c.Patch)); err != nil || !bytes.Equal(tested, got) {
				t.Fatalf("%s: with tests it gives %q (%v)", said, tested, err)
			}
		}
		patch, err := MergePatch(before, after)
		if cannot := setsNull(x, y); cannot != (err != nil) {
			t.Fatalf("%q to %q: merge %v, but a null to set is %v", before, after, err, cannot)
		} else if !cannot && !equalJSON(mergeAny(x, parseAny(patch)), y) {
			t.Fatalf("%q to %q: merge patch %q", before, after, patch)
		}
	})
}

// FuzzComparePages splits any two lists into pages of one item each, and of all.
func FuzzComparePages(f *testing.F) {
	f.Add([]byte(`[{"id":1},{"id":2,"n":[1]},{"id":"3"}]`), []byte(`[{"id":2,"n":[2]},{"id":1.0},{"id":4}]`), uint8(1))
	f.Add([]byte(`[{"id":1,"id":2}]`), []byte(`[{"id":2},{"id":"2"}]`), uint8(3))
	f.Add([]byte(`[{"id":"\u0061"}]`), []byte(` [ {"id":"a"} , {"id":"b"} ] `), uint8(0))
	r := mustCompile(f, Options{Items: &Items{Key: []string{"id"}}, Ignore: []string{"at"}})
	f.Fuzz(func(t *testing.T, before, after []byte, size uint8) {
		var was, now []json.RawMessage
		if !isPlain(before) || !isPlain(after) || json.Unmarshal(before, &was) != nil || json.Unmarshal(after, &now) != nil {
			return
		}
		want, wantErr := Compare(before, after, r)
		got, err := ComparePages(chunked(was, int(size)), chunked(now, int(size)), r)
		if (err == nil) != (wantErr == nil) || errors.Is(err, ErrBefore) != errors.Is(wantErr, ErrBefore) {
			t.Fatalf("%q to %q: got %v, want %v", before, after, err, wantErr)
		}
		if d := differ(want, got); err == nil && d != "" {
			t.Fatalf("%q to %q (-want +got):\n%s", before, after, d)
		}
	})
}

// chunked makes pages of so many items.
func chunked(items []json.RawMessage, size int) *listPages {
	if len(items) == 0 {
		return pagesOf("[]")
	}
	var bodies []string
	for chunk := range slices.Chunk(items, max(size, 1)) {
		parts := make([][]byte, len(chunk))
		for i, item := range chunk {
			parts[i] = item
		}
		bodies = append(bodies, "["+string(bytes.Join(parts, []byte{','}))+"]")
	}
	return pagesOf(bodies...)
}

// isPlain reports whether the standard library reads a text as this package
// does, and the judges can take it: no half of a surrogate pair, no exponents
// that make fractions of a size beyond reason, not too much of anything.
func isPlain(body []byte) bool {
	const most, digits = 4096, 3
	if len(body) > most || bytes.HasPrefix(body, bom) || bytes.Contains(bytes.ToLower(body), []byte(`\ud`)) {
		return false
	}
	for i, c := range body {
		if c|0x20 != 'e' {
			continue
		}
		exponent := bytes.TrimLeft(body[i+1:], "+-0")
		n := 0
		for n < len(exponent) && isDigit(exponent[n]) {
			n++
		}
		if n > digits {
			return false
		}
	}
	return true
}
