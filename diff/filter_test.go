package diff

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var errFilter = errors.New("no such member")

// shipped is a filter that items pass unless they say out, and that has an
// error where they say bad.
func shipped(item []byte) (bool, error) {
	if bytes.Contains(item, []byte(`"bad"`)) {
		return false, errFilter
	}
	return !bytes.Contains(item, []byte(`"out"`)), nil
}

func filtered(o Options) Options {
	o.Items.Filter, o.Items.FilterKey = shipped, "shipped"
	return o
}

func TestFilteredLists(t *testing.T) {
	t.Parallel()
	byID := filtered(Options{Items: &Items{Key: []string{"id"}}})
	const a1, a2, out1, out2 = `{"id":"a","n":1}`, `{"id":"a","n":2}`, `{"id":"a","n":1,"s":"out"}`, `{"id":"a","n":2,"s":"out"}`
	for _, tc := range []struct {
		name          string
		before, after string
		o             Options
		want          []told
		filtered      bool
		counts        [4]int // Before, BeforeAll, After, AfterAll
	}{
		{"stays in", "[" + a1 + "]", "[" + a2 + "]", byID, []told{{Updated, "a", a1, a2}}, false, [4]int{1, 1, 1, 1}},
		{"leaves", "[" + a1 + "]", "[" + out1 + "]", byID, []told{{Deleted, "a", a1, ""}}, true, [4]int{1, 1, 0, 1}},
		{"enters", "[" + out1 + "]", "[" + a1 + "]", byID, []told{{Created, "a", "", a1}}, false, [4]int{0, 1, 1, 1}},
		{"stays out", "[" + out1 + "]", "[" + out2 + "]", byID, nil, false, [4]int{0, 1, 0, 1}},
		{"comes in", "[]", "[" + a1 + "]", byID, []told{{Created, "a", "", a1}}, false, [4]int{0, 0, 1, 1}},
		{"comes out", "[]", "[" + out1 + "]", byID, nil, false, [4]int{0, 0, 0, 1}},
		{"goes from in", "[" + a1 + "]", "[]", byID, []told{{Deleted, "a", a1, ""}}, false, [4]int{1, 1, 0, 0}},
		{"goes from out", "[" + out1 + "]", "[]", byID, nil, false, [4]int{0, 1, 0, 0}},
		{"first look", "", "[" + out1 + `,{"id":"b"}]`, byID, []told{{Created, "b", "", `{"id":"b"}`}}, false, [4]int{0, 0, 1, 2}},
		{"same bytes", "[" + out1 + `,{"id":"b"}]`, "[" + out1 + `,{"id":"b"}]`, byID, nil, false, [4]int{1, 2, 1, 2}},
		{"same items elsewhere", "[" + out1 + `,{"id":"b"}]`, `[{"id":"b"}, ` + out1 + `]`, byID, nil, false, [4]int{1, 2, 1, 2}},
		{
			"by what is not selected", `[{"id":1,"v":1}]`, `[{"id":1,"v":1,"s":"out"}]`,
			filtered(Options{Items: &Items{Key: []string{"id"}}, Select: "v"}),
			[]told{{Deleted, "1", "1", ""}},
			true,
			[4]int{1, 1, 0, 1},
		},
		{
			"by what is ignored", `[{"id":1,"s":"out"}]`, `[{"id":1,"s":"in"}]`,
			filtered(Options{Items: &Items{Key: []string{"id"}}, Ignore: []string{"s"}}),
			[]told{{Created, "1", "", `{"id":1,"s":"in"}`}},
			false,
			[4]int{0, 1, 1, 1},
		},
		{
			"in a made list", `{"l":[{"id":1},{"id":2}]}`, `{"l":[{"id":1,"s":"out"},{"id":2,"s":"out"}]}`,
			filtered(Options{Items: &Items{Path: "l.@reverse", Key: []string{"id"}}, Select: "{id}"}),
			[]told{{Deleted, "2", `{"id":2}`, ""}, {Deleted, "1", `{"id":1}`, ""}},
			true,
			[4]int{2, 2, 0, 2},
		},
		{
			"of a CSV", "id,s\n1,in\n2,in\n", "id,s\n1,in\n2,out\n",
			filtered(Options{Format: CSV, Items: &Items{Key: []string{"id"}}}),
			[]told{{Deleted, "2", `{"id":"2","s":"in"}`, ""}},
			true,
			[4]int{2, 2, 1, 2},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := mustCompare(t, tc.before, tc.after, mustCompile(t, tc.o))
			if d := cmp.Diff(tc.want, tell(got.Changes)); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			if counts := [4]int{got.Before, got.BeforeAll, got.After, got.AfterAll}; counts != tc.counts {
				t.Errorf("counts %v, want %v", counts, tc.counts)
			}
			for _, c := range got.Changes {
				if c.Filtered != tc.filtered {
					t.Errorf("%s is filtered: %v", c.Key, c.Filtered)
				}
				if c.Kind == Deleted && (c.ItemAfter != nil || c.ItemBefore == nil || c.PreviousHash() == "") {
					t.Errorf("%s was deleted as %+v", c.Key, c)
				}
			}
		})
	}
}

// Who does not pass a filter still is an item of the list.
func TestFilterChecksAllKeys(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, filtered(Options{Items: &Items{Key: []string{"id"}}}))
	for _, body := range []string{
		`[{"id":1,"s":"out"},{"id":1}]`, `[{"id":1},{"id":"1","s":"out"}]`,
		`[{"id":1,"s":"out"},{"id":1,"s":"out"}]`, `[{"s":"out"}]`, `[{"id":null,"s":"out"}]`,
	} {
		if _, err := Compare(nil, []byte(body), r); !errors.Is(err, ErrBadKey) {
			t.Errorf("%s: got %v, want ErrBadKey", body, err)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, filtered(Options{Items: &Items{Key: []string{"id"}}}))
	for _, tc := range []struct{ before, after, want string }{
		{"", `[{"id":1},{"id":2,"s":"bad"},{"id":3,"s":"bad"}]`, `item "2": no such member`},
		{`[{"id":1,"s":"bad"}]`, `[{"id":2,"s":"bad"}]`, `item "2": no such member`},
		{`[{"id":1,"s":"bad"}]`, `[{"id":2}]`, `item "1": no such member`},
		{`[{"id":1,"s":"bad"}]`, `[{"id":1,"s":"bad"}]`, `item "1": no such member`},
		{`[{"id":1,"s":"bad"}]`, `[{"id":1,"s":"bad"} ]`, `item "1": no such member`},
	} {
		got := mustCompare(t, tc.before, tc.after, r)
		if got.After != got.AfterAll || got.Before != got.BeforeAll {
			t.Errorf("%s to %s: an error kept an item out: %+v", tc.before, tc.after, got)
		}
		if got.FilterErr == nil || got.FilterErr.Error() != tc.want || !errors.Is(got.FilterErr, errFilter) {
			t.Errorf("%s to %s: got %v, want %s", tc.before, tc.after, got.FilterErr, tc.want)
		}
	}
	for _, body := range []string{`[{"id":1}]`, `[{"id":1,"s":"out"}]`} {
		if got := mustCompare(t, "", body, r); got.FilterErr != nil {
			t.Errorf("%s: %v after the errors of others", body, got.FilterErr)
		}
	}
}

// TestFilterAsksOnce counts what a filter is asked of lists that hardly differ:
// an item that is written as it was is judged as it was.
func TestFilterAsksOnce(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}, FilterKey: "k", Filter: func(item []byte) (bool, error) {
		asked[string(item)]++
		return true, nil
	}}})
	mustCompare(t, `[{"id":1},{"id":2},{"id":3}]`, `[{"id":3},{"id":2,"n":1},{"id":1}]`, r)
	want := map[string]int{`{"id":1}`: 1, `{"id":2}`: 1, `{"id":2,"n":1}`: 1, `{"id":3}`: 1}
	if d := cmp.Diff(want, asked); d != "" {
		t.Errorf("asked (-want +got):\n%s", d)
	}
}

// Two items alone are compared whatever the filter says of them.
func TestCompareItemAsksNoFilter(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, filtered(Options{Items: &Items{Key: []string{"id"}}}))
	c, ok, err := CompareItem("1", []byte(`{"id":1}`), []byte(`{"id":1,"s":"out"}`), r)
	if err != nil || !ok || c.Kind != Updated || c.Filtered {
		t.Errorf("got %+v, %v, %v", c, ok, err)
	}
}

// TestFilterHoldsForRandomItems compares lists under a filter, and the lists of
// what passes it without one: the changes are the same, but for what is said of
// those that left the filter.
func TestFilterHoldsForRandomItems(t *testing.T) {
	t.Parallel()
	cases := manyCases / 50
	if testing.Short() || raceEnabled {
		cases /= 20
	}
	all := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}, Ignore: []string{"a"}})
	some := mustCompile(t, filtered(Options{Items: &Items{Key: []string{"id"}}, Ignore: []string{"a"}}))
	for n := range uint64(cases) {
		g := generator{dice{rand.New(rand.NewPCG(5, n))}}
		was, now := randomVersions(g)
		if g.pick(10) == 0 {
			now = was
		}
		before, after := join(was), join(now)
		got, err := Compare(before, after, some)
		if err != nil {
			t.Fatal(err)
		}
		passed := func(items []string) []string {
			return slices.DeleteFunc(slices.Clone(items), func(item string) bool {
				pass, err := shipped([]byte(item))
				return err == nil && !pass
			})
		}
		inBefore, inAfter := passed(was), passed(now)
		want, err := Compare(join(inBefore), join(inAfter), all)
		if err != nil {
			t.Fatal(err)
		}
		want.BeforeAll, want.AfterAll = len(was), len(now)
		whole, err := Compare(nil, after, all)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want.Changes {
			c := &want.Changes[i]
			c.Filtered = c.Kind == Deleted && slices.ContainsFunc(whole.Changes, func(x Change) bool { return x.Key == c.Key })
		}
		if isBad := bytes.Contains(slices.Concat(before, after), []byte(`"bad"`)); isBad != (got.FilterErr != nil) {
			t.Fatalf("case %d: %s to %s: error %v", n, before, after, got.FilterErr)
		}
		got.FilterErr = nil
		if d := differ(want, got); d != "" {
			t.Fatalf("case %d: %s to %s (-want +got):\n%s", n, before, after, d)
		}
	}
}

// randomVersions are the items of a list, and of a later one.
func randomVersions(g generator) (was, now []string) {
	items := randomItems(g)
	for _, f := range items {
		was = append(was, g.marked(f))
	}
	for i, f := range items {
		switch g.pick(4) {
		case 0:
			continue
		case 1:
			now = append(now, was[i])
		default:
			changed := g.mutateObject(slices.Clone(f.value.(fields)))
			now = append(now, g.marked(field{f.name, changed.withID(f.name)}))
		}
	}
	for _, f := range randomItems(g) {
		if !items.has(f.name) {
			now = slices.Insert(now, g.pick(len(now)+1), g.marked(f))
		}
	}
	return was, now
}

// marked is an item as it is written, which may say of itself that it is out,
// or make the filter fail.
func (g generator) marked(f field) string {
	mark := oneOf(g, "in", "in", "out", "out", "bad")
	return strings.TrimSpace(string(g.write(append(slices.Clone(f.value.(fields)), field{"mark", mark}))))
}

func join(items []string) []byte { return fmt.Appendf(nil, "[%s]", strings.Join(items, ",")) }
