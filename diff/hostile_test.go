package diff_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/diff"
)

// hostile is input that some algorithm would take too long or too much for.
type hostile struct {
	name string
	// n is the size to which it is made, and a multiple of four.
	n      int
	bodies func(n int) (before, after []byte)
	// patch is the one that is wanted; with nil, any that leads from before to
	// after is good.
	patch func(n int) string
	// invalid says that it is no JSON.
	invalid bool
}

func hostiles() []hostile {
	return slices.Concat(hostileTexts(), hostileObjects(), hostileLists())
}

// hostileTexts are hostile to what reads them.
func hostileTexts() []hostile {
	spaces := func(n int) string { return strings.Repeat(" \t\r\n", n/4) }
	return []hostile{
		{name: "open brackets", n: 50_000, invalid: true, bodies: func(n int) (before, after []byte) {
			return []byte("[]"), []byte(strings.Repeat(`[{"":`, n))
		}},
		{name: "nested lists", n: 9_996, bodies: func(n int) (before, after []byte) {
			return wrapped("[", "]", n, "1"), wrapped("[", "]", n, "2")
		}, patch: func(n int) string { return replaced(strings.Repeat("/0", n), "2") }},
		{name: "nested objects", n: 9_996, bodies: func(n int) (before, after []byte) {
			return wrapped(`{"a":`, "}", n, "1"), wrapped(`{"a":`, "}", n, "2")
		}, patch: func(n int) string { return replaced(strings.Repeat("/a", n), "2") }},
		{name: "open string", n: 500_000, invalid: true, bodies: func(n int) (before, after []byte) {
			return []byte("[]"), []byte(`["` + strings.Repeat(`\\`, n))
		}},
		{name: "strings of backslashes", n: 500_000, bodies: func(n int) (before, after []byte) {
			s := strings.Repeat(`\\`, n)
			return array([]string{`"` + s + `"`}), array([]string{`"` + s + `\\"`})
		}, patch: func(n int) string { return replaced("/0", `"`+strings.Repeat(`\\`, n+1)+`"`) }},
		{name: "like its twin nearly to the end", n: 4_000, bodies: func(n int) (before, after []byte) {
			long := strings.Repeat("x", 100*n)
			body := func(end string) []byte {
				return []byte(strings.Repeat("[", n) + `"` + long + end + `"` + strings.Repeat(",[]]", n))
			}
			return body("1"), body("2")
		}, patch: func(n int) string {
			return replaced(strings.Repeat("/0", n), `"`+strings.Repeat("x", 100*n)+`2"`)
		}},
		{name: "a name of slashes", n: 500_000, bodies: func(n int) (before, after []byte) {
			name := `{"` + strings.Repeat("/", n) + `":`
			return []byte(name + "1}"), []byte(name + "2}")
		}, patch: func(n int) string { return replaced("/"+strings.Repeat("~1", n), "2") }},
		{name: "escapes", n: 200_000, bodies: func(n int) (before, after []byte) {
			return array([]string{`"` + strings.Repeat("a", n) + `"`}), array([]string{`"` + strings.Repeat(`\u0061`, n) + `"`})
		}, patch: nothing},
		{name: "digits", n: 1_000_000, bodies: func(n int) (before, after []byte) {
			return array([]string{"1" + strings.Repeat("0", n)}), array([]string{"1e" + strconv.Itoa(n)})
		}, patch: nothing},
		{name: "whitespace", n: 5_000_000, bodies: func(n int) (before, after []byte) {
			return []byte(spaces(n) + "[1,2]"), []byte("[1," + spaces(n) + "3]")
		}, patch: func(int) string { return replaced("/1", "3") }},
	}
}

// hostileObjects are hostile to what looks members up.
func hostileObjects() []hostile {
	return []hostile{
		{name: "shuffled members", n: 100_000, bodies: func(n int) (before, after []byte) {
			list := members(n, n)
			before = object(list)
			list[n/2] = fmt.Sprintf(`"k%d":true`, n/2)
			shuffle(list)
			return before, object(list)
		}, patch: func(n int) string { return replaced(fmt.Sprintf("/k%d", n/2), "true") }},
		{name: "one name", n: 50_000, bodies: func(n int) (before, after []byte) {
			list := members(n, 1)
			return object(list), object(append(list, `"k0":true`))
		}, patch: func(int) string { return replaced("/k0", "true") }},
		{name: "names twice", n: 50_000, bodies: func(n int) (before, after []byte) {
			list := members(n, n/2)
			before = object(list)
			list[0] = `"k0":true` // does not count
			list[n-1] = fmt.Sprintf(`"k%d":true`, n/2-1)
			return before, object(list)
		}, patch: func(n int) string { return replaced(fmt.Sprintf("/k%d", n/2-1), "true") }},
	}
}

// hostileLists are hostile to what looks for the elements that stayed.
func hostileLists() []hostile {
	const n = 100_000
	return []hostile{
		{name: "equal elements", n: n, bodies: func(n int) (before, after []byte) {
			return numbers(n, func(int) int { return 1 }), numbers(n-1, func(int) int { return 1 })
		}},
		{name: "alternating", n: n, bodies: func(n int) (before, after []byte) {
			return numbers(n, func(i int) int { return 1 + i%2 }), numbers(n, func(i int) int { return 2 - i%2 })
		}},
		{name: "reversed", n: n, bodies: func(n int) (before, after []byte) {
			return numbers(n, func(i int) int { return i }), numbers(n, func(i int) int { return n - i })
		}},
		{name: "coins", n: n, bodies: func(n int) (before, after []byte) {
			random := rand.New(rand.NewPCG(1, 1))
			coin := func(int) int { return random.IntN(2) }
			return numbers(n, coin), numbers(n, coin)
		}},
		{name: "nothing in common", n: n, bodies: func(n int) (before, after []byte) {
			return numbers(n, func(i int) int { return i }), numbers(n, func(i int) int { return -1 - i })
		}},
	}
}

func wrapped(left, right string, n int, inner string) []byte {
	return []byte(strings.Repeat(left, n) + inner + strings.Repeat(right, n))
}

func members(n, names int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"k%d":%d`, i%names, i)
	}
	return list
}

func object(members []string) []byte { return []byte("{" + strings.Join(members, ",") + "}") }

func numbers(n int, number func(i int) int) []byte {
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(number(i))
	}
	return array(list)
}

func nothing(int) string { return "[]" }

func replaced(path, value string) string {
	return fmt.Sprintf(`[{"op":"replace","path":%q,"value":%s}]`, path, value)
}

// TestHostileInput asks for what is right, and for memory in proportion to the
// input. It counts what the whole process allocates, so nothing runs beside it.
func TestHostileInput(t *testing.T) {
	rules := mustCompile(t, diff.Options{})
	for _, h := range hostiles() {
		t.Run(h.name, func(t *testing.T) {
			before, after := h.bodies(h.n)
			var result diff.Result
			var err error
			bytes := allocated(func() { result, err = diff.Compare(before, after, rules) })
			// An element of two bytes takes a node, and maybe an operation and its
			// path, or a level of the walk. What grows with the square of the input
			// takes many thousands.
			if limit := uint64(64<<10 + 1024*(len(before)+len(after))); bytes > limit {
				t.Errorf("allocates %d bytes for %d, want at most %d", bytes, len(before)+len(after), limit)
			}
			if h.invalid != errors.Is(err, diff.ErrInvalidJSON) || !h.invalid && err != nil {
				t.Fatalf("error %v, want one: %t", err, h.invalid)
			}
			if !h.invalid {
				h.check(t, before, after, result)
			}
		})
	}
}

func (h hostile) check(t *testing.T, before, after []byte, result diff.Result) {
	t.Helper()
	var patch []diff.Operation
	if len(result.Changes) > 0 {
		patch = result.Changes[0].Patch
	}
	if h.patch == nil {
		if got := patchList(t, before, patch); string(got) != string(after) {
			t.Errorf("%d operations lead elsewhere", len(patch))
		}
		return
	}
	if got, want := string(diff.AppendPatch(nil, patch)), h.patch(h.n); got != want {
		t.Errorf("patch %.200s, want %.200s", got, want)
	}
}

// patchList applies operations on the elements of a list. It goes from one to
// the next, which keeps it fast where they come in order.
func patchList(t *testing.T, list []byte, patch []diff.Operation) []byte {
	t.Helper()
	var left, right []json.RawMessage // right is reversed
	if err := json.Unmarshal(list, &right); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(right)
	for _, o := range patch {
		if o.Path == "" {
			return o.Value
		}
		at, err := strconv.Atoi(strings.TrimPrefix(o.Path, "/"))
		if n := len(left) + len(right); err != nil || at > n || at == n && o.Op != "add" {
			t.Fatalf("%s at %q in a list of %d", o.Op, o.Path, n)
		}
		for ; len(left) > at; left = left[:len(left)-1] {
			right = append(right, left[len(left)-1])
		}
		for ; len(left) < at; right = right[:len(right)-1] {
			left = append(left, right[len(right)-1])
		}
		if o.Op != "add" {
			right = right[:len(right)-1]
		}
		if o.Op != "remove" {
			right = append(right, o.Value)
		}
	}
	slices.Reverse(right)
	got, err := json.Marshal(append(left, right...))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// BenchmarkHostile tells how many times as long hostile input of four times the
// size takes.
func BenchmarkHostile(b *testing.B) {
	for _, h := range hostiles() {
		b.Run(h.name, func(b *testing.B) { timeForFour(b, diff.Options{}, h.n/4, h.bodies) })
	}
}
