package recipe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeader(t *testing.T) {
	t.Parallel()
	got := mustParse(t, shop)
	got.Text = ""
	want := &Recipe{
		Name: "shop", Title: "Shop", Gets: "orders, and what becomes of them", About: "Orders of Müller's.",
		Docs: []string{"https://shop.example.com/docs"}, Limit: "10 requests a second", Tried: []string{"a fake"},
		Settings: []Setting{
			{Name: "SHOP_KEY", Meaning: "a key that may read orders", Secret: true},
			{Name: "SHOP_REGION", Meaning: "where the shop is", Default: "eu", HasDefault: true},
			{Name: "SHOP_LIMIT", Meaning: "from which total on", Default: "100", HasDefault: true},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHeaderRefuses(t *testing.T) {
	t.Parallel()
	const rest = "# docs: https://a.example\n# limit: none\n# tried: a fake\n"
	for text, want := range map[string]string{
		"":                                "x.yaml has no header",
		"sources: []\n":                   "x.yaml has no header",
		"# Shop\n":                        "x.yaml:1: the first line must be # TITLE: what one gets",
		"# A: b\n# limit: x\n":            "the header lacks docs",
		"# A: b\n# docs: x\n":             "the header lacks tried",
		"# A: b\n# docs: x\n# tried: x\n": "the header lacks limit",
		"# A: b\n" + rest + "# more\n":    `x.yaml:5: "more" is no field: docs, limit, secret, set or tried`,
		"# A: b\n" + rest + "# set: lower what\n":       `x.yaml:5: set must be NAME and what it is, not "lower what"`,
		"# A: b\n" + rest + "# secret: KEY\n":           `x.yaml:5: secret must be NAME and what it is, not "KEY"`,
		"# A: b\n" + rest + "# set: KEY what\n\na: b\n": "the header has a setting KEY that is not used",
		"# A: b\n" + rest + "\na: ${KEY}\n":             "${KEY} is used, but the header has no set or secret of it",
	} {
		if _, err := parse("x", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzHeader: whatever a file holds, it is refused or what it says is whole.
func FuzzHeader(f *testing.F) {
	f.Add(shop)
	f.Add("# A: b\n# docs: x\n# limit: x\n# tried: x; y\n\na: $${B} ${C:-}\n")
	f.Add("#\n#")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parse("x", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x.yaml") {
				t.Errorf("%v names no file", err)
			}
			return
		}
		if r.Title == "" || r.Gets == "" || len(r.Docs) == 0 || r.Limit == "" || len(r.Tried) == 0 || r.Text != text {
			t.Errorf("it says too little: %+v", r)
		}
		for _, s := range r.Settings {
			if s.Meaning == "" || !strings.Contains(text, "${"+s.Name) || s.Default != "" && !s.HasDefault {
				t.Errorf("a setting says too little: %+v", s)
			}
		}
	})
}

// TestReferencesSideBySide: one need not stand apart from the one before it.
func TestReferencesSideBySide(t *testing.T) {
	t.Parallel()
	const text = "# A: b\n# docs: x\n# limit: x\n# set: ONE the first\n# set: TWO the second\n# tried: x\n\na: x${ONE}${TWO:-2}$${ONE}$$${TWO}$${${ONE}\n"
	r, err := parse("x", text)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Settings[1].HasDefault || r.Settings[1].Default != "2" {
		t.Errorf("the settings are %+v", r.Settings)
	}
	filled, err := r.Fill(map[string]string{"ONE": "first", "TWO": "second"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "\na: xfirstsecond$${ONE}$$${TWO}$${first\n"; !strings.HasSuffix(filled.Text, want) {
		t.Errorf("filled it is %q, want %q", filled.Text, want)
	}
}
