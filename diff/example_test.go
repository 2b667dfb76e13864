package diff_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/pollwire/pollwire/diff"
)

func ExampleCompare() {
	rules, err := diff.Compile(diff.Options{
		Items:  &diff.Items{Path: "orders", Key: []string{"id"}},
		Ignore: []string{"seen_at"},
	})
	if err != nil {
		log.Fatal(err)
	}
	before := []byte(`{"orders": [
		{"id": 1, "state": "open", "seen_at": 10},
		{"id": 2, "state": "open", "seen_at": 10}]}`)
	after := []byte(`{"orders": [
		{"id": 3, "state": "open", "seen_at": 20},
		{"id": 1.0, "state": "paid", "seen_at": 20}]}`)

	result, err := diff.Compare(before, after, rules)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range result.Changes {
		fmt.Println(c.Kind, c.Key, c.Changed())
	}
	// Output:
	// created 3 []
	// updated 1 [/state]
	// deleted 2 []
}

func ExampleCompare_document() {
	rules, err := diff.Compile(diff.Options{})
	if err != nil {
		log.Fatal(err)
	}
	before := []byte(`{"version": "1.0", "ids": [9007199254740992, 7]}`)
	after := []byte(`{"ids": [9007199254740993, 7.0, 8], "version": "1.0"}`)

	result, err := diff.Compare(before, after, rules)
	if err != nil {
		log.Fatal(err)
	}
	c := result.Changes[0]
	fmt.Println(c.Changed())
	fmt.Println(string(diff.AppendPatch(nil, c.Patch)))
	// Output:
	// [/ids/0 /ids/2]
	// [{"op":"replace","path":"/ids/0","value":9007199254740993},{"op":"add","path":"/ids/2","value":8}]
}

func ExampleCompare_text() {
	rules, err := diff.Compile(diff.Options{Format: diff.Text})
	if err != nil {
		log.Fatal(err)
	}
	result, err := diff.Compare([]byte("API: up\nSite: up\n"), []byte("API: up\nSite: down\n"), rules)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(result.Changes[0].Unified)
	// Output:
	// --- before
	// +++ after
	// @@ -1,2 +1,2 @@
	//  API: up
	// -Site: up
	// +Site: down
}

func ExampleCompareItem() {
	rules, err := diff.Compile(diff.Options{Items: &diff.Items{Key: []string{"id"}}})
	if err != nil {
		log.Fatal(err)
	}
	change, changed, err := diff.CompareItem("7", []byte(`{"id": 7, "n": 1}`), []byte(`{"id": 7, "n": 2}`), rules)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(changed, change.Kind, change.Changed())
	// Output: true updated [/n]
}

func ExampleCompile() {
	_, err := diff.Compile(diff.Options{Ignore: []string{"assets.#.down*"}})
	fmt.Println(err)
	// Output: ignore[0] "assets.#.down*": step "down*": * and # stand alone; write \* and \# where a name contains them
}

func ExampleCanonical() {
	form, err := diff.Canonical(nil, []byte(` { "b": 1.0e2, "a": "\u00e9\/", "c": 9007199254740993 } `))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(form))
	// Output: {"a":"é/","b":100,"c":9007199254740993}
}

func ExampleApply() {
	doc := []byte(`{"total": 12.50, "lines": [{"sku": "a"}, {"sku": "b"}]}`)
	patch, err := diff.ParsePatch([]byte(`[
		{"op": "test", "path": "/total", "value": 12.5},
		{"op": "add", "path": "/lines/0", "value": {"sku": "c"}},
		{"op": "move", "from": "/lines/2", "path": "/lines/0"}]`))
	if err != nil {
		log.Fatal(err)
	}
	patched, err := diff.Apply(doc, patch)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(patched))
	// Output: {"total":12.50,"lines":[{"sku": "b"},{"sku": "c"},{"sku": "a"}]}
}

func ExampleWithTests() {
	rules, err := diff.Compile(diff.Options{})
	if err != nil {
		log.Fatal(err)
	}
	before := []byte(`{"state": "open", "total": 10}`)
	result, err := diff.Compare(before, []byte(`{"state": "paid", "total": 10}`), rules)
	if err != nil {
		log.Fatal(err)
	}
	patch := diff.WithTests(result.Changes[0].Patch)
	fmt.Println(string(diff.AppendPatch(nil, patch)))

	// Meanwhile something else has changed the state.
	_, err = diff.Apply([]byte(`{"state": "cancelled", "total": 10}`), patch)
	fmt.Println(errors.Is(err, diff.ErrPatchConflict), err)
	// Output:
	// [{"op":"test","path":"/state","value":"open"},{"op":"replace","path":"/state","value":"paid"}]
	// true the patch does not fit the document: operation 0, test "/state": another value is there
}

func ExampleMergePatch() {
	before := []byte(`{"name": "order 7", "address": {"street": "Main St 1", "floor": 2}, "tags": ["a"]}`)
	after := []byte(`{"name": "order 7", "address": {"street": "Main St 3"}, "tags": ["a", "b"]}`)
	patch, err := diff.MergePatch(before, after)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(patch))
	// Output: {"address":{"floor":null,"street":"Main St 3"},"tags":["a", "b"]}
}

// Elements that are known by a key are found wherever they stand.
func ExampleCompare_keys() {
	rules, err := diff.Compile(diff.Options{Keys: map[string][]string{"tracks": {"id"}}})
	if err != nil {
		log.Fatal(err)
	}
	before := []byte(`{"tracks": [{"id": "a", "plays": 1}, {"id": "b", "plays": 5}, {"id": "c", "plays": 2}]}`)
	after := []byte(`{"tracks": [{"id": "c", "plays": 3}, {"id": "a", "plays": 1}, {"id": "b", "plays": 5}]}`)

	result, err := diff.Compare(before, after, rules)
	if err != nil {
		log.Fatal(err)
	}
	change := result.Changes[0]
	fmt.Println(string(diff.AppendPatch(nil, change.Patch)))
	for _, d := range change.Differences {
		fmt.Printf("%s: %s -> %s\n", d.Path, d.Before, d.After)
	}
	// Output:
	// [{"op":"move","from":"/tracks/2","path":"/tracks/0"},{"op":"replace","path":"/tracks/0/plays","value":3}]
	// /tracks/0: {"id": "c", "plays": 2} -> {"id": "c", "plays": 3}
	// /tracks/0/plays: 2 -> 3
}

// An answer that once came in one body is compared with the same list in pages.
func ExampleComparePages() {
	rules, err := diff.Compile(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}})
	if err != nil {
		log.Fatal(err)
	}
	before := diff.OnePage([]byte(`{"data": [{"id": 1}, {"id": 2}, {"id": 3, "state": "open"}]}`))
	after := pages{`{"data": [{"id": 4}, {"id": 1}], "next": 2}`, `{"data": [{"id": 3, "state": "paid"}]}`}

	result, err := diff.ComparePages(before, after, rules)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range result.Changes {
		fmt.Println(c.Kind, c.Key, c.Changed())
	}
	// Output:
	// created 4 []
	// updated 3 [/state]
	// deleted 2 []
}

// pages are held in memory here; others come from a file or a database.
type pages []string

func (p pages) Len() int                   { return len(p) }
func (p pages) Page(i int) ([]byte, error) { return []byte(p[i]), nil }
