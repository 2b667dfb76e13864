package dashboard

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shown is a change as its rows show it, what differs in brackets.
func shown(v *diffView) string {
	var b strings.Builder
	for _, r := range v.Rows {
		indent := strings.Repeat("  ", r.Depth)
		switch r.Kind {
		case rowSame:
			fmt.Fprintf(&b, "  %s%s\n", indent, cellText(&r.After))
		case rowFold:
			fmt.Fprintf(&b, "  ... %d alike\n", r.Hidden)
		case rowChanged:
			fmt.Fprintf(&b, "~ %s%s | %s", indent, cellText(&r.Before), cellText(&r.After))
		case rowAdded:
			fmt.Fprintf(&b, "+ %s%s", indent, cellText(&r.After))
		case rowRemoved:
			fmt.Fprintf(&b, "- %s%s", indent, cellText(&r.Before))
		}
		switch {
		case r.Ignored:
			b.WriteString(" (ignored)\n")
		case r.Kind != rowSame && r.Kind != rowFold:
			b.WriteString("\n")
		}
	}
	return b.String()
}

func cellText(c *diffCell) string {
	var b strings.Builder
	if c.Name != "" {
		b.WriteString(c.Name + ": ")
	}
	for _, s := range c.Spans {
		if s.Differs {
			b.WriteString("[" + s.Text + "]")
		} else {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

func updated(before, after string, changed ...string) *changeData {
	return &changeData{Change: "updated", Before: json.RawMessage(before), After: json.RawMessage(after), Changed: changed}
}

func TestDiffView(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		data *changeData
		want string
	}{
		{
			"a member of many",
			updated(`{"a":1,"b":2,"c":3,"d":4,"price":12.50,"e":5,"f":6,"g":7,"h":8}`,
				`{"h":8,"a":1,"b":2,"c":3,"d":4,"price":12.75,"e":5,"f":6,"g":7}`, "/price"),
			`  {
  ... 3 alike
    c: 3
    d: 4
~   price: 12.[50] | price: 12.[75]
    e: 5
    f: 6
    g: 7
  }
`,
		},
		{
			"members that come and go stand where they are",
			updated(`{"a":1,"old":[1,{"x":null}],"b":2}`, `{"new":{},"a":1,"b":2}`, "/old", "/new"),
			`  {
+   new: {}
    a: 1
-   old: [
-     1
-     {
-       x: null
-     }
-   ]
    b: 2
  }
`,
		},
		{
			"elements are known by their id",
			updated(`{"items":[{"id":1,"n":1},{"id":2,"n":2},{"id":3,"n":3}]}`,
				`{"items":[{"id":1,"n":1},{"id":9,"n":9},{"id":3,"n":4}]}`, "/items/1", "/items/2/n"),
			`  {
    items: [
      {id: 1, n: 1}
-     {
-       id: 2
-       n: 2
-     }
+     {
+       id: 9
+       n: 9
+     }
      {
        id: 3
~       n: [3] | n: [4]
      }
    ]
  }
`,
		},
		{
			"what is no change by the rules",
			updated(`{"a":{"seen":1,"price":1},"seen":1}`, `{"a":{"seen":2,"price":2},"seen":2}`, "/a/price"),
			`  {
    a: {
~     seen: [1] | seen: [2] (ignored)
~     price: [1] | price: [2]
    }
~   seen: [1] | seen: [2] (ignored)
  }
`,
		},
		{
			"an element that was inserted is no reason to doubt the others",
			updated(`{"l":["a","b","c"],"x":1}`, `{"l":["z","a","b","c"],"x":2}`, "/l/0"),
			`  {
    l: [
+     "z"
      "a"
      "b"
      "c"
    ]
~   x: [1] | x: [2] (ignored)
  }
`,
		},
		{
			"another kind of value",
			updated(`{"a":[1]}`, `{"a":"1 < 2"}`, "/a"),
			`  {
-   a: [
-     1
-   ]
+   a: "1 < 2"
  }
`,
		},
		{
			"lines within a value",
			updated(`{"body":"one\ntwo\nthree\nfour\nfive\nsix"}`, `{"body":"one\ntwo\nthree\nfour\nfive!\nsix\r\nseven"}`, "/body"),
			`  {
    body: 
  ... 2 alike
      three
      four
~     five | five[!]
      six
+     seven
  }
`,
		},
		{
			"a text",
			updated(`"alpha beta\ngamma\n"`, `"alpha bet\ngamma\n"`, ""),
			"  \n~   alpha [beta] | alpha [bet]\n    gamma\n",
		},
		{
			"words that have nothing in common",
			updated(`"the quick brown fox"`, `"0123"`, ""),
			`~ "[the quick brown fox]" | "[0123]"` + "\n",
		},
		{
			"a creation",
			&changeData{Change: "created", Before: json.RawMessage("null"), After: json.RawMessage(`{"id":7,"tags":["a"]}`)},
			"+ {\n+   id: 7\n+   tags: [\n+     \"a\"\n+   ]\n+ }\n",
		},
		{
			"a deletion",
			&changeData{Change: "deleted", Before: json.RawMessage(`9007199254740993`), After: json.RawMessage("null")},
			"- 9007199254740993\n",
		},
		{"nothing that is seen", updated(`{"a":1}`, ` {"a" : 1}`, ""), "  {a: 1}\n"},
		{"names that are repeated", updated(`{"a":1,"a":2}`, `{"a":3}`, "/a"), "  {\n~   a: [2] | a: [3]\n  }\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newDiffView(test.data)
			got := shown(&v)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("%s\n%s", d, got)
			}
			if v.More || v.Patch || v.Whole != (test.data.Change != "updated") || v.Ignored != strings.Contains(got, "(ignored)") {
				t.Errorf("%+v", v)
			}
		})
	}
}

// TestDiffViewIsBounded whatever an upstream sends.
func TestDiffViewIsBounded(t *testing.T) {
	t.Parallel()
	list := func(n int, x string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"id":"`+x+`","v":[1,2,3]},`, n), ",") + "]"
	}
	long := strings.Repeat("word ", 40_000)
	for name, data := range map[string]*changeData{
		"many elements":    updated(list(9000, "a"), list(9000, "b"), ""),
		"many of one kind": updated("["+strings.Repeat("1,", 9000)+"1]", "["+strings.Repeat("2,", 9000)+"2]", ""),
		"many words":       updated(`"`+long+`x `+long+`"`, `"`+long+`y `+long+`"`, ""),
		"too large":        updated(`"`+strings.Repeat("a", maxCompared)+`"`, `"b"`, ""),
		"too deep":         updated(strings.Repeat("[", 5000)+strings.Repeat("]", 5000), "1", ""),
		"no JSON":          updated(`{"a":`, "1", ""),
		"a large creation": {Change: "created", After: json.RawMessage(list(9000, "a"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data.Patch = json.RawMessage(`[{"op":"move","from":"/a","path":"/b"},{"op":"remove","path":"/c"},{"op":"add","path":"/d","value":{"x":1}}]`)
			v := newDiffView(data)
			if len(v.Rows) == 0 || len(v.Rows) > maxDiffRows {
				t.Errorf("%d rows", len(v.Rows))
			}
			size := 0
			for _, r := range v.Rows {
				for _, c := range []diffCell{r.Before, r.After} {
					size += len(cellText(&c)) + len(c.Whole)
				}
			}
			if size > maxDiffRows*(maxShown+100)*2+2*maxWhole {
				t.Errorf("%d bytes", size)
			}
			if v.Patch {
				const want = "+ move /a → /b: \n- remove /c: \n+ add /d: {\"x\":1}\n"
				if got := shown(&v); got != want {
					t.Errorf("patch:\n%s", got)
				}
			}
		})
	}
}

func TestLongValueShowsWhatDiffers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("lorem ipsum ", 200)
	v := newDiffView(updated(quoted(long+"x "+long), quoted(long+"y "+long), ""))
	if len(v.Rows) != 1 {
		t.Fatalf("%d rows", len(v.Rows))
	}
	c := v.Rows[0].After
	if text := cellText(&c); !strings.Contains(text, "…") || !strings.Contains(text, "[y]") || len(text) > maxShown {
		t.Errorf("shown %s", text)
	}
	if c.Whole != quoted(long+"y "+long) || c.Left != 0 {
		t.Errorf("whole of %d bytes, %d left out", len(c.Whole), c.Left)
	}
	huge := plainCell("", strings.Repeat("é", maxWhole))
	if len(huge.Whole) > maxWhole || huge.Left != int64(maxWhole*2-len(huge.Whole)) || strings.Contains(huge.Whole, "\uFFFD") {
		t.Errorf("whole of %d bytes, %d left out", len(huge.Whole), huge.Left)
	}
}

func TestUnifiedDiffIsShown(t *testing.T) {
	t.Parallel()
	v := patchView(json.RawMessage(quoted("--- before\n+++ after\n@@ -1,2 +1,2 @@\n-old\n+new\n same\n")))
	const want = "- -- before\n+ ++ after\n  @@ -1,2 +1,2 @@\n- old\n+ new\n   same\n"
	if got := shown(&v); got != want {
		t.Errorf("got\n%s", got)
	}
	if v := patchView(nil); len(v.Rows) != 0 {
		t.Errorf("of no patch: %+v", v)
	}
}

// FuzzDiffView holds that both sides say what they stand for: the spans of a row
// that is not shortened give its value, those that are alike the same on both.
func FuzzDiffView(f *testing.F) {
	f.Add(`{"a":1,"b":[1,2,{"id":1}]}`, `{"a":2,"b":[{"id":1,"x":"y"}]}`, "/a")
	f.Add(`"one\ntwo"`, `"one\nthree"`, "")
	f.Add(`[[[]]]`, `{"":null}`, "/0")
	f.Fuzz(func(t *testing.T, before, after, changed string) {
		v := newDiffView(updated(before, after, changed))
		if len(v.Rows) > maxDiffRows {
			t.Fatalf("%d rows", len(v.Rows))
		}
		for _, r := range v.Rows {
			alike := [2]string{}
			for i, c := range []diffCell{r.Before, r.After} {
				for _, s := range c.Spans {
					if !s.Differs {
						alike[i] += s.Text
					}
				}
			}
			if r.Kind == rowChanged && r.Before.Whole == "" && r.After.Whole == "" && alike[0] != alike[1] {
				t.Errorf("alike: %q and %q", alike[0], alike[1])
			}
			if r.Kind == rowFold && r.Hidden < 1 {
				t.Errorf("a fold of %d", r.Hidden)
			}
		}
	})
}

// TestSmallDiffs are shown among other events, where they are small.
func TestSmallDiffs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		envelope string
		rows     int
	}{
		"a change":  {`{"data":{"change":"updated","before":{"a":1},"after":{"a":2},"changed":["/a"]}}`, 3},
		"an alert":  {`{"data":{"name":"a","reason":"b"}}`, 0},
		"no JSON":   {`{`, 0},
		"many rows": {`{"data":{"change":"created","after":[` + strings.Repeat("1,", maxSmallRows) + `1]}}`, 0},
		"too large": {`{"data":{"change":"created","after":"` + strings.Repeat("a", maxSmall) + `"}}`, 0},
	} {
		v := smallDiff(json.RawMessage(test.envelope))
		if rows := test.rows; (v == nil) != (rows == 0) || v != nil && len(v.Rows) != rows {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestLongTextsAreCutBetweenCharacters where they begin to differ in the middle of
// what UTF-8 makes of one.
func TestLongTextsAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxWordBytes/3)
	for _, change := range [][2]string{{"é", "è"}, {"", "x"}, {"ą", "\u0141"}, {"", ""}} {
		was, is := compareWords(long+change[0]+long, long+change[1]+long)
		for i, spans := range [][]span{was, is} {
			text, differs := "", ""
			for _, s := range spans {
				text += s.Text
				if s.Differs {
					differs += s.Text
				}
			}
			if text != long+change[i]+long || differs != change[i] {
				t.Errorf("%q: %d bytes, of which %q differ", change, len(text), differs)
			}
		}
	}
}

// BenchmarkDiffView compares the largest values that are compared.
func BenchmarkDiffView(b *testing.B) {
	list := func(value string, every int) string {
		var s strings.Builder
		for i := range 6500 {
			v := "x"
			if i%every == 0 {
				v = value
			}
			fmt.Fprintf(&s, `,{"id":%d,"name":"item %d","value":%q,"tags":["a","b","c"],"n":%d}`, i, i, v, i*7)
		}
		return "[" + s.String()[1:] + "]"
	}
	text := strings.Repeat("the quick brown fox ", 12_000)
	for name, data := range map[string]*changeData{
		"few elements": updated(list("y", 1000), list("z", 1000)),
		"all elements": updated(list("y", 1), list("z", 1)),
		"a long line":  updated(quoted(text+text), quoted(text+"!"+text)),
	} {
		if size := len(data.Before) + len(data.After); size > maxCompared || size < maxCompared/2 {
			b.Fatalf("%s has %d bytes", name, size)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				newDiffView(data)
			}
		})
	}
}
