package expression

import (
	"strings"
	"testing"
)

// TestChangeIsReadOnce for all that are asked about it, and none of them changes
// it for the others.
func TestChangeIsReadOnce(t *testing.T) {
	after := []byte(`{"list":[3,1,2],"filler":[` + strings.Repeat(`{"name":"x"},`, 1000) + `0]}`)
	c := &Change{Kind: "updated", Type: "x.updated", Source: "x", Before: []byte(`{"list":[]}`), After: after}
	holds := func(text string) bool {
		t.Helper()
		p, err := Compile(OfChange, text)
		if err != nil {
			t.Fatal(err)
		}
		ok, err := p.Change(c)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	for _, text := range []string{
		"item.list[0] == 3", "sort(item.list)[0] == 1", "reverse(item.list)[0] == 2", "sortBy(item.list, #)[0] == 1",
		"concat(item.list, [4])[3] == 4", "item.list[0] == 3 and len(item.list) == 3", "after.list[1] == 1",
		`changed("list")`, "before.list == []", `change == "updated"`,
	} {
		if !holds(text) {
			t.Errorf("%s does not hold", text)
		}
	}
	p, err := Compile(OfChange, "item.list[0] == 4")
	if err != nil {
		t.Fatal(err)
	}
	allocated := testing.AllocsPerRun(10, func() {
		if ok, err := p.Change(c); ok || err != nil {
			t.Errorf("%t, %v", ok, err)
		}
	})
	if allocated > 100 {
		t.Errorf("asking once more allocates %v times", allocated)
	}
}
