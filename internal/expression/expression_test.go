package expression

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func mustCompile(tb testing.TB, kind Kind, text string) *Program {
	tb.Helper()
	p, err := Compile(kind, text)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return p
}

const order = `{
	"id": 7, "big": 12345678901234567890, "huge": 1e999, "price": 12.5, "whole": 3.0, "text": "née", "draft": false, "paid": true,
	"nothing": null, "tags": ["a", "b"], "lines": [{"sku": "x", "n": 2}, {"sku": "y"}], "at": "2026-01-02T03:04:05Z", "max": 9223372036854775807
}`

// TestWhatHolds is of an item; what it lacks is nil, and nothing fails for that.
func TestWhatHolds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"item.id == 7":                                true,
		"item.id == 7.0":                              true,
		`item.id == "7"`:                              false,
		"item.whole == 3":                             true,
		"item.max == 9223372036854775807":             true,
		`item.big == "12345678901234567890"`:          true,
		`item.huge == "1e999"`:                        true,
		"item.price > 12 && item.price <= 12.5":       true,
		"item.price + 1 > 13":                         true,
		"item.paid":                                   true,
		"!item.draft":                                 true,
		"not item.draft and item.paid":                true,
		"item.draft || item.paid":                     true,
		`item.text == "née" && len(item.text) == 3`:   true,
		`item["text"] startsWith "n"`:                 true,
		`item.text matches "^n.e$"`:                   true,
		`"b" in item.tags`:                            true,
		`item.id in [5, 7]`:                           true,
		`item.tags[0] == "a" && item.tags[-1] == "b"`: true,
		"len(item.tags) == 2":                         true,
		`any(item.lines, .sku == "y")`:                true,
		`all(item.lines, .n > 1)`:                     false,
		`sum(map(item.lines, .n ?? 0)) == 2`:          true,
		`filter(item.lines, .n > 1)[0].sku == "x"`:    true,
		`let n = item.lines[0].n; n * 2 == 4`:         true,
		`item.paid ? item.id == 7 : false`:            true,
		`date(item.at) < now()`:                       true,
		`date(item.at).Year() == 2026`:                true,
		`now() - date(item.at) > duration("1h")`:      true,
		`lower(item.text) + "!" == "née!"`:            true,
		`string(item.id) == "7"`:                      true,
		`abs(item.id - 10) == 3`:                      true,
		"true":                                        true,
		// What is not there.
		"item.missing":                                         false,
		"!item.missing":                                        true,
		"item.missing == nil":                                  true,
		"item.nothing == nil":                                  true,
		"item.missing > 3":                                     false,
		"item.missing < 3":                                     false,
		"item.missing.deeper.still == 1":                       false,
		"item.missing[3].x == 1":                               false,
		"item.tags[7] == nil && item.tags[-7] == nil":          true,
		"item.missing && item.id > 3":                          false,
		"item.id > 3 || item.missing":                          true,
		"len(item.missing) == 0":                               true,
		"len(item.missing.deeper) > 0":                         false,
		"abs(item.missing) > 3":                                false,
		`any(item.missing, .x == 1)`:                           false,
		`all(item.missing, .x == 1)`:                           true,
		`item.missing ? true : false`:                          false,
		`item.missing contains "x"`:                            false,
		`item.missing matches "x"`:                             false,
		`"x" in item.missing`:                                  false,
		`item?.missing?.x == nil`:                              true,
		`(item.missing ?? 5) == 5`:                             true,
		`any(item.lines, .missing)`:                            false,
		`len(filter(item.lines, not .missing)) == 2`:           true,
		`item.missing in [1, 2]`:                               false,
		`none(item.lines, .n > 5) && one(item.lines, .n == 2)`: true,
		`find(item.lines, .sku == "z").n == nil`:               true,
		`len(groupBy(item.lines, .sku)) == 2`:                  true,
		`reduce(item.lines, #acc + (.n ?? 0), 0) == 2`:         true,
		`sortBy(item.lines, .sku, "desc")[0].sku == "y"`:       true,
		`len(item) > 5`:                                        true,
		`all(keys(item), # != "")`:                             true,
		`get(item, "id") == 7`:                                 true,
		`if item.paid { item.id == 7 } else { false }`:         true,
		`item.tags == ["a", "b"]`:                              true,
		`item.lines[0] == {"sku": "x", "n": 2}`:                true,
		`max(map(item.lines, .n ?? 0)) == 2`:                   true,
		`len(item.tags | filter(# != "a")) == 1`:               true,
		`findIndex(item.tags, # == "b") == 1`:                  true,
		`len(1..3) == 3 && (item.lines[0].n ?? 0) in 1..3`:     true,
		`(item.text | upper()) == "NÉE"`:                       true,
		`item.id % 2 == 1 && item.id ** 2 == 49`:               true,
		`split(item.at, "T")[0] == "2026-01-02"`:               true,
		`len(item.tags[0:1]) == 1`:                             true,
		`fromJSON("{\"a\": [1]}").a[0] == 1`:                   true,
		`join(item.tags, "-") == "a-b" && join(item.tags) == "ab" && join(split("a b", " "), "+") == "a+b"`: true,
		`replace(item.at, "2026", "1999") startsWith "1999" && replace("aaa", "a", "b", 2) == "bba"`:        true,
		`len(flatten(map(item.lines, [.sku, [.n]]))) == 4 && len(flatten(item.missing)) == 0`:               true,
		`len(uniq(concat(item.tags, item.tags))) == 2`:                                                      true,
		`!(item.lines[0].n > 2) and !(item.lines[1].n > 2)`:                                                 true,
	} {
		p, err := Compile(OfItem, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := p.Item([]byte(order))
		if err != nil || got != want {
			t.Errorf("%s: %t, %v", text, got, err)
		}
		if p.String() != text {
			t.Errorf("%s is now %s", text, p)
		}
	}
}

// TestMistakesAreFoundAtLoad, with their place in the expression.
func TestMistakesAreFoundAtLoad(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind      Kind
		text      string
		line, col int
		message   string
	}{
		{OfChange, "", 1, 1, "it is empty"},
		{OfChange, "  \n", 1, 1, "it is empty"},
		{OfChange, strings.Repeat("true && ", 3000) + "true", 1, 1, "longer than 16384 bytes"},
		{OfChange, "changed(\"\xff\")", 1, 1, "not UTF-8"},
		{OfChange, "chnge == \"created\"", 1, 1, "unknown name chnge; there is change, type, source, key, before, after, item, changed(path)"},
		{OfItem, "true && document.x", 1, 9, "unknown name document; there is item"},
		{OfItem, "changed(\"x\")", 1, 1, "unknown name changed; there is item"},
		{OfAnswer, "len(item) > 0", 1, 5, "unknown name item; there is document"},
		{OfChange, "before.x ==", 1, 11, "something is missing at its end"},
		{OfChange, "change == \"created\" &&\n  (key", 2, 6, "something is missing at its end"},
		{OfChange, "change", 1, 1, "it gives a text, and must give true or false"},
		{OfChange, "1 + 2", 1, 1, "it gives a number, and must give true or false"},
		{OfChange, "[true]", 1, 1, "it gives a list, and must give true or false"},
		{OfChange, "{\"a\": 1}", 1, 1, "it gives an object, and must give true or false"},
		{OfChange, "change > 3", 1, 8, "invalid operation"},
		{OfChange, "change && true", 1, 8, "invalid operation"},
		{OfChange, "!key", 1, 1, "invalid operation"},
		{OfChange, "change.x == 1", 1, 8, "type string has no field x"},
		{OfChange, "changed(7)", 1, 9, "cannot use int as argument"},
		{OfChange, "changed()", 1, 1, "not enough arguments"},
		{OfChange, "increased(\"a\", \"b\")", 1, 1, "too many arguments"},
		{OfChange, "$env.before == 1", 1, 1, "unknown name $env"},
		{OfChange, "$step(true)", 1, 1, "unknown name $step"},
		{OfChange, "toJSON(after) == \"\"", 1, 1, "unknown name toJSON"},
		{OfChange, "key matches \"(\"", 1, 5, "missing closing"},
		{OfItem, "item.x = 1", 1, 8, "unexpected token Operator(\"=\"); to compare, write =="},
		{OfChange, `change == "create"`, 1, 11, `change is never "create": it is created, updated or deleted`},
		{OfChange, `key == "a" || "new" != change`, 1, 15, `change is never "new"`},
		{OfChange, `!(change in ["created", "removed"])`, 1, 25, `change is never "removed"`},
	} {
		_, err := Compile(test.kind, test.text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.40s: %v", test.text, err)
			continue
		}
		if e.Line != test.line || e.Column != test.col || !strings.Contains(e.Message, test.message) {
			t.Errorf("%.40s: %d:%d: %s", test.text, e.Line, e.Column, e.Message)
		}
		if strings.Contains(e.Error(), "\n") {
			t.Errorf("%.40s: %s", test.text, e)
		}
	}
}

// TestWhatMakesNoSenseFails when it is run, with its place; who runs it decides
// what comes of that.
func TestWhatMakesNoSenseFails(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"item.text > 3":            "invalid operation: string > int (at character 11",
		"item.text":                "a text stands where true or false is wanted",
		"true && item.id":          "a number stands where true or false is wanted; compare it with something (at character 6",
		"!item.tags":               "a list stands where true or false is wanted",
		"item.id.x == 1":           "a number has no member x",
		"item.tags.x == 1":         `a list has no member "x"`,
		"item[0] == 1":             "an object has no element 0",
		"any(item.text, true)":     "a text stands where a list is wanted",
		"any(item.lines, .sku)":    "a text stands where true or false is wanted",
		"len(item.id) > 0":         "a number has no length",
		"abs(item.text) > 0":       "a text has no absolute value",
		`string(item.tags) == ""`:  "a list cannot be written as a text",
		"item.missing + 1 > 0":     "invalid operation: <nil> + int",
		"int(item.text) > 0":       "invalid operation: int(née)",
		`date(item.text) < now()`:  "née",
		"item.id in item.text":     "",
		"item.id / item.text == 1": "invalid operation",
	} {
		holds, err := mustCompile(t, OfItem, text).Item([]byte(order))
		if err == nil || holds || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %t, %v", text, holds, err)
		}
	}
	for _, bad := range []string{"", "{", "[1,]", "\xff"} {
		if _, err := mustCompile(t, OfAnswer, "document.x == 1").Answer([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestWhatIsNotUsedIsNotRead.
func TestWhatIsNotUsedIsNotRead(t *testing.T) {
	t.Parallel()
	if ok, err := mustCompile(t, OfAnswer, "1 < 2").Answer([]byte("{")); !ok || err != nil {
		t.Error(ok, err)
	}
	c := &Change{Kind: "updated", Key: "k", Before: []byte("{"), After: []byte(`{"n":1}`)}
	if ok, err := mustCompile(t, OfChange, `key == "k" && after.n == 1`).Change(c); !ok || err != nil {
		t.Error(ok, err)
	}
	if _, err := mustCompile(t, OfChange, `before.n == 1`).Change(c); err == nil || !strings.HasPrefix(err.Error(), "before: read value") {
		t.Error(err)
	}
}

// TestBounds: what would take very long, or very much, ends with an error.
func TestBounds(t *testing.T) {
	t.Parallel()
	item := []byte(`{"s":"x","long":"` + strings.Repeat("y", 500_000) + `","many":[` + strings.Repeat(`{"a":1},`, 20_000) + `{"a":2}]}`)
	for text, want := range map[string]string{
		"all(1..2000, all(1..2000, true))":                              "memory budget exceeded",
		"let a = 1..3000; all(a, all(a, all(a, # > 0)))":                "its loops take more than 1000000 steps",
		"len(1..100000000) > 0":                                         "memory budget exceeded",
		`len(repeat("x", 100000000)) > 0`:                               "memory budget exceeded",
		`len(reduce(1..60, #acc + #acc, item.s)) > 0`:                   "a text becomes longer than 1048576 bytes",
		`len(reduce(1..60, concat(#acc, #acc), [1])) > 0`:               "memory budget exceeded",
		`len(reduce(1..60, join([#acc, #acc]), item.s)) > 0`:            "a text becomes longer than 1048576 bytes",
		`len(reduce(1..60, replace(#acc, "x", "xx"), item.s)) > 0`:      "a text becomes longer than 1048576 bytes",
		`len(flatten(reduce(1..60, [#acc, #acc], [1]))) > 0`:            "flatten: the list becomes longer than 1000000",
		`len(map(1..1100, map(1..1100, #))) > 0`:                        "memory budget exceeded",
		`len(flatten(reduce(1..60, [#acc, #acc], []))) > 0`:             "flatten: there are more than 4000000 lists",
		`len(reduce(1..60, toBase64(#acc), item.s + "0123456789")) > 0`: "a text becomes longer than 1048576 bytes",
		`let a = map(1..50000, #); all(a, # in a)`:                      "its loops take more than 1000000 steps",
		`all(item.many, # in item.many)`:                                "its loops take more than 1000000 steps",
		`len(uniq(map(1..200, item.s + string(#) + item.long))) > 0`:    "uniq: the elements take more than 67108864 bytes",
	} {
		_, err := mustCompile(t, OfItem, text).Item(item)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Compile(OfItem, strings.Repeat("(", 9000)+"true"+strings.Repeat(")", 7000)); err == nil {
		t.Error("compiled")
	}
}

// TestElementsAreToldApart, of many at once and whatever they are.
func TestElementsAreToldApart(t *testing.T) {
	t.Parallel()
	numbers := make([]string, 20_000)
	for i := range numbers {
		numbers[i] = strconv.Itoa(i)
	}
	item := []byte(`{"n":[` + strings.Join(numbers, ",") + `],"o":[{"a":1,"b":[]},{"b":[],"a":1.0},{"a":2},"1",1,1.0,null,null,true],"list":["x"],"none":null}`)
	for _, text := range []string{
		"len(uniq(item.n)) == 20000",
		"len(uniq(item.o)) == 6",
		`uniq([2, 1, 2, "2"]) == [2, 1, "2"]`,
		"uniq(item.none) == []",
		"19999 in item.n", "20000 not in item.n", "1.0 in item.n",
		`"n" in item`, `"m" not in item`, `!("x" in item.none)`,
		`"x" in item.list`, `item.list[0] in ["x", "y"]`, `"1" in map(item.o, #)`,
		"2 in 1..3", `{"a": 2} in item.o`,
		`toBase64("a") == "YQ=="`,
	} {
		if ok, err := mustCompile(t, OfItem, text).Item(item); err != nil || !ok {
			t.Errorf("%s: %t, %v", text, ok, err)
		}
	}
}

// TestAProgramIsSharedByGoroutines.
func TestAProgramIsSharedByGoroutines(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, OfItem, `let n = item.n; all(1..100, # < 101) && n > 5`)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for range 50 {
				ok, err := p.Item([]byte(`{"n":` + []string{"1", "9"}[i%2] + `}`))
				if err != nil || ok != (i%2 == 1) {
					t.Errorf("%t, %v", ok, err)
				}
			}
		})
	}
	wait.Wait()
}
