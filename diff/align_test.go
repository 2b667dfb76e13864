package diff

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestAlign(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, before, after, changed, patch string }{
		{"at the head", `[1,2,3]`, `[0,1,2,3]`, "/0", "add /0"},
		{"at the end", `[1,2,3]`, `[1,2,3,4]`, "/3", "add /3"},
		{"head removed", `[1,2,3]`, `[2,3]`, "/0", "remove /0"},
		{"all removed", `[1,2,3]`, `[]`, "/0 /1 /2", "remove /0,remove /0,remove /0"},
		{"all new", `[]`, `[1,2]`, "/0 /1", "add /0,add /1"},
		{"replaced", `[1,2,3]`, `[1,9,3]`, "/1", "replace /1"},
		{"swapped", `[1,2]`, `[2,1]`, "/0 /1", "remove /0,add /1"},
		{"repeats", `[1,1,1,1]`, `[1,1,1]`, "/3", "remove /3"},
		{"head and tail", `[1,2,3,4]`, `[0,1,2,3]`, "/0 /3", "add /0,remove /4"},
		{"gone and new by one index", `["x","k","l","y","m"]`, `["k","l","m","z"]`, "/0 /3", "remove /0,remove /2,add /3"},
		{"within an element", `[{"id":1,"v":1},{"id":2,"v":1}]`, `[{"id":1,"v":1},{"id":2,"v":2}]`, "/1/v", "replace /1/v"},
		{"added beside a changed one", `[{"id":1,"v":1,"w":1}]`, `[{"id":9,"v":5,"w":7},{"id":1,"v":2,"w":1}]`, "/0 /1/v", "add /0,replace /1/v"},
		{"deep behind an addition", `[[1,[2,3]]]`, `[0,[1,[2,4]]]`, "/0 /1", "replace /0,add /1"},
		{"nested arrays", `[[1,2],[3,4]]`, `[[1,2,5],[4]]`, "/0/2 /1/0", "add /0/2,remove /1/0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := mustCompare(t, tc.before, tc.after, mustCompile(t, Options{})).Changes[0]
			if got := strings.Join(c.Changed(), " "); got != tc.changed {
				t.Errorf("changed %s, want %s", got, tc.changed)
			}
			if got := steps(c.Patch); got != tc.patch {
				t.Errorf("patch %s, want %s", got, tc.patch)
			}
			if got := patchAny(parseAny(c.Before), c.Patch); !equalJSON(got, parseAny([]byte(tc.after))) {
				t.Errorf("the patch gives %v", got)
			}
		})
	}
}

func steps(patch []Operation) string {
	var list []string
	for _, o := range patch {
		list = append(list, o.Op+" "+o.Path)
	}
	return strings.Join(list, ",")
}

// A few edits in a long list must not take more operations than there were edits.
func TestLongListsTakeFewOperations(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{})
	for n := range uint64(200) {
		random := rand.New(rand.NewPCG(4, n))
		list := make([]int, 100+random.IntN(3000))
		kinds := [...]int{1 << 30, 500, 10}[random.IntN(3)] // unlike, some alike, many alike
		for i := range list {
			list[i] = random.IntN(kinds)
		}
		before := encode(list)
		edits := 1 + random.IntN(4)
		for range edits {
			switch at := random.IntN(len(list)); random.IntN(3) {
			case 0:
				list = slices.Insert(list, at, random.IntN(kinds))
			case 1:
				list = slices.Delete(list, at, at+1)
			default:
				list[at] = random.IntN(kinds)
			}
		}
		result := mustCompare(t, before, encode(list), r)
		if len(result.Changes) == 0 {
			continue
		}
		c := result.Changes[0]
		if got := patchAny(parseAny(c.Before), c.Patch); !equalJSON(got, parseAny(c.After)) {
			t.Fatalf("case %d: the patch is wrong", n)
		}
		// With unlike elements the fewest are found; among many alike ones, few.
		if len(c.Patch) > edits && (kinds > 10 || len(c.Patch) > len(list)) {
			t.Errorf("case %d: %d operations for %d edits of %d elements out of %d", n, len(c.Patch), edits, len(list), kinds)
		}
	}
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Small lists are aligned as well as can be: a table of all ways is the judge.
func TestShortListsTakeTheFewestOperations(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{})
	for n := range uint64(3000) {
		random := rand.New(rand.NewPCG(5, n))
		x, y := make([]int, random.IntN(9)), make([]int, random.IntN(9))
		for _, list := range [][]int{x, y} {
			for i := range list {
				list[i] = random.IntN(4)
			}
		}
		got, kept := 0, len(x)
		if result := mustCompare(t, encode(x), encode(y), r); len(result.Changes) > 0 {
			patch := result.Changes[0].Patch
			got = len(patch)
			for _, o := range patch {
				if o.Op != "add" {
					kept--
				}
			}
		} else {
			kept = len(x)
		}
		if want := longestCommon(x, y); kept != want {
			t.Errorf("%v to %v: %d elements stay, want %d (%d operations)", x, y, kept, want, got)
		}
	}
}

// longestCommon is the textbook length of the longest common subsequence.
func longestCommon(x, y []int) int {
	if len(x) == 0 || len(y) == 0 {
		return 0
	}
	row := make([]int, len(y)+1)
	for i := range x {
		diagonal := 0
		for j := range y {
			above := row[j+1]
			if x[i] == y[j] {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(row[j], above)
			}
			diagonal = above
		}
	}
	return row[len(y)]
}

// Nothing in a list may make the work explode.
func TestHugeListsAreAlignedInBoundedWork(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{})
	const size = 100_000
	list := func(element func(i int) string) string {
		parts := make([]string, size)
		for i := range parts {
			parts[i] = element(i)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	number := func(i int) string { return fmt.Sprint(i) }
	for name, tc := range map[string]struct{ before, after func(i int) string }{
		"nothing in common": {number, func(i int) string { return fmt.Sprint(-1 - i) }},
		"backwards":         {number, func(i int) string { return fmt.Sprint(size - i) }},
		"two values":        {func(i int) string { return fmt.Sprint(i % 2) }, func(i int) string { return fmt.Sprint(i / 3 % 2) }},
		"objects all new":   {func(i int) string { return fmt.Sprintf(`{"a":%d}`, i) }, func(i int) string { return fmt.Sprintf(`{"a":%d.5}`, i) }},
		"every other one":   {number, func(i int) string { return fmt.Sprint(i * 2) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := list(tc.before), list(tc.after)
			c := mustCompare(t, before, after, r).Changes[0]
			if len(c.Patch) > 2*size {
				t.Errorf("%d operations", len(c.Patch))
			}
		})
	}
}
