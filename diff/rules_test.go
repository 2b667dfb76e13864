package diff

import (
	"testing"
)

// all is a filter that every item passes.
func all([]byte) (bool, error) { return true, nil }

func TestCompileNamesTheBadOption(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{Format: "yaml"}, `format "yaml": must be json, ndjson, xml, csv or text`},
		{Options{Format: Text, Items: &Items{Key: []string{"id"}}}, `format text is compared whole: remove the other options, or use format json`},
		{Options{Format: Text, Select: "a"}, `format text is compared whole: remove the other options, or use format json`},
		{Options{Format: Text, Ignore: []string{"a"}}, `format text is compared whole: remove the other options, or use format json`},
		{Options{Items: &Items{Path: "data"}}, `items.key: must be the path of what identifies an item, such as id`},
		{Options{Select: "..a"}, `select "..a": must not begin with two dots: a body is one JSON value, not lines of them`},
		{Options{Items: &Items{Path: "..0", Key: []string{"id"}}}, `items.path "..0": must not begin with two dots: a body is one JSON value, not lines of them`},
		{Options{Items: &Items{Key: []string{"\xff"}}}, `items.key "\xff": must be UTF-8`},
		{Options{Items: &Items{Key: []string{"id"}, Filter: all}}, `items.filter: a filter needs a key that tells it from others`},
		{Options{Items: &Items{Key: []string{"id"}, FilterKey: "k"}}, `items.filter: there is a key of a filter, but no filter`},
		{Options{Ignore: []string{"a", ""}}, `ignore[1] "": a step is empty: write the name of a member between the dots`},
		{Options{Ignore: []string{"a..b"}}, `ignore[0] "a..b": a step is empty: write the name of a member between the dots`},
		{Options{Ignore: []string{"a."}}, `ignore[0] "a.": a step is empty: write the name of a member between the dots`},
		{Options{Ignore: []string{"a.b*"}}, `ignore[0] "a.b*": step "b*": * and # stand alone; write \* and \# where a name contains them`},
		{Options{Ignore: []string{`a.#(b=="c").d`}}, `ignore[0] "a.#(b==\"c\").d": step "#(b==\"c\")": * and # stand alone; write \* and \# where a name contains them`},
		{Options{Ignore: []string{`a\b`}}, `ignore[0] "a\\b": a backslash must be followed by . * # or \`},
		{Options{Ignore: []string{`a\`}}, `ignore[0] "a\\": a backslash must be followed by . * # or \`},
		{Options{Ignore: []string{"\xff"}}, `ignore[0] "\xff": must be UTF-8`},
	} {
		r, err := Compile(tc.o)
		if err == nil || err.Error() != tc.want || r != nil {
			t.Errorf("%+v: got %v, want %s", tc.o, err, tc.want)
		}
	}
}

// The keys are saved with the state of sources, so a version that changed one
// would start all those sources anew.
func TestKeysStay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{}, "319e33e3ff0321ec166c815e39147049abe23b436936e9e8ee2b866cd0c8ed1b"},
		{Options{Format: Text}, "fed9b2422ab2ba97002fb66293f22a137be694bb3a9afaa5a2d25966239fabe0"},
		{Options{Items: &Items{Path: "data", Key: []string{"id"}}, Select: "order", Ignore: []string{"updated_at", "a.#.b", `x\.y.*`}}, "ed1e0bc192fab740bb3c08bf95c32ac392f6249cb7f52f15ff69be8534983b43"},
	} {
		if got := mustCompile(t, tc.o).Key(); got != tc.want {
			t.Errorf("%+v: got %s", tc.o, got)
		}
	}
}

func TestKeysTellMeaningsApart(t *testing.T) {
	t.Parallel()
	groups := [][]Options{
		{{}, {Format: JSON}, {Select: "@this"}, {Ignore: []string{}}},
		{{Format: Text}},
		{{Select: "a"}},
		{{Items: &Items{Key: []string{"a"}}}, {Items: &Items{Path: "@this", Key: []string{"a"}}}},
		{{Items: &Items{Path: "a", Key: []string{"a"}}}},
		{{Items: &Items{Key: []string{"a"}}, Select: "a"}},
		{{Items: &Items{Key: []string{"a"}, Filter: all, FilterKey: "k"}}},
		{{Items: &Items{Key: []string{"a"}, Filter: all, FilterKey: "l"}}},
		{{Ignore: []string{"a", "b"}}, {Ignore: []string{"b", "a", "b"}}},
		{{Ignore: []string{"a.b"}}},
		{{Ignore: []string{`a\.b`}}},
		{{Ignore: []string{"*"}}},
		{{Ignore: []string{`\*`}}},
		{{Ignore: []string{"#"}}},
	}
	seen := map[string]int{}
	for g, group := range groups {
		for _, o := range group {
			key := mustCompile(t, o).Key()
			if other, ok := seen[key]; ok && other != g {
				t.Errorf("groups %d and %d have one key", g, other)
			}
			seen[key] = g
		}
	}
	if len(seen) != len(groups) {
		t.Errorf("%d keys for %d meanings", len(seen), len(groups))
	}
}

func TestCompileLeavesOptionsAlone(t *testing.T) {
	t.Parallel()
	o := Options{Items: &Items{Path: "@this", Key: []string{"id"}}, Ignore: []string{"b", "a"}, Keys: map[string][]string{"l": {"k"}}}
	r := mustCompile(t, o)
	key := r.Key()
	if o.Items.Path != "@this" || o.Ignore[0] != "b" {
		t.Errorf("options became %+v, %+v", o, o.Items)
	}
	o.Items.Key[0], o.Keys["l"][0] = "other", "other"
	if r.Key() != key {
		t.Error("the key follows options that change later")
	}
	if got := mustCompare(t, "", `[{"id":1}]`, r).Changes; len(got) != 1 {
		t.Error("the rules follow options that change later")
	}
}

// Rules for another format are the same but for the format.
func TestRulesAsAnotherFormat(t *testing.T) {
	t.Parallel()
	o := Options{Items: &Items{Key: []string{"id"}}, Ignore: []string{"at"}}
	r, err := mustCompile(t, o).As(CSV)
	if err != nil {
		t.Fatal(err)
	}
	o.Format = CSV
	if r.Key() != mustCompile(t, o).Key() {
		t.Error("the key is not that of rules for CSV")
	}
	if got := mustCompare(t, "id,at\n1,1\n", "id,at\n1,2\n2,1\n", r).Changes; len(got) != 1 || got[0].Key != "2" {
		t.Errorf("got %s", show(got))
	}
	for _, refused := range []struct {
		o Options
		f Format
	}{{Options{}, Text}, {Options{}, ""}, {Options{Format: Text}, JSON}} {
		if _, err := mustCompile(t, refused.o).As(refused.f); err == nil {
			t.Errorf("rules for %q became some for %q", refused.o.Format, refused.f)
		}
	}
}
