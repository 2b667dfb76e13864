package recipe

import (
	"slices"
	"strings"
	"testing"
)

func TestRename(t *testing.T) {
	t.Parallel()
	got, err := mustParse(t, shop).Rename("store-2")
	if err != nil {
		t.Fatal(err)
	}
	want := mustParse(t, shop).Text
	for _, change := range [][2]string{
		{"{name: shop, requests", "{name: store-2, requests"},
		{"name: shop-orders   #", "name: store-2-orders   #"},
		{"rate_limit: shop\n", "rate_limit: store-2\n"},
		{`notify: [shop, "shop-team", shopping]`, `notify: [store-2, "store-2-team", shopping]`},
		{`{name: "shop", formerly: shop-old`, `{name: "store-2", formerly: store-2-old`},
	} {
		if !strings.Contains(want, change[0]) {
			t.Fatalf("there is no %s", change[0])
		}
		want = strings.Replace(want, change[0], change[1], 1)
	}
	if got.Text != want || got.Name != "store-2" {
		t.Errorf("%s is\n%s", got.Name, got.Text)
	}
	if sources, err := got.Sources(); err != nil || !slices.Equal(sources, []string{"store-2-orders", "store-2"}) {
		t.Errorf("its sources are %q, %v", sources, err)
	}
}

// TestRenameEndpoint: the file keeps to-, the names go without.
func TestRenameEndpoint(t *testing.T) {
	t.Parallel()
	r, err := parse("to-chat", "# Chat: a message\n# docs: x\n# limit: x\n# tried: x\n\nendpoints:\n  - {name: chat, rate_limit: {requests: 1, per: 1s}}\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"team", "to-team"} {
		got, err := r.Rename(name)
		if err != nil {
			t.Fatal(err)
		}
		endpoints, err := got.Endpoints()
		if err != nil || got.Name != "to-team" || !slices.Equal(endpoints, []string{"team"}) {
			t.Errorf("%s: %s has %q, %v", name, got.Name, endpoints, err)
		}
	}
}

func TestRenameRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "A", "a b", "-a", "../a", "a.b", strings.Repeat("a", 41), "a\n"} {
		if got, err := mustParse(t, shop).Rename(name); err == nil || !strings.Contains(err.Error(), "use up to 40 small letters, digits and -") {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}
