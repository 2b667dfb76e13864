package diff

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"pgregory.net/rapid"
)

// manyCases is how many random documents a plain run of the tests compares.
const manyCases = 100_000

func TestCompareHoldsForRandomDocuments(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		if err := checkDocuments(generator{drawn{rt}}); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestCompareHoldsForManyRandomDocuments(t *testing.T) {
	t.Parallel()
	cases := manyCases
	if testing.Short() || raceEnabled {
		cases /= 20
	}
	for n := range uint64(cases) {
		if err := checkDocuments(generator{dice{rand.New(rand.NewPCG(1, n))}}); err != nil {
			t.Fatalf("case %d: %v", n, err)
		}
	}
}

// checkDocuments compares two random documents in random rules, and judges
// what comes of it by means that share no code with the package.
func checkDocuments(g generator) error {
	was := g.value(3)
	now := g.mutate(was)
	before, after := g.write(was), g.write(now)
	ignore := randomIgnore(g)
	r, err := Compile(Options{Ignore: ignore})
	if err != nil {
		return err
	}
	result, err := Compare(before, after, r)
	if err != nil {
		return fmt.Errorf("compare %s with %s: %w", before, after, err)
	}
	said := fmt.Sprintf("before  %s\nafter   %s\nignore  %q\nchanges %s", before, after, ignore, show(result.Changes))

	x, y := parseAny(before), parseAny(after)
	seenX, seenY := fill(without(parseAny(before), ignore...)), fill(without(parseAny(after), ignore...))
	if equal := equalJSON(seenX, seenY); equal != (len(result.Changes) == 0) {
		return fmt.Errorf("equal is %v in truth\n%s", equal, said)
	}
	if err := checkSpellings(g, was, r); err != nil {
		return err
	}
	if len(result.Changes) == 0 {
		return nil
	}
	c := result.Changes[0]
	switch {
	case !equalJSON(parseAny(c.Before), x) || !equalJSON(parseAny(c.After), y):
		return fmt.Errorf("before or after is not whole\n%s", said)
	case c.Hash() == c.PreviousHash():
		return fmt.Errorf("a change without another hash\n%s", said)
	case len(c.Changed()) == 0:
		return fmt.Errorf("a change of nothing\n%s", said)
	case len(c.Changed()) != len(slices.Compact(slices.Sorted(slices.Values(c.Changed())))):
		return fmt.Errorf("a pointer is told twice\n%s", said)
	case len(ignore) == 0 && len(c.Changed()) > len(c.Patch):
		return fmt.Errorf("more pointers than operations\n%s", said)
	}
	if got := patchAny(parseAny(c.Before), c.Patch); !equalJSON(got, y) {
		return fmt.Errorf("the patch gives %v\n%s", got, said)
	}
	if slices.ContainsFunc(c.Patch, leadsThroughEmptyName) {
		return nil
	}
	patched, err := applyPatch(c.Before, c.Patch)
	if err != nil {
		return fmt.Errorf("apply: %w\n%s", err, said)
	}
	if !equalJSON(parseAny(patched), y) {
		return fmt.Errorf("the library's patch gives %s\n%s", patched, said)
	}
	return nil
}

// leadsThroughEmptyName reports paths that the patch library takes for another.
func leadsThroughEmptyName(o Operation) bool { return strings.Contains(o.Path+"/", "//") }

// checkSpellings compares one value in two spellings.
func checkSpellings(g generator, v any, r *Rules) error {
	one, other := g.write(v), g.write(v)
	result, err := Compare(one, other, r)
	if err != nil || len(result.Changes) > 0 {
		return fmt.Errorf("%s and %s are equal, but: %w %s", one, other, err, show(result.Changes))
	}
	h1, err1 := Hash(one)
	h2, err2 := Hash(other)
	if err1 != nil || err2 != nil || h1 != h2 {
		return fmt.Errorf("%s and %s are equal, but have the hashes %s and %s", one, other, h1, h2)
	}
	form, err := Canonical(nil, one)
	if err != nil {
		return err
	}
	if again, err := Canonical(nil, form); err != nil || string(again) != string(form) {
		return fmt.Errorf("canonical form %s becomes %s (%w)", form, again, err)
	}
	return nil
}

// applyPatch applies operations by a library of others. That one can replace
// no whole document by a scalar, so the value is wrapped.
func applyPatch(before []byte, patch []Operation) ([]byte, error) {
	wrapped := slices.Clone(patch)
	for i := range wrapped {
		wrapped[i].Path = "/root" + wrapped[i].Path
	}
	decoded, err := jsonpatch.DecodePatch(AppendPatch(nil, wrapped))
	if err != nil {
		return nil, err
	}
	doc := fmt.Appendf(nil, `{"root":%s}`, before)
	if doc, err = decoded.Apply(doc); err != nil {
		return nil, err
	}
	v, _ := get(doc, "root")
	return v, nil
}

// randomIgnore picks paths that often meet something.
func randomIgnore(g generator) []string {
	if g.pick(2) == 0 {
		return nil
	}
	step := func() string { return oneOf(g, "a", "b", "c", "id", "0", "1", "*", "#") }
	var paths []string
	for range 1 + g.pick(3) {
		path := step()
		for range g.pick(3) {
			path += "." + step()
		}
		paths = append(paths, path)
	}
	return paths
}

func TestListsHoldForRandomItems(t *testing.T) {
	t.Parallel()
	cases := manyCases / 5
	if testing.Short() || raceEnabled {
		cases /= 20
	}
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}, Ignore: []string{"a", "b.*"}})
	for n := range uint64(cases) {
		if err := checkList(generator{dice{rand.New(rand.NewPCG(2, n))}}, r); err != nil {
			t.Fatalf("case %d: %v", n, err)
		}
	}
}

// checkList plays the changes of a list back: they must turn what was known of
// each item into what is.
func checkList(g generator, r *Rules) error {
	was := randomItems(g)
	now := slices.Clone(was)
	for i := range now {
		changed := g.mutateObject(slices.Clone(now[i].value.(fields)))
		now[i].value = changed.withID(now[i].name)
	}
	now = slices.DeleteFunc(now, func(field) bool { return g.pick(4) == 0 })
	for _, f := range randomItems(g) {
		if !now.has(f.name) {
			now = slices.Insert(now, g.pick(len(now)+1), f)
		}
	}
	before, after := g.write(was.values()), g.write(now.values())
	result, err := Compare(before, after, r)
	said := fmt.Sprintf("before  %s\nafter   %s\nchanges %s", before, after, show(result.Changes))
	if err != nil || result.Before != len(was) || result.After != len(now) {
		return fmt.Errorf("%w, %d and %d items\n%s", err, result.Before, result.After, said)
	}
	told := map[string]Change{}
	for _, c := range result.Changes {
		if _, twice := told[c.Key]; twice {
			return fmt.Errorf("%s changed twice\n%s", c.Key, said)
		}
		told[c.Key] = c
	}
	for _, f := range append(slices.Clone(was), now...) {
		want := Kind("")
		switch {
		case !was.has(f.name):
			want = Created
		case !now.has(f.name):
			want = Deleted
		case !equalJSON(seenOf(g, was, f.name), seenOf(g, now, f.name)):
			want = Updated
		}
		if told[f.name].Kind != want {
			return fmt.Errorf("%s should be %q\n%s", f.name, want, said)
		}
	}
	return nil
}

func (f fields) values() []any {
	list := []any{}
	for _, x := range f {
		list = append(list, x.value)
	}
	return list
}

func seenOf(g generator, list fields, key string) any {
	i := slices.IndexFunc(list, func(f field) bool { return f.name == key })
	return fill(without(parseAny(g.write(list[i].value)), "a", "b.*"))
}

// randomItems are objects, each named by its id.
func randomItems(g generator) fields {
	var items fields
	for range g.pick(6) {
		key := oneOf(g, "k1", "k2", "k3", "k4", "k5", "k6", "é")
		if !items.has(key) {
			items = append(items, field{key, g.object(2).withID(key)})
		}
	}
	return items
}

func (f fields) withID(key string) fields {
	rest := slices.DeleteFunc(f, func(x field) bool { return x.name == "id" })
	return append(rest, field{"id", key})
}
