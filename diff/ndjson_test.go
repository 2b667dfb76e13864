package diff

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestNDJSONValues(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"lines":                    {"{\"id\":1}\n{\"id\":2}\n", `[{"id":1},{"id":2}]`},
		"no end of the last line":  {"{\"id\":1}\n{\"id\":2}", `[{"id":1},{"id":2}]`},
		"line ends of Windows":     {"{\"id\":1}\r\n{\"id\":2}\r\n", `[{"id":1},{"id":2}]`},
		"blank lines":              {"\n\n{\"id\":1}\n \t\r\n[2]\n\n", `[{"id":1},[2]]`},
		"byte order mark":          {"\uFEFF1\n2", `[1,2]`},
		"nothing":                  {"", `[]`},
		"white space around":       {"  {} \n\t1.0\t\n", `[{},1.0]`},
		"every kind":               {"null\ntrue\n\"a\\nb\"\n1e3\n[]\n{}\n", `[null,true,"a\nb",1e3,[],{}]`},
		"one value":                {`[{"id":1}]`, `[[{"id":1}]]`},
		"a sequence":               {"\x1E{\"id\":1}\n\x1E{\"id\":2}\n", `[{"id":1},{"id":2}]`},
		"a sequence over lines":    {"\x1E{\n  \"id\": 1\n}\n\x1E[\n2]", "[{\n  \"id\": 1\n},[\n2]]"},
		"empty ones of a sequence": {"\x1E\x1E\n\x1E1\n\x1E", `[1]`},
	} {
		got, err := ndjsonValues([]byte(tc.in))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %s (%v), want %s", name, got, err, tc.want)
		}
	}
}

func TestInvalidNDJSONSaysWhere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"a cut last line":          {"{\"id\":1}\n{\"id\":", "line 2: invalid JSON at byte 15: end where a value should be"},
		"a value on two lines":     {"\n[1\n2]\n", "line 2: invalid JSON at byte 3: end where , or ] should be"},
		"two values on a line":     {"{} {}\n", "line 1: invalid JSON at byte 3: unexpected '{' after the value"},
		"values with commas":       {"1\n2,\n3", "line 2: invalid JSON at byte 3: unexpected ',' after the value"},
		"not JSON":                 {"{}\n\n<html>\n", "line 3: invalid JSON at byte 4: '<' where a value should be"},
		"not UTF-8":                {"1\n\"\xff\"\n", "line 2: invalid JSON at byte 3: not UTF-8"},
		"a separator within lines": {"1\n\x1E2\n", "line 2: invalid JSON at byte 2: '\\x1e' where a value should be"},
		"a cut number":             {"\x1E1\n\x1E\n12", "line 3: invalid JSON at byte 7: the value may be cut, as no line break ends it"},
		"a cut value":              {"\x1E{\n\"a\":\x1E1\n", "line 1: invalid JSON"},
	} {
		got, err := ndjsonValues([]byte(tc.in))
		if !errors.Is(err, ErrInvalidJSON) || got != nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: got %s (%v), want %s", name, got, err, tc.want)
		}
	}
}

// TestLinesOfNDJSONAreCompared: they are a list like any other.
func TestLinesOfNDJSONAreCompared(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Format: NDJSON, Items: &Items{Key: []string{"id"}}})
	result, err := Compare([]byte("{\"id\":1,\"n\":1}\n{\"id\":2}\n"), []byte("{\"n\":1.0,\"id\":1}\r\n\n{\"id\":3}"), r)
	if err != nil || result.Before != 2 || result.After != 2 || len(result.Changes) != 2 {
		t.Fatalf("got %+v (%v)", result, err)
	}
	if c := result.Changes[0]; c.Kind != Created || c.Key != "3" || string(c.ItemAfter) != `{"id":3}` {
		t.Errorf("got %+v", c)
	}
	if _, err := Compare([]byte("{"), []byte("{}"), r); !errors.Is(err, ErrBefore) || !errors.Is(err, ErrInvalidJSON) {
		t.Errorf("a broken older answer: %v", err)
	}
}

// FuzzNDJSONValues holds what is read to be a JSON array of as many values as
// there are lines that are not blank, each of which is one.
func FuzzNDJSONValues(f *testing.F) {
	for _, s := range []string{"1\n2\r\n\n{\"a\":[1,\n", "\x1E{\n}\n\x1E1", "\uFEFF[1]\n\"x\"", "1\n2,3", "[1\n2]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := ndjsonValues(body)
		if err != nil {
			if !errors.Is(err, ErrInvalidJSON) || got != nil {
				t.Fatalf("%s with %v", got, err)
			}
			return
		}
		if !IsJSON(got) {
			t.Fatalf("not JSON: %s", got)
		}
		var values []json.RawMessage
		if err := json.Unmarshal(got, &values); err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		end := []byte{'\n'}
		rest, _ := withoutBOM(body)
		if begin := bytes.TrimLeft(rest, " \t\r\n"); len(begin) > 0 && begin[0] == separator {
			end[0] = separator
		}
		for line := range bytes.SplitSeq(rest, end) {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			if len(values) == 0 || !bytes.Equal(values[0], line) {
				t.Fatalf("%q is not the next of %q", line, values)
			}
			values = values[1:]
		}
		if len(values) > 0 {
			t.Fatalf("left over: %q", values)
		}
	})
}
