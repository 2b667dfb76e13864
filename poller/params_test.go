package poller

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSetJSON(t *testing.T) {
	t.Parallel()
	tests := []struct{ body, name, want, fail string }{
		{body: ``, name: "after", want: `{"after":"v"}`},
		{body: `{"after":1,"n":12345678901234567890}`, name: "after", want: `{"after":"v","n":12345678901234567890}`},
		{body: `{"page":null}`, name: "page.cursor", want: `{"page":{"cursor":"v"}}`},
		{body: `{}`, name: `a\.b.c`, want: `{"a.b":{"c":"v"}}`},
		{body: `{"groups":[{"filters":[{"op":"GTE"}]},{}]}`, name: "groups.0.filters.0.value", want: `{"groups":[{"filters":[{"op":"GTE","value":"v"}]},{}]}`},
		{body: `{"ids":[1,2]}`, name: "ids.1", want: `{"ids":[1,"v"]}`},
		{body: `{"groups":{}}`, name: "groups.0", want: `{"groups":{"0":"v"}}`},
		{body: `{"ids":[1,2]}`, name: "ids.2", fail: "the list that ids.2 leads into has 2 elements, the first is 0, and none is 2"},
		{body: `{"ids":[1,2]}`, name: "ids.-1", fail: "none is -1"},
		{body: `{"ids":[]}`, name: "ids.#.x", fail: "has 0 elements"},
		{body: `{"page":"7"}`, name: "page.cursor", fail: "a value is in the way of page.cursor"},
		{body: `[1]`, name: "after", fail: errBody.Error()},
		{body: `null`, name: "after", fail: errBody.Error()},
	}
	for _, tt := range tests {
		got, err := setJSON([]byte(tt.body), []param{{tt.name, `"v"`}})
		switch {
		case tt.fail != "":
			if err == nil || !strings.Contains(err.Error(), tt.fail) {
				t.Errorf("%s in %s: %s, %v, want %s", tt.name, tt.body, got, err, tt.fail)
			}
		case err != nil || string(got) != tt.want:
			t.Errorf("%s in %s: %s, %v, want %s", tt.name, tt.body, got, err, tt.want)
		}
	}
}

// Whatever the body and the path: what is made is JSON that has the value there.
func FuzzSetJSON(f *testing.F) {
	f.Add(`{"groups":[{"filters":[{"op":"GTE"}]}]}`, "groups.0.filters.0.value")
	f.Add(`{"page":"7"}`, "page.cursor")
	f.Add(``, `a\.b.c`)
	f.Fuzz(func(t *testing.T, body, name string) {
		if !utf8.ValidString(name) || !utf8.ValidString(body) {
			t.Skip("what is no UTF-8 is no JSON, and no YAML")
		}
		got, err := setJSON([]byte(body), []param{{name, `"v"`}})
		if err != nil {
			return
		}
		var at any
		if err := json.Unmarshal(got, &at); err != nil {
			t.Fatalf("%s in %s: %s: %v", name, body, got, err)
		}
		again, err := setJSON(got, []param{{name, `"v"`}})
		if err != nil || string(again) != string(got) {
			t.Errorf("%s in %s: %s, once more %s, %v", name, body, got, again, err)
		}
	})
}
