package diff

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePatch(t *testing.T) {
	t.Parallel()
	doc := "\uFEFF" + ` [
		{"op": "add", "path": "/a~1b/\u0063", "value": 1.50e400, "from": 7, "why": {}, "why": []},
		{"path": "/\ud800", "op": "r\u0065move", "value": 1, "value": 2},
		{"value": null, "path": "", "op": "replace"},
		{"op": "move", "path": "/x", "from": "/y", "value": "unused"},
		{"op": "copy", "path": "", "from": ""},
		{"op": "test", "path": "/-", "value": {"a": 1, "a": 2} }
	] `
	got, err := ParsePatch([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	want := []Operation{
		{Op: "add", Path: "/a~1b/c", Value: []byte("1.50e400")},
		{Op: "remove", Path: "/\xed\xa0\x80"},
		{Op: "replace", Value: []byte("null")},
		{Op: "move", Path: "/x", From: "/y"},
		{Op: "copy"},
		{Op: "test", Path: "/-", Value: []byte(`{"a": 1, "a": 2}`)},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	again, err := ParsePatch(AppendPatch(nil, got))
	if d := cmp.Diff(want, again); err != nil || d != "" {
		t.Errorf("written and read again: %v\n%s", err, d)
	}
	if none, err := ParsePatch([]byte("[]")); err != nil || len(none) != 0 {
		t.Errorf("an empty patch gives %v, %v", none, err)
	}
}

func TestParsePatchRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ doc, want string }{
		{`{}`, `it must be an array of operations, and is an object`},
		{`null`, `it must be an array of operations, and is null`},
		{`[1]`, `operation 0: it must be an object, and is a number`},
		{`[{"op":"remove","path":"/a"},{}]`, `operation 1: op is missing`},
		{`[{"op":null,"path":""}]`, `operation 0: op must be a string, and is null`},
		{`[{"op":"Add","path":"","value":1}]`, `operation 0: op "Add" must be add, remove, replace, move, copy or test`},
		{`[{"op":"add","value":1}]`, `operation 0: path is missing`},
		{`[{"op":"add","path":1,"value":1}]`, `operation 0: path must be a string, and is a number`},
		{`[{"op":"add","path":"a","value":1}]`, `operation 0: path must be empty or begin with /`},
		{`[{"op":"add","path":"/a~","value":1}]`, `operation 0: path has a ~ that is not followed by 0 or 1`},
		{`[{"op":"add","path":"/~01~2","value":1}]`, `operation 0: path has a ~ that is not followed by 0 or 1`},
		{`[{"op":"add","path":"/a"}]`, `operation 0: value is missing`},
		{`[{"op":"test","path":"/a"}]`, `operation 0: value is missing`},
		{`[{"op":"replace","path":"/a"}]`, `operation 0: value is missing`},
		{`[{"op":"move","path":"/a"}]`, `operation 0: from is missing`},
		{`[{"op":"copy","path":"/a","from":["/b"]}]`, `operation 0: from must be a string, and is an array`},
		{`[{"op":"copy","path":"/a","from":"b"}]`, `operation 0: from must be empty or begin with /`},
		// RFC 6902 wants each exactly once, and shows two of op as an example (A.13).
		{`[{"op":"add","path":"/a","value":1,"op":"remove"}]`, `operation 0: op is there twice`},
		{`[{"op":"remove","path":"/a","p\u0061th":"/a"}]`, `operation 0: path is there twice`},
		{`[{"op":"add","path":"/a","value":1,"value":1}]`, `operation 0: value is there twice`},
		{`[{"op":"move","path":"/a","from":"/b","from":"/b"}]`, `operation 0: from is there twice`},
		{`[{"op":"remove","path":"/a"},]`, `invalid JSON at byte 29: ']' where a value should be`},
		{"\uFEFF[", `invalid JSON at byte 4: end where a value should be`},
	} {
		patch, err := ParsePatch([]byte(tc.doc))
		if want := "not a JSON patch: " + tc.want; patch != nil || !errors.Is(err, ErrBadPatch) || err.Error() != want {
			t.Errorf("%s: got %v, %v\nwant %s", tc.doc, patch, err, want)
		}
	}
	if _, err := ParsePatch([]byte("[")); !errors.Is(err, ErrInvalidJSON) {
		t.Errorf("%v is not ErrInvalidJSON", err)
	}
}
