package diff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Each case has options beyond ignore; want are the pointers of what changed,
// "" for no change.
func TestRulesSayWhatIsAChange(t *testing.T) {
	t.Parallel()
	bags := Options{IgnoreOrder: true}
	digits := func(n int) Options { return Options{SignificantDigits: n} }
	byID := Options{Keys: map[string][]string{"l": {"id"}}}
	bagsByID := Options{Keys: byID.Keys, IgnoreOrder: true}
	for _, tc := range []struct {
		name          string
		o             Options
		before, after string
		want          string
	}{
		{"order ignored", bags, `{"l":["a","b","b"]}`, `{"l":["b","a","b"]}`, ""},
		{"how often counts", bags, `{"l":["a","b","b"]}`, `{"l":["a","a","b"]}`, "/l/1 /l/1"},
		{"order ignored in the depth", bags, `[[1,[2,3]],4]`, `[4,[[3,2],1.0]]`, ""},
		{"added", bags, `["a","b"]`, `["c","b","a"]`, "/0"},
		{"removed", bags, `["a","b","c"]`, `["c","a"]`, "/1"},
		{"members of a changed element", bags, `[{"id":1,"v":1},{"id":2,"v":1}]`, `[{"id":2,"v":2},{"id":1,"v":1}]`, "/0/v"},
		{"empty arrays and objects differ", bags, `[[]]`, `[{}]`, "/0 /0"},
		{
			"what is ignored makes no other element",
			Options{IgnoreOrder: true, Ignore: []string{"#.at"}},
			`[{"id":1,"at":1},{"id":2,"at":1}]`, `[{"id":2,"at":2},{"id":1,"at":3}]`, "",
		},

		{"rounded", digits(3), `1.2345`, `1.2346`, ""},
		{"a digit that counts", digits(3), `1.23`, `1.24`, "/"},
		{"half away from zero", digits(2), `[0.125,-0.125,1.45]`, `[0.13,-0.13,1.5]`, ""},
		{"a carry", digits(2), `[9.96,0.0996,996]`, `[10,0.1,1e3]`, ""},
		{"large integers", digits(5), `12345678901234567890`, `12345999999999999999`, ""},
		{"huge exponents", digits(1), `1.4e99999999999999999999`, `1e99999999999999999999`, ""},
		{"strings are no numbers", digits(1), `"1.44"`, `"1.4"`, "/"},
		{"not in names", digits(1), `{"1.44":1}`, `{"1.4":1}`, "/1.44 /1.4"},

		{"moved", byID, `{"l":[{"id":1},{"id":2},{"id":3}]}`, `{"l":[{"id":3},{"id":1},{"id":2}]}`, "/l/0"},
		{"moved and changed", byID, `{"l":[{"id":1,"v":1},{"id":2,"v":1}]}`, `{"l":[{"id":2,"v":2},{"id":1,"v":1}]}`, "/l/0 /l/0/v"},
		{"order of keyed elements ignored", bagsByID, `{"l":[{"id":1,"v":1},{"id":2,"v":1}]}`, `{"l":[{"id":2,"v":2},{"id":1,"v":1}]}`, "/l/0/v"},
		{"all members changed", byID, `{"l":[{"id":1,"v":1},{"id":2,"v":1}]}`, `{"l":[{"id":0},{"id":1,"v":5},{"id":2,"v":6}]}`, "/l/0 /l/1/v /l/2/v"},
		{"keys are exact", byID, `{"l":[{"id":9007199254740992,"v":1},{"id":9007199254740993,"v":1}]}`, `{"l":[{"id":9007199254740992.0,"v":1},{"id":9007199254740993,"v":2}]}`, "/l/1/v"},
		{"a number is no string", byID, `{"l":[{"id":1,"v":1}]}`, `{"l":[{"id":"1","v":1}]}`, "/l/0 /l/0"},
		{"no key, no keyed list", byID, `{"l":[{"v":1},{"id":2}]}`, `{"l":[{"v":2},{"id":2}]}`, "/l/0/v"},
		{"one key twice, no keyed list", byID, `{"l":[{"id":1,"v":1},{"id":1,"v":2}]}`, `{"l":[{"id":1,"v":1},{"id":1,"v":3}]}`, "/l/1/v"},
		{
			"of several members",
			Options{Keys: map[string][]string{"#.l": {"a", "b.c"}}},
			`[{"l":[{"a":1,"b":{"c":1},"v":1},{"a":1,"b":{"c":2},"v":1}]}]`,
			`[{"l":[{"a":1,"b":{"c":2},"v":1},{"a":1,"b":{"c":1},"v":2}]}]`, "/0/l/0 /0/l/1/v",
		},
		{
			"the path with fewer wildcards counts",
			Options{Keys: map[string][]string{"*": {"id"}, "a": {"k"}}},
			`{"a":[{"k":1,"id":1},{"k":2,"id":2}]}`, `{"a":[{"k":1,"id":2},{"k":2,"id":1}]}`, "/a/0/id /a/1/id",
		},
		{"of the whole", Options{Keys: map[string][]string{"@this": {"id"}}}, `[{"id":1,"v":1},{"id":2,"v":1}]`, `[{"id":2,"v":1},{"id":1,"v":2}]`, "/0 /1/v"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			result := mustCompare(t, tc.before, tc.after, mustCompile(t, tc.o))
			got := ""
			for _, c := range result.Changes {
				var paths []string
				for _, d := range c.Differences {
					paths = append(paths, d.Path)
				}
				if got = strings.Join(paths, " "); got == "" {
					got = "/" // the whole
				}
				if c.Hash() == c.PreviousHash() {
					t.Error("the hash is the same")
				}
			}
			if got != tc.want {
				t.Errorf("changed %q, want %q\n%s", got, tc.want, show(result.Changes))
			}
		})
	}
}

// The hash of arrays without order takes no more than they do, however deep they
// are. Not parallel: it counts what the whole process allocates.
func TestHashOfDeepBagsStaysInProportion(t *testing.T) {
	r := mustCompile(t, Options{IgnoreOrder: true})
	inner := strings.Repeat("7,", 50_000) + "8"
	body := strings.Repeat("[", 2000) + inner + strings.Repeat(",0]", 2000)
	c := mustCompare(t, "", body, r).Changes[0]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	hash := c.Hash()
	runtime.ReadMemStats(&after)
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(1000*len(body)); got > limit {
		t.Errorf("%d bytes for %d, want at most %d", got, len(body), limit)
	}
	other := strings.Repeat("[0,", 2000) + "8," + strings.TrimSuffix(inner, ",8") + strings.Repeat("]", 2000)
	if c := mustCompare(t, "", other, r).Changes[0]; c.Hash() != hash {
		t.Error("another order has another hash")
	}
}

// What gjson makes of an item can depend on what the rules would not see.
func TestRulesBehindAPathOfGJSON(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		o             Options
		before, after string
	}{
		{Options{Select: "tags|0", IgnoreOrder: true}, `[{"id":1,"tags":["a","b"]}]`, `[{"id":1,"tags":["b","a"]}]`},
		{Options{Select: "p.#(v>100).v", SignificantDigits: 2}, `[{"id":1,"p":[{"v":100},{"v":500}]}]`, `[{"id":1,"p":[{"v":101},{"v":500}]}]`},
	} {
		tc.o.Items = &Items{Key: []string{"id"}}
		if got := mustCompare(t, tc.before, tc.after, mustCompile(t, tc.o)).Changes; len(got) != 1 {
			t.Errorf("%+v: %s", tc.o, show(got))
		}
	}
}

// The rules together must see what a slow judge sees, who shares no code with
// the package.
func TestRulesHoldForRandomDocuments(t *testing.T) {
	t.Parallel()
	cases := 20_000
	if testing.Short() || raceEnabled {
		cases /= 10
	}
	for n := range uint64(cases) {
		g := generator{dice{rand.New(rand.NewPCG(6, n))}}
		o := Options{Ignore: randomIgnore(g), IgnoreOrder: g.pick(2) == 0, SignificantDigits: oneOf(g, 0, 1, 2, 16)}
		if g.pick(2) == 0 {
			o.Keys = map[string][]string{oneOf(g, "@this", "#", "*", "a", "b.#"): {oneOf(g, "id", "a")}}
		}
		was := g.value(3)
		now := g.mutate(was)
		before, after := g.write(was), g.write(now)
		result, err := Compare(before, after, mustCompile(t, o))
		if err != nil {
			t.Fatal(err)
		}
		said := fmt.Sprintf("case %d\nbefore  %s\nafter   %s\nrules   %+v\nchanges %s", n, before, after, o, show(result.Changes))
		x, y := fill(without(parseAny(before), o.Ignore...)), fill(without(parseAny(after), o.Ignore...))
		if equal := plainForm(x, o) == plainForm(y, o); equal != (len(result.Changes) == 0) {
			t.Fatalf("equal is %v in truth\n%s", equal, said)
		}
		for _, c := range result.Changes {
			if len(c.Differences) == 0 || c.Hash() == c.PreviousHash() {
				t.Fatalf("a change of nothing, or without another hash\n%s", said)
			}
		}
	}
}

// An older answer is read faster where it is written as the newer one. What
// comes of it must be the same where it is not.
func TestSpellingOfTheOlderAnswerMakesNoDifference(t *testing.T) {
	t.Parallel()
	cases := 20_000
	if testing.Short() || raceEnabled {
		cases /= 10
	}
	for n := range uint64(cases) {
		g := generator{dice{rand.New(rand.NewPCG(7, n))}}
		o := Options{
			Ignore: randomIgnore(g), IgnoreOrder: g.pick(2) == 0, SignificantDigits: oneOf(g, 0, 2),
			Select: oneOf(g, "", "", "a", "a.b", "l.0.b", "l.1"),
		}
		inner := fields{{"b", g.value(2)}, {"c", g.value(2)}}
		was := fields{{"l", []any{inner, g.object(2), g.value(2)}}, {"a", fields{{"b", g.value(2)}, {"c", inner}}}, {"x", g.value(2)}}
		now := g.mutateObject(slices.Clone(was))
		var before, spaced, after bytes.Buffer
		if err := errors.Join(
			json.Compact(&before, g.write(was)), json.Indent(&spaced, before.Bytes(), " ", "\t"), json.Compact(&after, g.write(now)),
		); err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			after.Reset()
			after.Write(g.write(was)) // the same in another order
		}
		r := mustCompile(t, o)
		want, wantErr := Compare(spaced.Bytes(), after.Bytes(), r)
		got, err := Compare(before.Bytes(), after.Bytes(), r)
		said := fmt.Sprintf("case %d\nbefore %s\nafter  %s\nrules  %+v", n, &before, &after, o)
		if (err == nil) != (wantErr == nil) || len(got.Changes) != len(want.Changes) {
			t.Fatalf("%d changes (%v), but %d (%v) of what is written otherwise\n%s", len(got.Changes), err, len(want.Changes), wantErr, said)
		}
		for i := range got.Changes {
			x, y := &want.Changes[i], &got.Changes[i]
			if p, q := AppendPatch(nil, x.Patch), AppendPatch(nil, y.Patch); !bytes.Equal(p, q) || !slices.Equal(x.Changed(), y.Changed()) {
				t.Fatalf("patch %s, but %s of what is written otherwise\n%s", q, p, said)
			}
			if hashes(*x) != hashes(*y) {
				t.Fatalf("the hashes differ\n%s", said)
			}
		}
	}
}

// plainForm writes what rules see of a decoded value, the slow way.
func plainForm(v any, o Options) string {
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for name, value := range v {
			parts = append(parts, fmt.Sprintf("%q:%s", name, plainForm(value, o)))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		var parts []string
		for _, value := range v {
			parts = append(parts, plainForm(value, o))
		}
		if o.IgnoreOrder {
			slices.Sort(parts)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case json.Number:
		return roundedFraction(fraction(v), o.SignificantDigits).RatString()
	case string:
		return fmt.Sprintf("%q", v)
	default:
		return fmt.Sprint(v)
	}
}

// roundedFraction rounds to so many significant digits, a half away from zero.
func roundedFraction(r *big.Rat, digits int) *big.Rat {
	if digits == 0 || r.Sign() == 0 {
		return r
	}
	least := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits-1)), nil))
	ten := big.NewRat(10, 1)
	scale := big.NewRat(1, 1) // so that r*scale has all its digits before the point
	size := func() *big.Rat { return new(big.Rat).Abs(new(big.Rat).Mul(r, scale)) }
	for size().Cmp(least) < 0 {
		scale.Mul(scale, ten)
	}
	for size().Cmp(new(big.Rat).Mul(least, ten)) >= 0 {
		scale.Quo(scale, ten)
	}
	twice := new(big.Rat).Add(new(big.Rat).Add(size(), size()), big.NewRat(1, 1))
	whole := new(big.Int).Quo(twice.Num(), new(big.Int).Mul(twice.Denom(), big.NewInt(2)))
	result := new(big.Rat).Quo(new(big.Rat).SetInt(whole), scale)
	if r.Sign() < 0 {
		result.Neg(result)
	}
	return result
}

// Whatever the rules make of order, a patch leads from before to after exactly.
func TestPatchesMoveKeyedElements(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Keys: map[string][]string{"l": {"id"}}})
	for _, tc := range []struct{ before, after, want string }{
		{
			`{"l":[{"id":1},{"id":2},{"id":3}]}`, `{"l":[{"id":3},{"id":1},{"id":2}]}`,
			`[{"op":"move","from":"/l/2","path":"/l/0"}]`,
		},
		{
			`{"l":[{"id":1,"v":1},{"id":2},{"id":3},{"id":4}]}`, `{"l":[{"id":2},{"id":9},{"id":4},{"id":1,"v":2}]}`,
			`[{"op":"remove","path":"/l/2"},{"op":"add","path":"/l/2","value":{"id":9}},{"op":"move","from":"/l/0","path":"/l/3"},{"op":"replace","path":"/l/3/v","value":2}]`,
		},
	} {
		c := mustCompare(t, tc.before, tc.after, r).Changes[0]
		if got := string(AppendPatch(nil, c.Patch)); got != tc.want {
			t.Errorf("%s to %s:\ngot  %s\nwant %s", tc.before, tc.after, got, tc.want)
		}
	}
}

func TestCompositeKeys(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"region", "no"}}})
	before := `[{"region":"eu","no":7,"v":1},{"region":"us","no":7,"v":1},{"region":"a\"b","no":1,"v":1}]`
	after := `[{"region":"us","no":7,"v":1},{"region":"eu","no":7.0,"v":2},{"region":"a\u0022b","no":"1","v":1}]`
	got := tell(mustCompare(t, before, after, r).Changes)
	want := []told{
		{Updated, `["eu",7]`, `{"region":"eu","no":7,"v":1}`, `{"region":"eu","no":7.0,"v":2}`},
		{Created, `["a\"b","1"]`, "", `{"region":"a\u0022b","no":"1","v":1}`},
		{Deleted, `["a\"b",1]`, `{"region":"a\"b","no":1,"v":1}`, ""},
	}
	if d := differ(want, got); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	for body, want := range map[string]string{
		`[{"region":"eu"}]`:                                 "bad item key: items[0]: no is missing",
		`[{"region":"eu","no":null}]`:                       "bad item key: items[0]: no is null, not a string or a number",
		`[{"region":"eu","no":1},{"region":"eu","no":1.0}]`: `bad item key: items[0] and items[1]: region, no is "eu", 1 in the one and "eu", 1.0 in the other`,
	} {
		if _, err := Compare(nil, []byte(body), r); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

func TestRowsOfCSVAreCompared(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Format: CSV, Items: &Items{Key: []string{"sku"}}, Ignore: []string{"seen"}})
	before := "sku,stock,seen\nA1,5,1\nB2,0,1\n"
	after := "\uFEFFsku;stock;seen\r\nC3;1;2\r\nA1;4;2\r\n"
	got := tell(mustCompare(t, before, after, r).Changes)
	want := []told{
		{Created, "C3", "", `{"sku":"C3","stock":"1","seen":"2"}`},
		{Updated, "A1", `{"sku":"A1","stock":"5","seen":"1"}`, `{"sku":"A1","stock":"4","seen":"2"}`},
		{Deleted, "B2", `{"sku":"B2","stock":"0","seen":"1"}`, ""},
	}
	if d := differ(want, got); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
}
