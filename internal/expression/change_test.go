package expression

import (
	"strings"
	"testing"
)

const (
	then = `{"status":"open","price":0.1,"stock":10,"text":"12.50","zero":0,"big":12345678901234567890,"gone":1,"same":1,"lines":[{"n":1},{"n":2}],"a.b":1,"noise":{"x":1,"y":1},"list":[1,2],"flag":true}`
	now  = `{"status":"paid","price":0.3,"stock":8,"text":"13.75","zero":5,"big":12345678901234567891,"new":1,"same":1.0,"lines":[{"n":1},{"n":3}],"a.b":2,"noise":{"x":2,"y":2},"list":[2,1],"flag":false}`
)

func updated() *Change {
	return &Change{
		Kind: "updated", Type: "shop.order.updated", Source: "shop", Key: "7", Before: []byte(then), After: []byte(now),
		Changed: func() []string {
			return []string{"/status", "/price", "/stock", "/text", "/zero", "/big", "/gone", "/new", "/lines/1/n", "/a.b", "/noise/x", "/flag"}
		},
	}
}

func TestOfAnUpdate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`change == "updated" && type == "shop.order.updated" && source == "shop" && key == "7"`: true,
		`before.status == "open" && after.status == "paid" && item.status == "paid"`:            true,
		`change == "created" || changed("status")`:                                              true,
		`changed("same")`:                                   false, // 1 and 1.0
		`changed("gone") && changed("new")`:                 true,
		`changed("missing")`:                                false,
		`changed("lines")`:                                  true,
		`changed("lines.0")`:                                false,
		`changed("lines.1.n")`:                              true,
		`changed("lines.#.n")`:                              true,
		`changed("lines.#")`:                                false, // their number
		`changed("a\\.b")`:                                  true,
		`changed("@this")`:                                  true,
		`changed("noise.x")`:                                true,
		`changed("noise.y")`:                                false, // ignored
		`changed("noise")`:                                  true,
		`changed("list")`:                                   false, // its order is ignored
		`delta("stock") == -2`:                              true,
		`delta("price") == 0.2`:                             true, // 0.3-0.1 as decimals
		`delta("text") == 1.25`:                             true,
		`delta("big") == 1`:                                 true,
		`delta("missing") == nil && delta("gone") == nil`:   true,
		`delta("missing") > 1 || abs(delta("missing")) > 1`: false,
		`delta_percent("stock") == -20`:                     true,
		`delta_percent("price") == 200`:                     true,
		`abs(delta_percent("text")) == 10`:                  true,
		`delta_percent("zero") > 1000000`:                   true,
		`delta_percent("same") == 0`:                        true,
		`delta_percent("missing") == nil`:                   true,
		`increased("price") && !increased("stock")`:         true,
		`decreased("stock") && !decreased("price")`:         true,
		`increased("same") || decreased("same")`:            false,
		`increased("gone") || decreased("new")`:             false,
		`increased("lines.#(n>1).n")`:                       true,
	} {
		if got, err := mustCompile(t, OfChange, text).Change(updated()); err != nil || got != want {
			t.Errorf("%s: %t, %v", text, got, err)
		}
	}
}

// TestOfOtherChanges: there is one side only.
func TestOfOtherChanges(t *testing.T) {
	t.Parallel()
	created := &Change{Kind: "created", After: []byte(now)}
	deleted := &Change{Kind: "deleted", Before: []byte(then)}
	for text, want := range map[string][2]bool{
		`before == nil`:                      {true, false},
		`after == nil`:                       {false, true},
		`before.status == "open"`:            {false, true},
		`item.status == "paid"`:              {true, false},
		`item.status == "open"`:              {false, true},
		`changed("status")`:                  {true, true},
		`changed("missing")`:                 {false, false},
		`abs(delta_percent("stock")) > 1`:    {false, false},
		`increased("stock")`:                 {false, false},
		`after.stock < 9 || before.stock>50`: {true, false},
	} {
		p := mustCompile(t, OfChange, text)
		for i, c := range []*Change{created, deleted} {
			if got, err := p.Change(c); err != nil || got != want[i] {
				t.Errorf("%s of %s: %t, %v", text, c.Kind, got, err)
			}
		}
	}
}

// TestOfATextAndOfNull: values that have no members.
func TestOfATextAndOfNull(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]*Change{
		`before contains "7" && after == "n=8\n" && changed("@this")`: {Kind: "updated", Before: []byte(`"n=7\n"`), After: []byte(`"n=8\n"`), Changed: func() []string { return nil }},
		`increased("@this")`:                  {Kind: "updated", Before: []byte(`7`), After: []byte(`8`)},
		`before == nil && changed("@this")`:   {Kind: "updated", Before: []byte(`null`), After: []byte(`8`)},
		`changed("x")`:                        {Kind: "updated", Before: []byte(`{"x":null}`), After: []byte(`{}`)},
		`!changed("x")`:                       {Kind: "updated", Before: []byte(`null`), After: []byte(`"x"`)},
		`delta_percent("x") == 0`:             {Kind: "updated", Before: []byte(`{"x":0}`), After: []byte(`{"x":0.0}`)},
		`delta_percent("x") == -100`:          {Kind: "updated", Before: []byte(`{"x":4}`), After: []byte(`{"x":0}`)},
		`delta_percent("x") == 50`:            {Kind: "updated", Before: []byte(`{"x":-4}`), After: []byte(`{"x":-2}`)},
		`increased("x") && delta("x") > 1e70`: {Kind: "updated", Before: []byte(`{"x":1e71}`), After: []byte(`{"x":2e71}`)},
		`changed("x") == false`:               {Kind: "updated", Before: []byte(`{"x":1000e-3}`), After: []byte(`{"x":1}`)},
	} {
		if got, err := mustCompile(t, OfChange, text).Change(c); err != nil || !got {
			t.Errorf("%s: %t, %v", text, got, err)
		}
	}
}

func TestNoNumbersToCompare(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`delta("status") > 1`:              `delta("status"): "open" is no number`,
		`true && delta_percent("flag")>1`:  `delta_percent("flag"): true or false is no number`,
		`increased("noise")`:               `increased("noise"): an object is no number`,
		`decreased("lines")`:               `decreased("lines"): a list is no number`,
		`changed("")`:                      `the path is empty; "@this" is all of it`,
		`delta("") == 1 || changed("x")`:   `the path is empty`,
		`increased("huge") || change == 1`: "",
	} {
		p, err := Compile(OfChange, text)
		if want == "" {
			if err == nil {
				t.Errorf("%s was compiled", text)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Change(updated()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzExpression: whatever is written, and whatever it is about, ends.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{
		`change == "created" || changed("body")`, `abs(delta_percent("a.b")) > 5`, `any(item.lines, .n > 1) ? !before.x : after[0] < 3`,
		`let x = 1..9; reduce(x, #acc + #, 0) in [1, 2]`, `item?.a ?? (b matches "x")`,
	} {
		f.Add(text, `{"a":{"b":1},"lines":[{"n":2}]}`, `{"a":{"b":1e9999}}`)
	}
	f.Fuzz(func(t *testing.T, text, before, after string) {
		p, err := Compile(OfChange, text)
		if err != nil {
			return
		}
		c := &Change{Kind: "updated", Before: []byte(before), After: []byte(after)}
		_, _ = p.Change(c)
	})
}

// FuzzPath: two values of a path are compared as what they are.
func FuzzPath(f *testing.F) {
	f.Add("a.b", `{"a":{"b":1}}`, `{"a":{"b":1.0}}`)
	f.Add("#(x>1)#.y", `[{"x":2,"y":1e400}]`, `[]`)
	f.Fuzz(func(t *testing.T, path, before, after string) {
		c := &Change{Kind: "updated", Before: []byte(before), After: []byte(after), Changed: func() []string { return []string{"/a", ""} }}
		one, err := c.changed(path)
		back := &Change{Kind: "updated", Before: []byte(after), After: []byte(before), Changed: c.Changed}
		if other, otherErr := back.changed(path); err == nil && otherErr == nil && one != other {
			t.Errorf("changed one way %t, the other %t", one, other)
		}
		same := &Change{Kind: "updated", Before: []byte(before), After: []byte(before)}
		if changed, err := same.changed(path); err == nil && changed {
			t.Error("it differs from itself")
		}
		_, _, _ = c.numbers("delta", path)
	})
}
