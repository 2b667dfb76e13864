package diff

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told is what a test says of a change.
type told struct {
	Kind          Kind
	Key           string
	Before, After string
}

func tell(changes []Change) []told {
	var list []told
	for _, c := range changes {
		list = append(list, told{c.Kind, c.Key, string(c.Before), string(c.After)})
	}
	return list
}

func TestCompareLists(t *testing.T) {
	t.Parallel()
	byID := Options{Items: &Items{Key: []string{"id"}}}
	for _, tc := range []struct {
		name, before, after string
		o                   Options
		want                []told
	}{
		{"same in another order", `[{"id":1},{"id":2}]`, `[{"id":2.0},{"id":1}]`, byID, nil},
		{"order of the newer list, deleted last", `[{"id":1},{"id":2},{"id":3},{"id":4}]`, `[{"id":9},{"id":3,"x":1},{"id":8}]`, byID, []told{
			{Created, "9", "", `{"id":9}`},
			{Updated, "3", `{"id":3}`, `{"id":3,"x":1}`},
			{Created, "8", "", `{"id":8}`},
			{Deleted, "1", `{"id":1}`, ""},
			{Deleted, "2", `{"id":2}`, ""},
			{Deleted, "4", `{"id":4}`, ""},
		}},
		{"first look", "", `[{"id":1},{"id":2}]`, byID, []told{{Created, "1", "", `{"id":1}`}, {Created, "2", "", `{"id":2}`}}},
		{"emptied", `[{"id":1}]`, `[]`, byID, []told{{Deleted, "1", `{"id":1}`, ""}}},
		{"from empty", `[]`, `[{"id":1}]`, byID, []told{{Created, "1", "", `{"id":1}`}}},
		{"large ids", `[{"id":9007199254740992}]`, `[{"id":9007199254740993}]`, byID, []told{
			{Created, "9007199254740993", "", `{"id":9007199254740993}`}, {Deleted, "9007199254740992", `{"id":9007199254740992}`, ""},
		}},
		{"number becomes string", `[{"id":1}]`, `[{"id":"1"}]`, byID, []told{{Updated, "1", `{"id":1}`, `{"id":"1"}`}}},
		{"key in escapes", `[{"id":"\u0041\n"}]`, `[{"id":"A\u000a"}]`, byID, nil},
		{"items are their own keys", `["a",1]`, `[1,"b"]`, Options{Items: &Items{Key: []string{"@this"}}}, []told{{Created, "b", "", `"b"`}, {Deleted, "a", `"a"`, ""}}},
		{
			"nested key", `{"d":{"l":[{"a":{"b":1},"v":1}]}}`, `{"d":{"l":[{"a":{"b":1},"v":2}]}}`,
			Options{Items: &Items{Path: "d.l", Key: []string{"a.b"}}, Select: "v"},
			[]told{{Updated, "1", "1", "2"}},
		},
		{
			"made list", `{"l":[{"id":1}]}`, `{"l":[{"id":2},{"id":1}]}`,
			Options{Items: &Items{Path: "l.@reverse", Key: []string{"id"}}},
			[]told{{Created, "2", "", `{"id":2}`}},
		},
		{
			"select leads to nothing", `[{"id":1,"v":5},{"id":2}]`, `[{"id":1},{"id":2,"w":1},{"id":3}]`,
			Options{Items: &Items{Key: []string{"id"}}, Select: "v"},
			[]told{{Updated, "1", "5", "null"}, {Created, "3", "", "null"}},
		},
		{"absent is null", `[{"id":1}]`, `[{"id":1,"v":null}]`, Options{Items: &Items{Key: []string{"id"}}, Select: "v"}, nil},
		{"made selection", `[{"id":1,"a":1,"b":1}]`, `[{"id":1,"a":1.0,"b":2}]`, Options{Items: &Items{Key: []string{"id"}}, Select: "{a}"}, nil},
		{"ignored", `[{"id":1,"at":1}]`, `[{"id":1,"at":2}]`, Options{Items: &Items{Key: []string{"id"}}, Ignore: []string{"at"}}, nil},
		{"ignored key", `[{"id":1}]`, `[{"id":"1"}]`, Options{Items: &Items{Key: []string{"id"}}, Ignore: []string{"id"}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			result := mustCompare(t, tc.before, tc.after, mustCompile(t, tc.o))
			if d := cmp.Diff(tc.want, tell(result.Changes)); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
		})
	}
}

func TestListsAreCounted(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Path: "l", Key: []string{"id"}}})
	for _, tc := range []struct {
		before, after string
		x, y          int
	}{
		{"", `{"l":[{"id":1}]}`, 0, 1},
		{`{"l":[{"id":1}]}`, `{"l":[{"id":1}]}`, 1, 1},
		{`{"l":[]}`, `{"l":[{"id":1},{"id":2}]}`, 0, 2},
		{`{"l":[{"id":1}],"at":1}`, `{"l":[{"id":1}],"at":2}`, 1, 1},
	} {
		if got := mustCompare(t, tc.before, tc.after, r); got.Before != tc.x || got.After != tc.y {
			t.Errorf("%s to %s: %d and %d", tc.before, tc.after, got.Before, got.After)
		}
	}
}

func TestItemsStandAsInTheirList(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}, Select: "v"})
	got := mustCompare(t, `[ {"id":1, "v":1} , {"id":2,"v":1}]`, `[{ "id":1,"v":2 },{"id":3}]`, r).Changes
	for i, want := range []struct{ before, after string }{
		{`{"id":1, "v":1}`, `{ "id":1,"v":2 }`}, {"", `{"id":3}`}, {`{"id":2,"v":1}`, ""},
	} {
		if c := got[i]; string(c.ItemBefore) != want.before || string(c.ItemAfter) != want.after {
			t.Errorf("%s: items %s and %s", c.Key, c.ItemBefore, c.ItemAfter)
		}
	}
}

// CompareItem must say of two items what Compare says of two lists with them.
func TestCompareItem(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}, Select: "v", Ignore: []string{"at"}})
	items := []string{"", `{"id":1,"v":{"at":1,"n":1}}`, `{"id":1,"v":{"at":2,"n":1.0}}`, `{"id":1,"v":{"at":2,"n":2}}`, `{"id":1}`, ` {"id":1,"v":3} `}
	for _, x := range items {
		for _, y := range items {
			want := mustCompare(t, "["+x+"]", "["+y+"]", r).Changes
			var before, after []byte
			if x != "" {
				before = []byte(x)
			}
			if y != "" {
				after = []byte(y)
			}
			var got []Change
			c, ok, err := CompareItem("1", before, after, r)
			if ok {
				got = append(got, c)
			}
			if err != nil {
				t.Errorf("%s to %s: %v", x, y, err)
			}
			if d := differ(want, got); d != "" {
				t.Errorf("%s to %s (-list +item):\n%s", x, y, d)
			}
		}
	}
}

func TestCompareItemRefuses(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}})
	good, bad := []byte(`{"id":1}`), []byte(`{"id":`)
	if _, ok, err := CompareItem("1", bad, good, r); ok || !errors.Is(err, ErrInvalidJSON) || !errors.Is(err, ErrBefore) {
		t.Errorf("bad before: %v", err)
	}
	if _, ok, err := CompareItem("1", good, bad, r); ok || !errors.Is(err, ErrInvalidJSON) || errors.Is(err, ErrBefore) {
		t.Errorf("bad after: %v", err)
	}
	made := mustCompile(t, Options{Items: r.items, Select: "v.@fromstr"})
	if _, ok, err := CompareItem("1", nil, []byte(`{"id":1,"v":"[1,"}`), made); ok || !errors.Is(err, ErrInvalidJSON) {
		t.Errorf("a path that makes no JSON: %v", err)
	}
	if _, ok, err := CompareItem("1", good, good, mustCompile(t, Options{})); ok || err == nil {
		t.Errorf("rules of a document: %v", err)
	}
}

// What a path makes is read like a body, and may be no JSON.
func TestMadeValuesAreRead(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}, Select: "@pretty"})
	if got := mustCompare(t, `[{"id":1,"v":[1]}]`, `[{"v":[1.0],"id":1}]`, r).Changes; len(got) != 0 {
		t.Errorf("got %s", show(got))
	}
	const path = "v.@fromstr"
	const good, bad = `[{"id":"x","v":"[1]"}]`, `[{"id":"x","v":"[1,"}]`
	for _, tc := range []struct {
		o                   Options
		before, after, want string
	}{
		{Options{Select: "0." + path}, "", bad, `select: read what path "0.v.@fromstr" makes: `},
		{Options{Select: "0." + path}, bad, good, `the older answer does not fit the rules: select: read what path "0.v.@fromstr" makes: `},
		{Options{Items: &Items{Path: "0." + path, Key: []string{"id"}}}, "", bad, `items.path: read what path "0.v.@fromstr" makes: `},
		{Options{Items: &Items{Key: []string{path}}}, "", bad, `bad item key: items[0]: read what path "v.@fromstr" makes: `},
		{Options{Items: &Items{Key: []string{"id"}}, Select: path}, "", bad, `item "x": select: read what path "v.@fromstr" makes: `},
		{Options{Items: &Items{Key: []string{"id"}}, Select: path}, good, bad, `item "x": select: read what path "v.@fromstr" makes: `},
		{Options{Items: &Items{Key: []string{"id"}}, Select: path}, bad, good, `the older answer does not fit the rules: item "x": select: read what path "v.@fromstr" makes: `},
		{Options{Items: &Items{Key: []string{"id"}}, Select: path}, bad, `[]`, `the older answer does not fit the rules: item "x": select: read what path "v.@fromstr" makes: `},
	} {
		var before []byte
		if tc.before != "" {
			before = []byte(tc.before)
		}
		_, err := Compare(before, []byte(tc.after), mustCompile(t, tc.o))
		want := tc.want + "invalid JSON at byte 3: end where a value should be"
		if !errors.Is(err, ErrInvalidJSON) || err.Error() != want {
			t.Errorf("%+v: got %v, want %s", tc.o, err, want)
		}
	}
}
