package diff

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

func TestMergePatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ before, after, want string }{
		{`{"a":1,"b":2}`, `{"b":2.0,"a":1}`, `{}`},
		{`{"a":1,"b":2}`, `{"c":[1, null],"b":20e-1}`, `{"a":null,"c":[1, null]}`},
		{`{"a":{"b":{"c":1,"d":2},"e":3}}`, `{"a":{"b":{"c":1,"d": 5},"e":3}}`, `{"a":{"b":{"d":5}}}`},
		{`{"a":{"b":1}}`, `{"a":{}}`, `{"a":{"b":null}}`},
		{`{"a":{"b":1}}`, `{"a":[{"b":null}]}`, `{"a":[{"b":null}]}`},
		{`{"a":1}`, `{"a":{ "b": {} }}`, `{"a":{ "b": {} }}`},
		{`{"a":null,"o":{"n":null,"x":1}}`, `{"o":{"x":2,"n":null},"a":null}`, `{"o":{"x":2}}`},
		{`{"a":null}`, `{}`, `{"a":null}`},
		{`{"\u0061":1,"b":2}`, `{"b":3}`, `{"\u0061":null,"b":3}`},
		{`{"a":1,"a":2}`, `{"a":2,"b":0,"b":1}`, `{"b":1}`},
		{`9007199254740992`, `9007199254740993`, `9007199254740993`},
		{`{"a":1}`, `null`, `null`},
		{`1`, `1.0`, `1.0`},
		{`[1]`, ` {"a": 1} `, `{"a": 1}`},
		{"\uFEFF{}", "\uFEFF{\"a\":1}", `{"a":1}`},
	} {
		got, err := MergePatch([]byte(tc.before), []byte(tc.after))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s to %s: got %s (%v), want %s", tc.before, tc.after, got, err, tc.want)
		}
		if merged := mergeAny(parseAny([]byte(strings.TrimPrefix(tc.before, "\uFEFF"))), parseAny(got)); !equalJSON(merged, parseAny([]byte(strings.TrimPrefix(tc.after, "\uFEFF")))) {
			t.Errorf("%s merged with %s is %v", tc.before, got, merged)
		}
	}
}

func TestMergePatchThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		before, after, want string
		is                  error
	}{
		{`{"a":1}`, `{"a":null}`, `no merge patch leads there: "/a" is null now`, ErrNoMergePatch},
		{`{"a":{"/":{}}}`, `{"a":{"/":{"~":null}}}`, `no merge patch leads there: "/a/~1/~0" is null now`, ErrNoMergePatch},
		{`{"a":[]}`, `{"a":{"b":{"c":null}}}`, `no merge patch leads there: "/a" has a null in it now`, ErrNoMergePatch},
		{`[]`, `{"a":null}`, `no merge patch leads there: "" has a null in it now`, ErrNoMergePatch},
		{`{}`, `{"a":`, `invalid JSON at byte 5: end where a value should be`, ErrInvalidJSON},
		{`{"a"}`, `{}`, ErrBefore.Error() + `: invalid JSON at byte 4: '}' where : should be`, ErrBefore},
	} {
		got, err := MergePatch([]byte(tc.before), []byte(tc.after))
		if got != nil || !errors.Is(err, tc.is) || err.Error() != tc.want {
			t.Errorf("%s to %s: got %s, %v\nwant %s", tc.before, tc.after, got, err, tc.want)
		}
	}
}

func TestMergePatchOfDeepDocuments(t *testing.T) {
	t.Parallel()
	deep := func(leaf string) []byte {
		return []byte(strings.Repeat(`{"a":`, maxDepth) + leaf + strings.Repeat("}", maxDepth))
	}
	got, err := MergePatch(deep("1"), deep("2"))
	if err != nil || string(got) != string(deep("2")) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if _, err := MergePatch(deep("1"), deep("null")); !errors.Is(err, ErrNoMergePatch) {
		t.Errorf("got %v", err)
	}
	if _, err := MergePatch([]byte("1"), deep("null")); !errors.Is(err, ErrNoMergePatch) {
		t.Errorf("got %v", err)
	}
}

// The slow reference and a library of others merge what is told of random
// documents. There is no patch if, and only if, the reference finds a null that
// would have to be set.
func TestMergePatchHoldsForRandomDocuments(t *testing.T) {
	t.Parallel()
	cases := manyCases / 5
	if testing.Short() || raceEnabled {
		cases /= 10
	}
	none, judged := 0, 0
	for n := range uint64(cases) {
		g := generator{dice{rand.New(rand.NewPCG(40, n))}}
		was := g.value(3)
		now := g.mutate(was)
		before, after := g.write(was), g.write(now)
		said := fmt.Sprintf("before %s\nafter  %s", before, after)
		patch, err := MergePatch(before, after)
		if cannot := setsNull(decoded(was), decoded(now)); cannot != errors.Is(err, ErrNoMergePatch) || !cannot && err != nil {
			t.Fatalf("got %v, but a null to set is %v\n%s", err, cannot, said)
		} else if cannot {
			none++
			continue
		}
		want := decoded(now)
		if got := mergeAny(decoded(was), parseAny(patch)); !equalJSON(got, want) {
			t.Fatalf("%s gives %v\n%s", patch, got, said)
		}
		if extra := superfluous(decoded(was), parseAny(patch)); extra {
			t.Fatalf("%s says more than it has to\n%s", patch, said)
		}
		// The library refuses null, and takes nulls out of arrays too.
		if was == nil || bytes.Contains(patch, []byte("[")) && bytes.Contains(patch, []byte("null")) {
			continue
		}
		judged++
		if got, err := jsonpatch.MergePatch(before, patch); err != nil || !equalJSON(parseAny(got), want) {
			t.Fatalf("the library makes %s (%v) of %s\n%s", got, err, patch, said)
		}
	}
	if none < cases/100 || judged < cases/2 {
		t.Errorf("of %d cases %d had no patch, and the library judged %d", cases, none, judged)
	}
}

// setsNull reports whether a merge would have to set a member to null to get
// from one decoded value to another.
func setsNull(x, y any) bool {
	newer, ok := y.(map[string]any)
	if !ok {
		return false
	}
	older, _ := x.(map[string]any)
	for name, value := range newer {
		was, there := older[name]
		if there && equalJSON(was, value) {
			continue
		}
		if value == nil || setsNull(was, value) {
			return true
		}
	}
	return false
}

// superfluous reports whether a member of a merge patch changes nothing in an
// object that is there.
func superfluous(v, patch any) bool {
	object, isObject := v.(map[string]any)
	members, ok := patch.(map[string]any)
	if !isObject || !ok {
		return false
	}
	for name, value := range members {
		was, there := object[name]
		if value == nil && there {
			continue
		}
		if value == nil || there && equalJSON(was, mergeAny(copyAny(was), value)) || superfluous(was, value) {
			return true
		}
	}
	return false
}
