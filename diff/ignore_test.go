package diff

import (
	"strings"
	"testing"
)

func TestIgnore(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, ignore, before, after string
		want                        string // pointers, "" for no change
	}{
		{"member", "updated_at", `{"updated_at":1,"a":1}`, `{"updated_at":2,"a":1}`, ""},
		{"member appears", "updated_at", `{"a":1}`, `{"updated_at":2,"a":1}`, ""},
		{"member vanishes", "updated_at", `{"updated_at":{"x":[1]},"a":1}`, `{"a":1}`, ""},
		{"only at the top", "updated_at", `{"x":{"updated_at":1}}`, `{"x":{"updated_at":2}}`, "/x/updated_at"},
		{"not what begins alike", "up", `{"updated_at":1}`, `{"updated_at":2}`, "/updated_at"},
		{"another change beside", "updated_at", `{"updated_at":1,"a":1}`, `{"updated_at":2,"a":2}`, "/a"},
		{"all members", "reactions.*", `{"reactions":{"a":1}}`, `{"reactions":{"b":2,"c":3}}`, ""},
		{"but not their holder", "reactions.*", `{"reactions":{"a":1}}`, `{}`, "/reactions"},
		{"but not its kind", "reactions.*", `{"reactions":{"a":1}}`, `{"reactions":[]}`, "/reactions"},
		{"star is no element", "a.*", `{"a":[1]}`, `{"a":[2]}`, "/a/0"},
		{"star first", "*.rate", `{"x":{"rate":1},"y":{"rate":1,"n":1}}`, `{"x":{"rate":2},"y":{"rate":2,"n":2}}`, "/y/n"},
		{"in elements", "assets.#.n", `{"assets":[{"n":1},{"n":2}]}`, `{"assets":[{"n":3},{"n":4}]}`, ""},
		{"element added", "assets.#.n", `{"assets":[{"n":1}]}`, `{"assets":[{"n":3},{"n":4}]}`, "/assets/1"},
		{"hash is no member", "a.#.n", `{"a":{"x":{"n":1}}}`, `{"a":{"x":{"n":2}}}`, "/a/x/n"},
		{"all elements", "tags.#", `{"tags":["a","b"]}`, `{"tags":["c"]}`, ""},
		{"but not their array", "tags.#", `{"tags":["a"]}`, `{"tags":null}`, "/tags"},
		{"root elements", "#", `[1,2]`, `[]`, ""},
		{"nested arrays", "#.#.v", `[[{"v":1}],[{"v":2}]]`, `[[{"v":3}],[{"v":4}]]`, ""},
		{"index", "a.1", `{"a":[1,2,3]}`, `{"a":[1,5,3]}`, ""},
		{"not another index", "a.1", `{"a":[1,2,3]}`, `{"a":[1,2,4]}`, "/a/2"},
		{"number as a name", "a.1", `{"a":{"1":1,"2":1}}`, `{"a":{"1":2,"2":2}}`, "/a/2"},
		{"no index with a zero", "a.01", `{"a":[1,2]}`, `{"a":[1,3]}`, "/a/1"},
		{"escaped dot", `a\.b`, `{"a.b":1,"a":{"b":1}}`, `{"a.b":2,"a":{"b":2}}`, "/a/b"},
		{"escaped star", `\*`, `{"*":1,"a":1}`, `{"*":2,"a":2}`, "/a"},
		{"escaped hash", `\#`, `{"#":1}`, `{"#":2}`, ""},
		{"escaped backslash", `\\`, `{"\\":1}`, `{"\\":2}`, ""},
		{"star within an escaped name", `c\*\#`, `{"c*#":1}`, `{"c*#":2}`, ""},
		{"escapes in the document", "a", `{"\u0061":1}`, `{"a":2}`, ""},
		{"two paths to one place", "a.b *.b a.c", `{"a":{"b":1,"c":1,"d":1}}`, `{"a":{"b":2,"c":2,"d":2}}`, "/a/d"},
		{"star beside a name", "*.b a.c.d", `{"a":{"b":1,"c":{"d":1}}}`, `{"a":{"b":2,"c":{"d":2}}}`, ""},
		{"shorter path wins", "a a.b", `{"a":{"b":1,"c":1}}`, `{"a":2}`, ""},
		{"beyond a scalar", "a.b", `{"a":1}`, `{"a":2}`, "/a"},
		{"moved element", "#.v", `[{"k":1,"v":1},{"k":2,"v":1}]`, `[{"k":3,"v":9},{"k":1,"v":8},{"k":2,"v":7}]`, "/0"},
		{"removed element", "#.v", `[{"k":1,"v":1},{"k":2,"v":1},{"k":3,"v":1}]`, `[{"k":2,"v":2},{"k":3,"v":2}]`, "/0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := mustCompile(t, Options{Ignore: strings.Fields(tc.ignore)})
			got := ""
			for _, c := range mustCompare(t, tc.before, tc.after, r).Changes {
				got = strings.Join(c.Changed(), " ")
				if c.Hash() == c.PreviousHash() {
					t.Error("the hash is the same")
				}
				if patched := patchAny(parseAny(c.Before), c.Patch); !equalJSON(patched, parseAny([]byte(tc.after))) {
					t.Errorf("the patch gives %v", patched)
				}
			}
			if got != tc.want {
				t.Errorf("changed %q, want %q", got, tc.want)
			}
		})
	}
}

func TestHashLeavesOutIgnored(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Select: "d", Ignore: []string{"at", "l.#.n", "t.#"}})
	c := mustCompare(t, "", `{"d":{"at":5,"l":[{"n":1,"k":1.0}],"t":[1,2],"b":true}}`, r).Changes[0]
	want, err := Hash([]byte(`{"b":true,"l":[{"k":1}],"t":[]}`))
	if err != nil || c.Hash() != want {
		t.Errorf("got %s, want %s (%v)", c.Hash(), want, err)
	}
	if string(c.After) != `{"at":5,"l":[{"n":1,"k":1.0}],"t":[1,2],"b":true}` {
		t.Errorf("after is not whole: %s", c.After)
	}
}

func FuzzIgnorePath(f *testing.F) {
	for _, s := range []string{"updated_at", "reactions.*", "assets.#.download_count", `a\.b\\.\*`, "0.01", "..", `\`} {
		f.Add(s, `{"a":[{"b":1}],"0":[2]}`)
	}
	f.Fuzz(func(t *testing.T, path, doc string) {
		steps, err := parsePath(path)
		if err != nil {
			return
		}
		again, err := parsePath(formatPath(steps))
		if err != nil || formatPath(again) != formatPath(steps) || len(again) != len(steps) {
			t.Fatalf("%q is %v, then %v (%v)", path, steps, again, err)
		}
		r, err := Compile(Options{Ignore: []string{path}})
		if err != nil {
			t.Fatalf("%q parses, but does not compile: %v", path, err)
		}
		result, err := Compare([]byte(doc), []byte(doc+" "), r)
		if err == nil && len(result.Changes) > 0 {
			t.Fatalf("%q makes a change of whitespace in %q", path, doc)
		}
	})
}
