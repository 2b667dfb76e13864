package diff

import (
	"errors"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestCompareDocuments(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, before, after string
		changed             []string
		patch               string
	}{
		{"equal", `{"a":1}`, `{"a":1}`, nil, `[]`},
		{"order and space", `{"a":1,"b":[1,{"c":null}]}`, ` {"b":[ 1.0,{"c":null}],"a":1 } `, nil, `[]`},
		{"byte order mark", `{"a":1}`, "\uFEFF" + `{"a":1}`, nil, `[]`},
		{"leaf", `{"a":{"b":1}}`, `{"a":{"b":2}}`, []string{"/a/b"}, `[{"op":"replace","path":"/a/b","value":2}]`},
		{"to null", `{"a":1}`, `{"a":null}`, []string{"/a"}, `[{"op":"replace","path":"/a","value":null}]`},
		{"added", `{}`, `{"a":{"b":1}}`, []string{"/a"}, `[{"op":"add","path":"/a","value":{"b":1}}]`},
		{"removed", `{"a":{"b":1}}`, `{}`, []string{"/a"}, `[{"op":"remove","path":"/a"}]`},
		{"null is not absent", `{"a":null}`, `{}`, []string{"/a"}, `[{"op":"remove","path":"/a"}]`},
		{"kind", `{"a":[]}`, `{"a":{}}`, []string{"/a"}, `[{"op":"replace","path":"/a","value":{}}]`},
		{"root scalar", `1`, `"1"`, []string{""}, `[{"op":"replace","path":"","value":"1"}]`},
		{"root kind", `{}`, `[]`, []string{""}, `[{"op":"replace","path":"","value":[]}]`},
		{"false and true", `[false]`, `[true]`, []string{"/0"}, `[{"op":"replace","path":"/0","value":true}]`},
		{
			"pointer escapes", `{"a/b":{"~":1},"":{"":1}}`, `{"a/b":{"~":2},"":{"":2}}`,
			[]string{"/a~1b/~0", "//"},
			`[{"op":"replace","path":"/a~1b/~0","value":2},{"op":"replace","path":"//","value":2}]`,
		},
		{
			"half a pair in a name", `{"\ud800":1}`, `{"\ud800":2}`,
			[]string{"/\xed\xa0\x80"},
			`[{"op":"replace","path":"/\ud800","value":2}]`,
		},
		{"value as it is written", `[1]`, `[ 1 , { "x" : 1.50 } ]`, []string{"/1"}, `[{"op":"add","path":"/1","value":{ "x" : 1.50 }}]`},
		{
			"gone before the rest", `{"x":1,"b":1,"y":1}`, `{"n":1,"b":2}`,
			[]string{"/x", "/y", "/n", "/b"},
			`[{"op":"remove","path":"/x"},{"op":"remove","path":"/y"},{"op":"add","path":"/n","value":1},{"op":"replace","path":"/b","value":2}]`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			result := mustCompare(t, tc.before, tc.after, mustCompile(t, Options{}))
			var c Change
			if len(result.Changes) > 0 {
				c = result.Changes[0]
			}
			if len(tc.changed)+len(c.Differences) > 0 && !slices.Equal(c.Changed(), tc.changed) {
				t.Errorf("changed %q, want %q", c.Changed(), tc.changed)
			}
			if got := string(AppendPatch(nil, c.Patch)); got != tc.patch {
				t.Errorf("patch %s, want %s", got, tc.patch)
			}
			if result.Before != 1 || result.After != 1 {
				t.Errorf("counts %d and %d", result.Before, result.After)
			}
		})
	}
}

func TestCompareTellsAllOfAChange(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Select: "doc", Ignore: []string{"at"}})
	want := Result{
		Changes: []Change{{
			Kind:        Updated,
			Before:      []byte(`{"at": 1, "n": 1.0}`),
			After:       []byte(`{"n":2,"at":2}`),
			Differences: []Difference{{Path: "/n", Before: []byte("1.0"), After: []byte("2")}},
			Patch: []Operation{
				{Op: "replace", Path: "/n", Value: []byte("2"), Old: []byte("1.0")},
				{Op: "replace", Path: "/at", Value: []byte("2"), Old: []byte("1")},
			},
		}},
		Before: 1, After: 1, BeforeAll: 1, AfterAll: 1,
	}
	got := mustCompare(t, `{"doc":{"at": 1, "n": 1.0}}`, `{"doc":{"n":2,"at":2}}`, r)
	if d := differ(want, got); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
	older, newer := sum([]byte(`{"n":1}`)), sum([]byte(`{"n":2}`))
	if h := hashes(got.Changes[0]); h != [2]string{newer, older} {
		t.Errorf("hashes %s", h)
	}
	want = Result{Changes: []Change{{Kind: Created, After: []byte(`{"n":2,"at":2}`)}}, After: 1, AfterAll: 1}
	got = mustCompare(t, "", `{"doc":{"n":2,"at":2}}`, r)
	if d := differ(want, got); d != "" {
		t.Errorf("first result (-want +got):\n%s", d)
	}
	if h := hashes(got.Changes[0]); h != [2]string{newer, ""} {
		t.Errorf("hashes %s", h)
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path, before, after string
		want                string // the value after, "" for no change
	}{
		{"@this", `[1]`, `[2]`, `[2]`},
		{"a", `{"a":1,"b":1}`, `{"a":1,"b":2}`, ""},
		{"a.0.b", `{"a":[{"b":"x"}]}`, `{"a":[{"b":"y"}]}`, `"y"`},
		{"list.#.id", `{"list":[{"id":1,"x":1}]}`, `{"list":[{"id":1,"x":2}]}`, ""},
		{"list.#.id", `{"list":[{"id":1}]}`, `{"list":[{"id":1},{"id":20000000000000000001}]}`, `[1,20000000000000000001]`},
		{"list.@reverse", `{"list":[1,2]}`, `{"list":[1,2,3]}`, `[3,2,1]`},
		{"{a,b}", `{"a":1,"b":1,"c":1}`, `{"a":1,"b":1.5,"c":2}`, `{"a":1,"b":1.5}`},
		{"#(id==2).v", `[{"id":1,"v":1},{"id":2,"v":1}]`, `[{"id":1,"v":2},{"id":2,"v":3}]`, `3`},
		{"a", `{"a":null}`, `{"a": [ ] }`, `[ ]`},
		{`a\.b`, `{"a.b":1}`, `{"a.b":2}`, `2`},
		{"caf\u00e9", `{"caf\u00e9":1}`, `{"café":2}`, `2`},
	} {
		result := mustCompare(t, tc.before, tc.after, mustCompile(t, Options{Select: tc.path}))
		got := ""
		if len(result.Changes) > 0 {
			got = string(result.Changes[0].After)
		}
		if got != tc.want {
			t.Errorf("select %s: got %s, want %s", tc.path, got, tc.want)
		}
	}
}

func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	document := mustCompile(t, Options{Select: "a.b"})
	list := mustCompile(t, Options{Items: &Items{Path: "data", Key: []string{"id"}}})
	for _, tc := range []struct {
		name          string
		before, after string
		r             *Rules
		is            error
		older         bool
		want          string
	}{
		{"error page", `{"a":{"b":1}}`, `<html>`, document, ErrInvalidJSON, false, "invalid JSON at byte 0: '<' where a value should be"},
		{"bad before", `{`, `{"a":{"b":1}}`, document, ErrInvalidJSON, true, "the older answer does not fit the rules: invalid JSON at byte 1: end where a member's name should be"},
		{"nothing selected", `{"a":{"b":1}}`, `{"a":{}}`, document, ErrNothingSelected, false, `nothing selected: select "a.b"`},
		{"nothing selected before", `{}`, `{"a":{"b":1}}`, document, ErrNothingSelected, true, `the older answer does not fit the rules: nothing selected: select "a.b"`},
		{"no list", "", `{"message":"API rate limit exceeded"}`, list, ErrNoList, false, `no list of items: items.path "data" leads to nothing`},
		{"list is an object", "", `{"data":{"id":1}}`, list, ErrNoList, false, `no list of items: items.path "data" is an object, not an array`},
		{"list is null", "", `{"data":null}`, list, ErrNoList, false, `no list of items: items.path "data" is null, not an array`},
		{"list was no list", `{"data":"x"}`, `{"data":[]}`, list, ErrNoList, true, `the older answer does not fit the rules: no list of items: items.path "data" is a string, not an array`},
		{"key missing", "", `{"data":[{"id":1},{"x":1}]}`, list, ErrBadKey, false, `bad item key: items[1]: id is missing`},
		{"item is a scalar", "", `{"data":[7]}`, list, ErrBadKey, false, `bad item key: items[0]: id is missing`},
		{"key null", "", `{"data":[{"id":null}]}`, list, ErrBadKey, false, `bad item key: items[0]: id is null, not a string or a number`},
		{"key true", "", `{"data":[{"id":true}]}`, list, ErrBadKey, false, `bad item key: items[0]: id is a boolean, not a string or a number`},
		{"key an object", "", `{"data":[{"id":{}}]}`, list, ErrBadKey, false, `bad item key: items[0]: id is an object, not a string or a number`},
		{"key empty", "", `{"data":[{"id":""}]}`, list, ErrBadKey, false, `bad item key: items[0]: id is empty`},
		{"key half a pair", "", `{"data":[{"id":"\ud800"}]}`, list, ErrBadKey, false, `bad item key: items[0]: id has half of a surrogate pair: "\ud800"`},
		{"key twice", "", `{"data":[{"id":7},{"id":8},{"id":7.0}]}`, list, ErrBadKey, false, `bad item key: items[0] and items[2]: id is 7 in the one and 7.0 in the other`},
		{"number and string", "", `{"data":[{"id":1},{"id":"1"}]}`, list, ErrBadKey, false, `bad item key: items[0] and items[1]: id is 1 in the one and "1" in the other`},
		{
			"long key twice", "", `{"data":[{"id":"` + strings.Repeat("é", 99) + `"},{"id":"` + strings.Repeat("é", 99) + `"}]}`, list, ErrBadKey, false,
			`bad item key: items[0] and items[1]: id is "` + strings.Repeat("é", 39) + `… in the one and "` + strings.Repeat("é", 39) + `… in the other`,
		},
		{"key twice before", `{"data":[{"id":1},{"id":1}]}`, `{"data":[]}`, list, ErrBadKey, true, `the older answer does not fit the rules: bad item key: items[0] and items[1]: id is 1 in the one and 1 in the other`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var before []byte
			if tc.before != "" {
				before = []byte(tc.before)
			}
			result, err := Compare(before, []byte(tc.after), tc.r)
			if err == nil || err.Error() != tc.want {
				t.Fatalf("got %v, want %s", err, tc.want)
			}
			if !errors.Is(err, tc.is) || errors.Is(err, ErrBefore) != tc.older {
				t.Errorf("%v is not what it should be", err)
			}
			if result.Changes != nil || result.Before != 0 || result.After != 0 {
				t.Errorf("a result beside the error: %+v", result)
			}
		})
	}
}

func TestBodiesAreNotModified(t *testing.T) {
	t.Parallel()
	before, after := `{"b":[1,2,{"\u0061":1,"a":2}],"a":"\u0041"}`, `{"a":"A","b":[0,1,2,{"a":1}],"c":"\ud800"}`
	x, y := []byte(before), []byte(after)
	if _, err := Compare(x, y, mustCompile(t, Options{Ignore: []string{"b.#.a"}})); err != nil {
		t.Fatal(err)
	}
	if string(x) != before || string(y) != after {
		t.Errorf("bodies became %s and %s", x, y)
	}
}

func FuzzCompare(f *testing.F) {
	f.Add([]byte(`{"a":[1,2,{"b":1}]}`), []byte(`{"a":[0,1,2.0,{"b":"\ud800"}],"a/~":1}`), "a.#.b", "a")
	f.Add([]byte(`[{"id":1},{"id":"x","v":[]}]`), []byte(`[{"id":"x","v":[[]]},{"id":2}]`), "v", "@this")
	f.Add([]byte(`{"a":1,"a":{}}`), []byte(`{"a":{"a":1e1}}`), "*", "#.x|@reverse")
	f.Fuzz(func(t *testing.T, before, after []byte, ignore, path string) {
		for _, o := range []Options{{Ignore: []string{ignore}}, {Select: path}, {Items: &Items{Path: path, Key: []string{"id"}}}, {Format: Text}} {
			r, err := Compile(o)
			if err != nil {
				continue
			}
			result, err := Compare(before, after, r)
			if err != nil {
				continue
			}
			for _, c := range result.Changes {
				checkChange(t, c, o.Format != Text)
			}
			if back, err := Compare(after, before, r); err == nil && before != nil && after != nil && len(back.Changes) != len(result.Changes) {
				t.Fatalf("%d changes one way, %d back", len(result.Changes), len(back.Changes))
			}
		}
	})
}

// checkChange checks what must hold for any change.
func checkChange(t *testing.T, c Change, patched bool) {
	t.Helper()
	if c.Kind != Updated {
		if len(c.Changed())+len(c.Patch) > 0 || (c.Before == nil) == (c.After == nil) {
			t.Fatalf("%s with %q", c.Kind, c.Changed())
		}
		return
	}
	if c.Hash() == c.PreviousHash() || len(c.Changed()) == 0 {
		t.Fatalf("%s is told to become %s: %q", c.Before, c.After, c.Changed())
	}
	// The judge replaces half surrogate pairs, and huge numbers take it for ever.
	if !patched || hasHardParts(c.Before) || hasHardParts(c.After) {
		return
	}
	if got := patchAny(parseAny(c.Before), c.Patch); !equalJSON(got, parseAny(c.After)) {
		t.Fatalf("%s becomes %v, not %s, by %s", c.Before, got, c.After, AppendPatch(nil, c.Patch))
	}
}

var hardParts = regexp.MustCompile(`(?i)\\ud[89a-f]|[0-9]e`)

func hasHardParts(b []byte) bool { return hardParts.Match(b) }

// What is selected is found in an older answer too, however much of what is
// around it is written as in the newer one.
func TestSelectWithinWhatStayed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path, before, after string
		changes             int
	}{
		{"data.items", `{"time":1,"data":{"items":[1,2]}}`, `{"time":2,"data":{"items":[1,2]}}`, 0},
		{"data.items", `{"time":1,"data":{"items":[1,2]}}`, `{"time":2,"data":{"items":[1,3]}}`, 1},
		{"a.b", `{"a":{"b":{"x":1}}}`, `{"a":{"b":{"x":1}}} `, 0},
		{"0.a.1", `[{"a":[{},{"b":1}]}]`, `[{"a":[{},{"b":1}]}, 0]`, 0},
	} {
		result := mustCompare(t, tc.before, tc.after, mustCompile(t, Options{Select: tc.path}))
		if len(result.Changes) != tc.changes {
			t.Errorf("%s: %s to %s: %s", tc.path, tc.before, tc.after, show(result.Changes))
		}
	}
}

// A large comparison leaves nothing behind for the small ones after it. Not
// parallel: it looks at the whole heap.
func TestLargeComparisonsLeaveNoMemory(t *testing.T) {
	r := mustCompile(t, Options{})
	large := func(step int) []byte {
		var b []byte
		for i := range 200_000 {
			b = strconv.AppendInt(append(b, `{"n":`...), int64(i*step), 10)
			b = append(b, "},"...)
		}
		return append(append([]byte("["), b...), "0]"...)
	}
	if _, err := Compare(large(1), large(2), r); err != nil {
		t.Fatal(err)
	}
	var stats runtime.MemStats
	for range 10 {
		mustCompare(t, `{"a":[1]}`, `{"a":[2]}`, r)
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	if stats.HeapAlloc > 20<<20 {
		t.Errorf("%d MiB are still held", stats.HeapAlloc>>20)
	}
}
