package diff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func mustParsePatch(tb testing.TB, doc string) []Operation {
	tb.Helper()
	patch, err := ParsePatch([]byte(doc))
	if err != nil {
		tb.Fatal(err)
	}
	return patch
}

func mustApply(tb testing.TB, doc []byte, patch []Operation) []byte {
	tb.Helper()
	got, err := Apply(doc, patch)
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// All cases of the JSON patch test suite, those that are disabled there because
// most libraries fail them too.
func TestJSONPatchSuite(t *testing.T) {
	t.Parallel()
	folder := vectors(t, "json-patch-tests")
	for _, name := range []string{"tests.json", "spec_tests.json"} {
		var cases []struct {
			Comment, Error       string
			Doc, Patch, Expected json.RawMessage
		}
		if err := json.Unmarshal(readFile(t, folder, name), &cases); err != nil {
			t.Fatal(err)
		}
		if len(cases) < 15 {
			t.Fatalf("only %d cases in %s", len(cases), name)
		}
		for i, c := range cases {
			if c.Doc == nil {
				continue // a comment
			}
			t.Run(fmt.Sprintf("%s/%d %s", name, i, c.Comment), func(t *testing.T) {
				t.Parallel()
				patch, err := ParsePatch(c.Patch)
				var got []byte
				if err == nil {
					got, err = Apply(c.Doc, patch)
				}
				switch {
				case c.Error != "":
					if !errors.Is(err, ErrBadPatch) && !errors.Is(err, ErrPatchConflict) {
						t.Errorf("got %s (%v), want the error %q", got, err, c.Error)
					}
				case err != nil:
					t.Error(err)
				case c.Expected != nil && !equalJSON(parseAny(got), parseAny(c.Expected)):
					t.Errorf("got %s, want %s", got, c.Expected)
				}
			})
		}
	}
}

func TestApplyKeepsWhatIsNotTouched(t *testing.T) {
	t.Parallel()
	doc := "\uFEFF { \"a\" : [ 1.0 , { \"x\" :\t1E2 } ] , \"b\" : { \"\\u0063\" : [ ] } , \"d\" : \"\\/\" }\n"
	for _, tc := range []struct{ name, patch, want string }{
		{"nothing", `[]`, `{ "a" : [ 1.0 , { "x" :	1E2 } ] , "b" : { "\u0063" : [ ] } , "d" : "\/" }`},
		{
			"tests",
			`[{"op":"test","path":"/b/c","value":[]},{"op":"test","path":"","value":{"a":[1,{"x":100}],"b":{"c":[]},"d":"/"}}]`,
			`{ "a" : [ 1.0 , { "x" :	1E2 } ] , "b" : { "\u0063" : [ ] } , "d" : "\/" }`,
		},
		{
			"an addition",
			`[{"op":"add","path":"/b/e","value": 1.50 }]`,
			`{"a":[ 1.0 , { "x" :	1E2 } ],"b":{"\u0063":[ ],"e":1.50},"d":"\/"}`,
		},
		{
			"a removal",
			`[{"op":"remove","path":"/a/0"}]`,
			`{"a":[{ "x" :	1E2 }],"b":{ "\u0063" : [ ] },"d":"\/"}`,
		},
		{
			"a replacement keeps its place",
			`[{"op":"replace","path":"/b","value":2},{"op":"add","path":"/a","value":1}]`,
			`{"a":1,"b":2,"d":"\/"}`,
		},
		{
			"back again",
			`[{"op":"remove","path":"/a"},{"op":"add","path":"/e","value":1},{"op":"add","path":"/a","value":2}]`,
			`{"a":2,"b":{ "\u0063" : [ ] },"d":"\/","e":1}`,
		},
		{
			"a move",
			`[{"op":"move","from":"/a/1","path":"/b/x"}]`,
			`{"a":[1.0],"b":{"\u0063":[ ],"x":{ "x" :	1E2 }},"d":"\/"}`,
		},
		{
			"a copy",
			`[{"op":"copy","from":"/a","path":"/a/-"}]`,
			`{"a":[1.0,{ "x" :	1E2 },[ 1.0 , { "x" :	1E2 } ]],"b":{ "\u0063" : [ ] },"d":"\/"}`,
		},
		{"the whole", `[{"op":"replace","path":"","value": [ 1 ] }]`, `[ 1 ]`},
		{
			"into what was added",
			`[{"op":"add","path":"/b/n","value":{ "o" : [ ] , "p" : [ ] }},{"op":"add","path":"/b/n/o/0","value":1}]`,
			`{"a":[ 1.0 , { "x" :	1E2 } ],"b":{"\u0063":[ ],"n":{"o":[1],"p":[ ]}},"d":"\/"}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			body, patch := []byte(doc), mustParsePatch(t, tc.patch)
			kept := slices.Clone(patch)
			got := mustApply(t, body, patch)
			if string(got) != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if string(body) != doc || !slices.EqualFunc(kept, patch, sameOperation) {
				t.Error("the inputs are modified")
			}
			clear(got)
			if string(body) != doc {
				t.Error("the result shares memory with the document")
			}
		})
	}
}

func sameOperation(x, y Operation) bool {
	return x.Op == y.Op && x.Path == y.Path && x.From == y.From && bytes.Equal(x.Value, y.Value)
}

// What is copied is another value from then on, and what is moved is the same.
func TestApplyTellsCopiesFromOriginals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ doc, patch, want string }{
		{
			`{"a":{"x":[1]}}`,
			`[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/a/x/-","value":2},{"op":"add","path":"/b/x/0","value":3}]`,
			`{"a":{"x":[1,2]},"b":{"x":[3,1]}}`,
		},
		{
			`{"a":{"x":[1]}}`,
			`[{"op":"add","path":"/a/x/-","value":2},{"op":"copy","from":"/a","path":"/a/y"},{"op":"remove","path":"/a/x/0"},{"op":"test","path":"/a/y/x","value":[1,2]}]`,
			`{"a":{"x":[2],"y":{"x":[1,2]}}}`,
		},
		{
			`{"a":{"x":[1]}}`,
			`[{"op":"add","path":"/a/x/-","value":2},{"op":"move","from":"/a","path":"/b"},{"op":"add","path":"/b/x/-","value":3}]`,
			`{"b":{"x":[1,2,3]}}`,
		},
		{`[1,2,3]`, `[{"op":"move","from":"/0","path":"/2"}]`, `[2,3,1]`},
		{`[1,2,3]`, `[{"op":"move","from":"/2","path":"/-"},{"op":"move","from":"/1","path":"/1"}]`, `[1,2,3]`},
		{`{"a":{"b":1}}`, `[{"op":"move","from":"/a","path":""},{"op":"move","from":"","path":""}]`, `{"b":1}`},
		{`{"a":1}`, `[{"op":"copy","from":"","path":"/a"},{"op":"add","path":"/a/a","value":2}]`, `{"a":{"a":2}}`},
		{`{"a":{"b":1},"ab":2}`, `[{"op":"move","from":"/a","path":"/ab"}]`, `{"ab":{"b":1}}`},
		{
			`{"a":[1,2]}`,
			`[{"op":"add","path":"/a/0","value":0},{"op":"test","path":"/a","value":[0,1,2.0]},{"op":"remove","path":"/a/1"},{"op":"test","path":"/a","value":[0,2]}]`,
			`{"a":[0,2]}`,
		},
		{`{"":{"":1},"~1":2,"/":3}`, `[{"op":"remove","path":"//"},{"op":"remove","path":"/~01"},{"op":"replace","path":"/~1","value":4}]`, `{"":{},"/":4}`},
		{
			`{"a":1,"a":2}`,
			`[{"op":"test","path":"/a","value":2},{"op":"add","path":"/b","value":{"c":1,"c":2}},{"op":"add","path":"/b/d","value":3}]`,
			`{"a":2,"b":{"c":2,"d":3}}`,
		},
		{`{"\ud800":1}`, `[{"op":"move","from":"/\uD800","path":"/\udc00"}]`, `{"\udc00":1}`},
		{`1`, `[{"op":"test","path":"","value":1.0},{"op":"add","path":"","value":"x"}]`, `"x"`},
	} {
		if got := mustApply(t, []byte(tc.doc), mustParsePatch(t, tc.patch)); string(got) != tc.want {
			t.Errorf("%s with %s:\ngot  %s\nwant %s", tc.doc, tc.patch, got, tc.want)
		}
	}
}

func TestApplyConflicts(t *testing.T) {
	t.Parallel()
	doc := []byte(`{"a":[1,2],"b":{"c":null},"n":9007199254740993}`)
	for _, tc := range []struct{ patch, want string }{
		{`[{"op":"test","path":"/a","value":[1,2]},{"op":"remove","path":"/a/2"}]`, `operation 1, remove "/a/2": index 2 is beyond the end of an array of 2`},
		{`[{"op":"add","path":"/a/3","value":1}]`, `operation 0, add "/a/3": index 3 is beyond the end of an array of 2`},
		{`[{"op":"add","path":"/a/99999999999999999999","value":1}]`, `operation 0, add "/a/99999999999999999999": index 99999999999999999999 is beyond the end of an array of 2`},
		{`[{"op":"add","path":"/a/01","value":1}]`, `operation 0, add "/a/01": "01" is no index of an array`},
		{`[{"op":"add","path":"/a/","value":1}]`, `operation 0, add "/a/": "" is no index of an array`},
		{`[{"op":"add","path":"/a/+1","value":1}]`, `operation 0, add "/a/+1": "+1" is no index of an array`},
		{`[{"op":"replace","path":"/a/-","value":1}]`, `operation 0, replace "/a/-": - stands for no element that is there`},
		{`[{"op":"remove","path":"/a/-"}]`, `operation 0, remove "/a/-": - stands for no element that is there`},
		{`[{"op":"add","path":"/a/-/x","value":1}]`, `operation 0, add "/a/-/x": - stands for no element that is there`},
		{`[{"op":"remove","path":"/x~1y"}]`, `operation 0, remove "/x~1y": there is no member "x/y"`},
		{`[{"op":"replace","path":"/b/d","value":1}]`, `operation 0, replace "/b/d": there is no member "d"`},
		{`[{"op":"remove","path":"/b/c/x"}]`, `operation 0, remove "/b/c/x": null has neither members nor elements`},
		{`[{"op":"add","path":"/n/0","value":1}]`, `operation 0, add "/n/0": a number has neither members nor elements`},
		{`[{"op":"remove","path":""}]`, `operation 0, remove "": the whole document cannot be removed`},
		{`[{"op":"move","from":"/a","path":"/a/0"}]`, `operation 0, move "/a/0": "/a" cannot be moved into itself`},
		{`[{"op":"move","from":"","path":"/x"}]`, `operation 0, move "/x": "" cannot be moved into itself`},
		{`[{"op":"move","from":"/x","path":"/a/0"}]`, `operation 0, move "/a/0": from "/x": there is no member "x"`},
		{`[{"op":"move","from":"/x","path":"/x"}]`, `operation 0, move "/x": there is no member "x"`},
		{`[{"op":"copy","from":"/a/-","path":"/x"}]`, `operation 0, copy "/x": from "/a/-": - stands for no element that is there`},
		{`[{"op":"remove","path":"/n"},{"op":"remove","path":"/n"}]`, `operation 1, remove "/n": there is no member "n"`},
		{`[{"op":"test","path":"/n","value":9007199254740992}]`, `operation 0, test "/n": another value is there`},
		{`[{"op":"test","path":"/x","value":null}]`, `operation 0, test "/x": there is no member "x"`},
		{
			`[{"op":"add","path":"/` + strings.Repeat("x", 300) + `/y","value":null}]`,
			`operation 0, add "/` + strings.Repeat("x", 199) + `…": there is no member "` + strings.Repeat("x", 200) + `…"`,
		},
	} {
		got, err := Apply(doc, mustParsePatch(t, tc.patch))
		if want := "the patch does not fit the document: " + tc.want; got != nil || !errors.Is(err, ErrPatchConflict) || err.Error() != want {
			t.Errorf("%s: got %s, %v\nwant %s", tc.patch, got, err, want)
		}
	}
	if _, err := Apply([]byte(`{"a":1`), nil); !errors.Is(err, ErrInvalidJSON) || errors.Is(err, ErrPatchConflict) {
		t.Errorf("a bad document gives %v", err)
	}
}

// Operations need not come from ParsePatch.
func TestApplyRefusesWhatIsNoOperation(t *testing.T) {
	t.Parallel()
	one := json.RawMessage("1")
	for _, tc := range []struct {
		o    Operation
		want string
	}{
		{Operation{}, `op "" must be add, remove, replace, move, copy or test`},
		{Operation{Op: "add", Path: "/a"}, `value is missing`},
		{Operation{Op: "add", Path: "/a", Value: json.RawMessage("[1")}, `value: invalid JSON at byte 2: end where , or ] should be`},
		{Operation{Op: "add", Path: "a", Value: one}, `path must be empty or begin with /`},
		{Operation{Op: "move", Path: "/a", From: "/~"}, `from has a ~ that is not followed by 0 or 1`},
		{Operation{Op: "add", Path: "/\xff", Value: one}, `path is not UTF-8`},
		{Operation{Op: "add", Path: "/\xed\xa0", Value: one}, `path is not UTF-8`},
		{Operation{Op: "add", Path: "/\xed\xff\xff", Value: one}, `path is not UTF-8`},
		{Operation{Op: "add", Path: "/\xed\xa0\x80\xed\xb0\x80", Value: one}, `path is not UTF-8`},
	} {
		_, err := Apply([]byte(`{}`), []Operation{{Op: "add", Path: "/ok", Value: one}, tc.o})
		if want := "not a JSON patch: operation 1: " + tc.want; !errors.Is(err, ErrBadPatch) || err.Error() != want {
			t.Errorf("%+v: got %v\nwant %s", tc.o, err, want)
		}
	}
	halves := Operation{Op: "add", Path: "/\xed\xb0\x80\xed\xa0\x80é\xed\xa0\x80", Value: one}
	if got := mustApply(t, []byte(`{}`), []Operation{halves}); string(got) != `{"\udc00\ud800é\ud800":1}` {
		t.Errorf("got %s", got)
	}
}

// Neither copies nor moves make more than can be read again.
func TestApplyIsBounded(t *testing.T) {
	t.Parallel()
	half := strings.Repeat("[", maxDepth/2) + strings.Repeat("]", maxDepth/2)
	most := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	inner := strings.Repeat("/0", maxDepth/2-1)
	for _, tc := range []struct {
		name, doc string
		patch     []Operation
		want      string
	}{
		{"copies", `{}`, slices.Repeat([]Operation{{Op: "copy", From: "", Path: "/a"}}, 1000), ""},
		{
			"doubling", `[` + strings.Repeat(" ", 1000) + `]`, slices.Repeat([]Operation{{Op: "copy", From: "", Path: "/-"}}, 64),
			fmt.Sprintf(`copy "/-": copies add more than %d bytes`, maxCopied+1002),
		},
		{"as deep as can be", half, []Operation{{Op: "copy", From: "", Path: inner + "/0"}}, ""},
		{"too deep a copy", `[` + half + `]`, []Operation{{Op: "copy", From: "", Path: "/0" + inner + "/0"}}, errTooMuch.Error()},
		{
			"too deep a move", `[` + most[1:len(most)-1] + `,` + most[1:len(most)-1] + `]`,
			[]Operation{{Op: "move", From: "/1", Path: "/0/0/0"}},
			errTooMuch.Error(),
		},
		{"too deep a test", `[` + half + `,` + half + `]`, []Operation{
			{Op: "add", Path: "/0" + inner + "/0", Value: json.RawMessage("1")},
			{Op: "add", Path: "/1" + inner + "/0", Value: json.RawMessage("1")},
			{Op: "move", From: "/1", Path: "/0" + inner + "/1"},
			{Op: "test", Path: "", Value: json.RawMessage("1")},
		}, errTooMuch.Error()},
		{"too deep an addition", half, []Operation{{Op: "add", Path: inner + "/0", Value: json.RawMessage("[" + half + "]")}}, errTooMuch.Error()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Apply([]byte(tc.doc), tc.patch)
			if tc.want == "" {
				if _, err := Hash(got); err != nil {
					t.Error(err)
				}
			} else if !errors.Is(err, ErrPatchConflict) || !strings.HasSuffix(err.Error(), tc.want) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
}

// Long arrays and large objects go through chunks and tables; a plain slice and
// a plain map say what should come of it.
func TestApplyToLongLists(t *testing.T) {
	t.Parallel()
	g := generator{dice{rand.New(rand.NewPCG(5, 0))}}
	want := make([]int, 3000)
	for i := range want {
		want[i] = i
	}
	doc, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var patch []Operation
	emptied := false
	for n := range 30_000 {
		at := g.pick(len(want) + 1)
		if g.pick(2) == 0 {
			at = g.pick(min(len(want), 300) + 1) // Much of it comes to one place.
		}
		path := fmt.Sprintf("/%d", at)
		value := json.RawMessage(fmt.Sprint(-n))
		// First it grows, then it shrinks to nothing, then it grows again.
		growing := n < 5000 || emptied
		switch {
		case len(want) == 0 || growing && g.pick(3) > 0 || !growing && g.pick(50) == 0:
			want = slices.Insert(want, at, -n)
			patch = append(patch, Operation{Op: "add", Path: path, Value: value})
		case at == len(want):
			path = fmt.Sprintf("/%d", at-1)
			want = want[:at-1]
			patch = append(patch, Operation{Op: "remove", Path: path})
		case g.pick(8) == 0:
			want[at] = -n
			patch = append(patch, Operation{Op: "replace", Path: path, Value: value})
		case g.pick(8) == 0:
			to := g.pick(len(want))
			moved := want[at]
			want = slices.Insert(slices.Delete(want, at, at+1), to, moved)
			patch = append(patch, Operation{Op: "move", From: path, Path: fmt.Sprintf("/%d", to)})
		default:
			want = slices.Delete(want, at, at+1)
			patch = append(patch, Operation{Op: "remove", Path: path})
		}
		emptied = emptied || len(want) == 0
	}
	if !emptied {
		t.Error("it never shrank to nothing")
	}
	if got := mustApply(t, doc, patch); string(got) != strings.ReplaceAll(fmt.Sprint(want), " ", ",") {
		t.Errorf("got %.200s…, want %.200v…", got, want)
	}
}

func TestApplyToLargeObjects(t *testing.T) {
	t.Parallel()
	g := generator{dice{rand.New(rand.NewPCG(6, 0))}}
	want := map[string]int{}
	for i := range 10 {
		want[fmt.Sprintf("k%d", i)] = i
	}
	doc, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var patch []Operation
	for n := range 5000 {
		name := fmt.Sprintf("k%d", g.pick(1000))
		value := json.RawMessage(fmt.Sprint(n))
		old, there := want[name]
		switch {
		case !there || g.pick(3) == 0:
			want[name] = n
			patch = append(patch, Operation{Op: "add", Path: "/" + name, Value: value})
		case g.pick(2) == 0:
			delete(want, name)
			patch = append(patch, Operation{Op: "remove", Path: "/" + name})
		default:
			patch = append(patch, Operation{Op: "test", Path: "/" + name, Value: json.RawMessage(fmt.Sprint(old))})
		}
	}
	wanted, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustApply(t, doc, patch); !equalJSON(parseAny(got), parseAny(wanted)) {
		t.Errorf("got %s, want %s", got, wanted)
	}
	gone := []Operation{{Op: "remove", Path: "/k7"}, {Op: "test", Path: "/k7", Value: json.RawMessage("null")}}
	if _, there := want["k7"]; !there {
		gone[0] = Operation{Op: "test", Path: "", Value: wanted}
	}
	if _, err := Apply(doc, append(patch, gone...)); !errors.Is(err, ErrPatchConflict) || !strings.HasSuffix(err.Error(), `there is no member "k7"`) {
		t.Errorf("a member that is gone gives %v", err)
	}
}
