package diff

import (
	"errors"
	"testing"
)

// TestItemKey: an item alone has the key that it has in its list.
func TestItemKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		key  []string
		item string
	}{
		{[]string{"id"}, `{"v":1,"id":"a\u0062"}`},
		{[]string{"id"}, `{"id":1.0}`},
		{[]string{"owner.login"}, `{"owner":{"id":1,"login":"x"}}`},
		{[]string{"tags.0"}, `{"tags":["x","y"]}`},
		{[]string{"@this"}, `"x"`},
		{[]string{"a", "b"}, `{"a":"x","b":1e1}`},
		{[]string{`a\.b`}, `{"a.b":"x","a":{"b":"y"}}`},
	} {
		r := mustCompile(t, Options{Items: &Items{Path: "data", Key: test.key}})
		result, err := Compare(nil, []byte(`{"data":[`+test.item+`]}`), r)
		if err != nil {
			t.Fatal(err)
		}
		want := result.Changes[0].Key
		if got, err := r.ItemKey([]byte(test.item)); err != nil || got != want {
			t.Errorf("%v of %s: %q, %v; want %q", test.key, test.item, got, err, want)
		}
	}
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}})
	for _, item := range []string{`{}`, `{"id":""}`, `{"id":null}`, `7`} {
		if got, err := r.ItemKey([]byte(item)); !errors.Is(err, ErrBadKey) {
			t.Errorf("%s: %q, %v", item, got, err)
		}
	}
	if _, err := mustCompile(t, Options{}).ItemKey([]byte(`{"id":1}`)); err == nil {
		t.Error("a key under rules of a document")
	}
}
