package diff

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// listPages gives pages from one buffer, and overwrites the page before.
type listPages struct {
	bodies [][]byte
	buffer []byte
	// reads counts how often each page was read; fail is one that cannot be.
	reads []int
	fail  int
}

func pagesOf(bodies ...string) *listPages {
	p := &listPages{fail: -1}
	for _, body := range bodies {
		p.bodies = append(p.bodies, []byte(body))
	}
	p.reads = make([]int, len(bodies))
	return p
}

func (p *listPages) Len() int { return len(p.bodies) }

func (p *listPages) Page(i int) ([]byte, error) {
	if i == p.fail {
		return nil, io.ErrUnexpectedEOF
	}
	p.reads[i]++
	p.forget()
	p.buffer = append(p.buffer[:0], p.bodies[i]...)
	return p.buffer, nil
}

func (p *listPages) forget() {
	for i := range p.buffer {
		p.buffer[i] = '!'
	}
}

// mustComparePages compares, and lets nothing of the pages be used afterwards.
func mustComparePages(tb testing.TB, before, after *listPages, r *Rules) Result {
	tb.Helper()
	var old Pages
	if before != nil {
		old = before
	}
	result, err := ComparePages(old, after, r)
	if err != nil {
		tb.Fatal(err)
	}
	after.forget()
	if before != nil {
		before.forget()
	}
	return result
}

func TestComparePages(t *testing.T) {
	t.Parallel()
	byID := Options{Items: &Items{Key: []string{"id"}}}
	for _, tc := range []struct {
		name          string
		before, after []string
		o             Options
		want          []told
	}{
		{"same", []string{`[{"id":1}]`, `[{"id":2}]`}, []string{`[{"id":1}]`, `[{"id":2}]`}, byID, nil},
		{"split otherwise", []string{`[{"id":1},{"id":2}]`, `[{"id":3}]`}, []string{`[{"id":1.0}]`, `[]`, `[{"id":2},{"id":3}]`}, byID, nil},
		{"moved on by a new one", []string{`[{"id":1},{"id":2}]`, `[{"id":3}]`}, []string{`[{"id":0},{"id":1}]`, `[{"id":2},{"id":3}]`}, byID, []told{{Created, "0", "", `{"id":0}`}}},
		{
			"order of the newer list, deleted last", []string{`[{"id":1},{"id":2}]`, `[{"id":3},{"id":4}]`}, []string{`[{"id":9}]`, `[{"id":3,"x":1},{"id":8}]`, `[{"id":2,"x":1}]`}, byID, []told{
				{Created, "9", "", `{"id":9}`},
				{Updated, "3", `{"id":3}`, `{"id":3,"x":1}`},
				{Created, "8", "", `{"id":8}`},
				{Updated, "2", `{"id":2}`, `{"id":2,"x":1}`},
				{Deleted, "1", `{"id":1}`, ""},
				{Deleted, "4", `{"id":4}`, ""},
			},
		},
		{"first look", nil, []string{`[{"id":1}]`, `[]`, `[{"id":2}]`}, byID, []told{{Created, "1", "", `{"id":1}`}, {Created, "2", "", `{"id":2}`}}},
		{"from an empty page", []string{`[]`}, []string{`[{"id":1}]`}, byID, []told{{Created, "1", "", `{"id":1}`}}},
		{"to empty pages", []string{`[{"id":1}]`}, []string{`[]`, `[]`}, byID, []told{{Deleted, "1", `{"id":1}`, ""}}},
		{
			"paths",
			[]string{`{"d":[{"id":1,"v":{"n":1}}]}`, `{"d":[{"id":2}]}`},
			[]string{`{"d":[{"id":2,"v":3}]}`, "\ufeff" + `{"d":[{"id":1,"v":{"n":2}}],"next":null}`},
			Options{Items: &Items{Path: "d", Key: []string{"id"}}, Select: "v"},
			[]told{{Updated, "2", "null", "3"}, {Updated, "1", `{"n":1}`, `{"n":2}`}},
		},
		{
			"made lists and selections",
			[]string{`{"d":[{"id":1,"a":1},{"id":2,"a":1}]}`},
			[]string{`{"d":[{"id":2,"a":2},{"id":3,"a":3,"b":1}]}`, `{"d":[{"id":1,"b":1,"a":1.0}]}`},
			Options{Items: &Items{Path: "d.@reverse", Key: []string{"id"}}, Select: "{a}"},
			[]told{{Created, "3", "", `{"a":3}`}, {Updated, "2", `{"a":1}`, `{"a":2}`}},
		},
		{
			"a selection in a selection",
			[]string{`[{"id":1,"v":{"id":1,"v":2}}]`},
			[]string{`[]`, `[{"id":1,"v":2}]`},
			Options{Items: &Items{Key: []string{"id"}}, Select: "v|@this"},
			[]told{{Updated, "1", `{"id":1,"v":2}`, "2"}},
		},
		{
			"a header for each page of a CSV",
			[]string{"id,n\n1,a\n", "n;id\nb;2\n"},
			[]string{"id,n\n2,b\n", "id,n\n1,c\n"},
			Options{Format: CSV, Items: &Items{Key: []string{"id"}}},
			[]told{{Updated, "1", `{"id":"1","n":"a"}`, `{"id":"1","n":"c"}`}},
		},
		{"repeated names", []string{`[{"id":7,"id":1,"a":1}]`}, []string{`[]`, `[{"id":1,"a":1,"a":2}]`}, byID, []told{{Updated, "1", `{"id":1,"a":1}`, `{"id":1,"a":2}`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var before *listPages
			if tc.before != nil {
				before = pagesOf(tc.before...)
			}
			got := mustComparePages(t, before, pagesOf(tc.after...), mustCompile(t, tc.o))
			if d := cmp.Diff(tc.want, tell(got.Changes)); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
		})
	}
}

func TestComparePagesErrors(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}})
	const good, bad = `[{"id":1}]`, `[{"id":`
	for _, tc := range []struct {
		before, after []string
		is            error
		want          string
	}{
		{nil, []string{good, bad}, ErrInvalidJSON, "page 2: invalid JSON at byte 7: end where a value should be"},
		{nil, []string{good, `{}`}, ErrNoList, `page 2: no list of items: items.path "" is an object, not an array`},
		{nil, []string{good, `[{"id":2},{}]`}, ErrBadKey, "page 2: bad item key: items[1]: id is missing"},
		{nil, []string{`[{"id":1},{"id":1}]`, good}, ErrBadKey, "page 1: bad item key: items[0] and items[1]: id is 1 in the one and 1 in the other"},
		{nil, []string{`[{"id":0}]`, `[]`, `[{"id":3},{"id":1}]`, `[]`, `[{"id":"1"}]`}, ErrBadKey, `bad item key: items[1] of page 3 and items[0] of page 5: id is 1 in the one and "1" in the other`},
		{nil, []string{good, good}, ErrBadKey, "bad item key: items[0] of page 1 and items[0] of page 2: id is 1 in the one and 1 in the other"},
		{[]string{`[]`, bad}, []string{good}, ErrBefore, "the older answer does not fit the rules: page 2: invalid JSON at byte 7: end where a value should be"},
		{[]string{good, good}, []string{good}, ErrBefore, "the older answer does not fit the rules: bad item key: items[0] of page 1 and items[0] of page 2: id is 1 in the one and 1 in the other"},
		{[]string{good}, []string{}, ErrNoList, "no list of items: the answer has no pages"},
		{[]string{}, []string{good}, ErrBefore, "the older answer does not fit the rules: no list of items: the answer has no pages"},
		{[]string{bad}, []string{good, bad}, ErrInvalidJSON, "page 2: invalid JSON at byte 7: end where a value should be"},
	} {
		var before Pages
		if tc.before != nil {
			before = pagesOf(tc.before...)
		}
		_, err := ComparePages(before, pagesOf(tc.after...), r)
		if !errors.Is(err, tc.is) || err.Error() != tc.want {
			t.Errorf("%q to %q:\ngot  %v\nwant %s", tc.before, tc.after, err, tc.want)
		}
		if is := errors.Is(err, ErrBefore); is != errors.Is(tc.is, ErrBefore) {
			t.Errorf("%q to %q: is about the older answer: %v", tc.before, tc.after, is)
		}
	}
}

func TestComparePagesMadeErrors(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}, Select: "v.@fromstr"})
	const good, bad = `[{"id":"x","v":"[1]"}]`, `[{"id":"x","v":"[1,"}]`
	const reason = `item "x": select: read what path "v.@fromstr" makes: invalid JSON at byte 3: end where a value should be`
	for _, tc := range []struct {
		before, after []string
		want          string
	}{
		{nil, []string{"[]", bad}, "page 2: " + reason},
		{[]string{good}, []string{"[]", bad}, "page 2: " + reason},
		{[]string{"[]", bad}, []string{good}, "the older answer does not fit the rules: " + reason},
		{[]string{"[]", bad}, []string{"[]"}, "the older answer does not fit the rules: page 2: " + reason},
		{[]string{bad}, []string{"[]", `[{"id":"y","v":"[1,"}]`}, "page 2: " + strings.Replace(reason, `"x"`, `"y"`, 1)},
	} {
		var before Pages
		if tc.before != nil {
			before = pagesOf(tc.before...)
		}
		_, err := ComparePages(before, pagesOf(tc.after...), r)
		if err == nil || err.Error() != tc.want || errors.Is(err, ErrBefore) != strings.HasPrefix(tc.want, "the older") {
			t.Errorf("%q to %q:\ngot  %v\nwant %s", tc.before, tc.after, err, tc.want)
		}
	}
}

// That a page cannot be read says nothing of what is in it: the older answer may
// still fit the rules.
func TestPagesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}})
	broken := func() *listPages {
		p := pagesOf(`[{"id":1}]`, `[{"id":2}]`)
		p.fail = 1
		return p
	}
	for want, err := range map[string]error{
		"read page 2 of the newer answer: unexpected EOF": second(ComparePages(nil, broken(), r)),
		"read page 2 of the older answer: unexpected EOF": second(ComparePages(broken(), pagesOf(`[]`), r)),
	} {
		if err == nil || err.Error() != want || !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrBefore) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := second(ComparePages(pagesOf(`[]`), &changingPages{}, r)); err == nil || err.Error() != "page 1 is not the same when it is read again" {
		t.Errorf("pages that change: %v", err)
	}
	if err := second(ComparePages(pagesOf(`[{"id":1}]`), nil, r)); !errors.Is(err, ErrNoList) || errors.Is(err, ErrBefore) {
		t.Errorf("no newer answer: %v", err)
	}
	if err := second(ComparePages(nil, pagesOf(`[]`), mustCompile(t, Options{}))); err == nil {
		t.Error("rules of a document compared pages")
	}
}

func second(_ Result, err error) error { return err }

// changingPages is one page that has another item each time it is read.
type changingPages struct{ reads int }

func (p *changingPages) Len() int { return 1 }

func (p *changingPages) Page(int) ([]byte, error) {
	p.reads++
	return fmt.Appendf(nil, `[{"id":%d}]`, p.reads), nil
}

// TestPagesAreReadOnce counts reads: only pages that have changes are read again.
func TestPagesAreReadOnce(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}})
	before := pagesOf(`[{"id":1}]`, `[{"id":2}]`, `[{"id":3}]`, `[{"id":4}]`)
	after := pagesOf(`[{"id":1}]`, `[{"id":2,"n":1}]`, `[{"id":4}]`, `[{"id":5},{"id":6}]`)
	mustComparePages(t, before, after, r)
	if d := cmp.Diff([]int{1, 2, 2, 1}, before.reads); d != "" {
		t.Errorf("reads of the older pages (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{1, 2, 1, 2}, after.reads); d != "" {
		t.Errorf("reads of the newer pages (-want +got):\n%s", d)
	}
}

func TestOnePage(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Items: &Items{Key: []string{"id"}}})
	body := []byte(`[{"id":1},{"id":2}]`)
	for _, tc := range []struct {
		before, after Pages
		want          []told
	}{
		{OnePage(body), OnePage(body), nil},
		{OnePage(body), pagesOf(`[{"id":2}]`, `[{"id":1}]`), nil},
		{pagesOf(`[{"id":2}]`, `[{"id":1}]`), OnePage(body), nil},
		{OnePage(nil), OnePage([]byte(`[{"id":1}]`)), []told{{Created, "1", "", `{"id":1}`}}},
	} {
		got, err := ComparePages(tc.before, tc.after, r)
		if d := cmp.Diff(tc.want, tell(got.Changes)); err != nil || d != "" {
			t.Errorf("%v, changes (-want +got):\n%s", err, d)
		}
	}
	if _, err := ComparePages(OnePage(body), OnePage([]byte{}), r); !errors.Is(err, ErrInvalidJSON) {
		t.Errorf("an empty body: %v", err)
	}
}

// pageRules are rules of many kinds, for lists of marked items.
func pageRules(tb testing.TB) []*Rules {
	tb.Helper()
	var rules []*Rules
	for _, o := range []Options{
		{Items: &Items{Key: []string{"id"}}},
		{Items: &Items{Key: []string{"id"}}, Ignore: []string{"a", "b.*", "mark"}},
		filtered(Options{Items: &Items{Key: []string{"id"}}}),
		filtered(Options{Items: &Items{Key: []string{"id"}}, Select: "b", Ignore: []string{"a"}}),
		filtered(Options{Items: &Items{Key: []string{"id"}}, Select: "{a,b}"}),
		{Items: &Items{Key: []string{"id"}}, Select: "b|@this", Ignore: []string{"a"}},
		{Items: &Items{Key: []string{"id", "mark"}}, IgnoreOrder: true, SignificantDigits: 2},
	} {
		rules = append(rules, mustCompile(tb, o))
	}
	return rules
}

// TestPagesHoldForRandomSplits splits lists into pages in random ways: the
// result is that of the whole lists.
func TestPagesHoldForRandomSplits(t *testing.T) {
	t.Parallel()
	rules := pageRules(t)
	cases := manyCases / 50
	if testing.Short() || raceEnabled {
		cases /= 20
	}
	for n := range uint64(cases) {
		if err := checkPages(generator{dice{rand.New(rand.NewPCG(6, n))}}, rules); err != nil {
			t.Fatalf("case %d: %v", n, err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		if err := checkPages(generator{drawn{rt}}, rules); err != nil {
			rt.Fatal(err)
		}
	})
}

func checkPages(g generator, rules []*Rules) error {
	was, now := randomVersions(g)
	if g.pick(10) == 0 && len(now) > 0 {
		now = append(now, oneOf(g, now...)) // a repeated key, perhaps on two pages
	}
	r := oneOf(g, rules...)
	before, after := join(was), join(now)
	old, latest := Pages(g.split(was)), g.split(now)
	if g.pick(8) == 0 {
		before, old = nil, nil
	}
	want, wantErr := Compare(before, after, r)
	got, err := ComparePages(old, latest, r)
	latest.forget()
	if p, ok := old.(*listPages); ok {
		p.forget()
	}
	said := fmt.Sprintf("%s to %s\n%s", before, after, show(got.Changes))
	if (err == nil) != (wantErr == nil) || errors.Is(err, ErrBadKey) != errors.Is(wantErr, ErrBadKey) {
		return fmt.Errorf("got %w, want %w: %s", err, wantErr, said)
	}
	if (got.FilterErr == nil) != (want.FilterErr == nil) || got.FilterErr != nil && !strings.HasSuffix(got.FilterErr.Error(), ": "+want.FilterErr.Error()) {
		return fmt.Errorf("filter: got %w, want %w: %s", got.FilterErr, want.FilterErr, said)
	}
	want.FilterErr, got.FilterErr = nil, nil
	if d := differ(want, got); d != "" {
		return fmt.Errorf("(-want +got):\n%s\n%s", d, said)
	}
	for i := range want.Changes {
		if hashes(want.Changes[i]) != hashes(got.Changes[i]) {
			return fmt.Errorf("hashes of %s: %s", want.Changes[i].Key, said)
		}
	}
	return nil
}

// split makes pages of items, some of them empty.
func (g generator) split(items []string) *listPages {
	var bodies []string
	for len(items) > 0 || len(bodies) == 0 || g.pick(3) == 0 {
		n := g.pick(len(items) + 1)
		bodies = append(bodies, string(g.space(join(items[:n]))))
		items = items[n:]
	}
	return pagesOf(bodies...)
}
