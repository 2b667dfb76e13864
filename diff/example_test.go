package diff_test

import (
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
