package diff

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestInvalidJSONSaysWhere(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{"", "invalid JSON at byte 0: end where a value should be"},
		{"  ", "invalid JSON at byte 2: end where a value should be"},
		{"<!DOCTYPE html>", "invalid JSON at byte 0: '<' where a value should be"},
		{`{"a":1}x`, "invalid JSON at byte 7: unexpected 'x' after the value"},
		{`{"a":1}{"a":1}`, "invalid JSON at byte 7: unexpected '{' after the value"},
		{`{"a":1`, "invalid JSON at byte 6: end where , or } should be"},
		{`{"a" 1}`, "invalid JSON at byte 5: '1' where : should be"},
		{`{a:1}`, "invalid JSON at byte 1: 'a' where a member's name should be"},
		{`{"a":1,}`, "invalid JSON at byte 7: '}' where a member's name should be"},
		{`[1,]`, "invalid JSON at byte 3: ']' where a value should be"},
		{`[1 2]`, "invalid JSON at byte 3: '2' where , or ] should be"},
		{`[01]`, "invalid JSON at byte 2: '1' where , or ] should be"},
		{`[-]`, "invalid JSON at byte 2: ']' where a digit should be"},
		{`[1.]`, "invalid JSON at byte 3: ']' where a digit should be"},
		{`[1e]`, "invalid JSON at byte 3: ']' where a digit should be"},
		{`[NaN]`, "invalid JSON at byte 1: 'N' where a value should be"},
		{`[nul]`, "invalid JSON at byte 1: 'n' where a value should be"},
		{`["a`, "invalid JSON at byte 3: end within a string"},
		{"[\"a\n\"]", `invalid JSON at byte 3: '\n' within a string`},
		{"[\"a\x00\"]", `invalid JSON at byte 3: '\x00' within a string`},
		{`["\x"]`, "invalid JSON at byte 3: 'x' after a backslash"},
		{`["\u12`, "invalid JSON at byte 6: end where a hex digit of \\u should be"},
		{`["\u12G0"]`, "invalid JSON at byte 6: 'G' where a hex digit of \\u should be"},
		{"[\"\xe9\"]", "invalid JSON at byte 2: not UTF-8"},
		{"[\"\xed\xa0\x80\"]", "invalid JSON at byte 2: not UTF-8"},
		{"\uFEFF[1,]", "invalid JSON at byte 6: ']' where a value should be"},
		{"\uFEFF\uFEFF[]", "invalid JSON at byte 3: '\\ufeff' where a value should be"},
		{strings.Repeat("[", maxDepth+1), "invalid JSON at byte 10000: nested more than 10000 deep"},
	} {
		_, err := Canonical(nil, []byte(tc.in))
		if !errors.Is(err, ErrInvalidJSON) || err.Error() != tc.want {
			t.Errorf("%.20q: got %v, want %s", tc.in, err, tc.want)
		}
	}
}

func TestDeepNesting(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[{"a":`, maxDepth/2) + "%" + strings.Repeat("}]", maxDepth/2)
	x, y := strings.Replace(deep, "%", "1", 1), strings.Replace(deep, "%", "2", 1)
	c := mustCompare(t, x, y, mustCompile(t, Options{Ignore: []string{"#.b"}})).Changes[0]
	if want := strings.Repeat("/0/a", maxDepth/2); len(c.Changed()) != 1 || c.Changed()[0] != want || c.Patch[0].Path != want {
		t.Errorf("changed %d, patch %d", len(c.Changed()), len(c.Patch))
	}
	if len(mustCompare(t, x, strings.Replace(deep, "%", "1.0", 1), mustCompile(t, Options{})).Changes) != 0 {
		t.Error("1.0 is a change in the depth")
	}
}

func TestRepeatedNamesLastWins(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{`{"a":1,"a":2}`, `{"a":2}`},
		{`{"a":1,"b":3 , "\u0061" : 2}`, `{"a":2,"b":3}`},
		{`{"a":{"x":1,"x":2},"a":{"y":1,"y":2,"y":[{"z":1,"z":0}]}}`, `{"a":{"y":[{"z":0}]}}`},
		{`[{"a":1,"a":2,"a":3},{"a":1,"b":2}]`, `[{"a":3},{"a":1,"b":2}]`},
		{"\uFEFF" + `{"":1,"":2}`, `{"":2}`},
		{`{"\ud800":1,"\uD800":2,"\ufffd":3}`, `{"\ud800":2,` + "\"\uFFFD\":3}"},
	} {
		got, err := Canonical(nil, []byte(tc.in))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s becomes %s (%v), want %s", tc.in, got, err, tc.want)
		}
	}

	// The path language alone would take the first.
	r := mustCompile(t, Options{Items: &Items{Path: "list", Key: []string{"id"}}, Select: "v"})
	result := mustCompare(t, "", `{"list":7,"list":[{"id":1,"id":2,"v":1,"v":{"w":1,"w":2}}]}`, r)
	if c := result.Changes[0]; c.Key != "2" || string(c.After) != `{"w":2}` || string(c.ItemAfter) != `{"id":2,"v":{"w":2}}` {
		t.Errorf("got %s", show(result.Changes))
	}
}

func TestIsJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"{}": true, " \r\n\t[1]\n": true, "\uFEFF{\"a\":1}": true,
		"": false, " ": false, "1": false, `"a"`: false, "null": false, "{": false, "[1,]": false,
		"{}{}": false, "<html>": false, "[\"\xff\"]": false, "[section]": false,
	} {
		if got := IsJSON([]byte(in)); got != want {
			t.Errorf("IsJSON(%q) is %v", in, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-2.50e+3,true,false,null,"\u00e9\n"]}`, `{"a":1,"a":2}`, `[[],{},""]`, "\uFEFF0", `"\ud800"`, `1e99999999999999999999`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := Canonical(nil, body)
		valid := json.Valid([]byte(strings.TrimPrefix(string(body), "\uFEFF"))) && utf8.Valid(body)
		if valid != (err == nil) {
			t.Fatalf("%q: valid is %v, but %v", body, valid, err)
		}
		if err != nil {
			return
		}
		if !json.Valid(form) {
			t.Fatalf("%q becomes %q, which is not JSON", body, form)
		}
		if again, err := Canonical(nil, form); err != nil || string(again) != string(form) {
			t.Fatalf("%q becomes %q, then %q (%v)", body, form, again, err)
		}
	})
}
