package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestCompareTexts(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Format: Text})
	want := Result{Changes: []Change{{
		Kind:        Updated,
		Before:      json.RawMessage(`"one\ntwo\n"`),
		After:       json.RawMessage(`"one\n\"2\"\n"`),
		Differences: []Difference{{Before: json.RawMessage(`"one\ntwo\n"`), After: json.RawMessage(`"one\n\"2\"\n"`)}},
		Unified:     "--- before\n+++ after\n@@ -1,2 +1,2 @@\n one\n-two\n+\"2\"\n",
	}}, Before: 1, After: 1, BeforeAll: 1, AfterAll: 1}
	got := mustCompare(t, "one\ntwo\n", "one\n\"2\"\n", r)
	if d := differ(want, got); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
	if h := hashes(got.Changes[0]); h != [2]string{sum([]byte("one\n\"2\"\n")), sum([]byte("one\ntwo\n"))} {
		t.Errorf("hashes %s", h)
	}
	want = Result{Changes: []Change{{Kind: Created, After: json.RawMessage(`"x"`)}}, After: 1, AfterAll: 1}
	if d := differ(want, mustCompare(t, "", "x", r)); d != "" {
		t.Errorf("first result (-want +got):\n%s", d)
	}
	if got := mustCompare(t, `{"a":1}`, `{"a":1}`, r); len(got.Changes) != 0 || got.Before != 1 || got.After != 1 {
		t.Errorf("equal texts: %+v", got)
	}
	if got := mustCompare(t, `{"a":1}`, `{"a": 1}`, r); len(got.Changes) != 1 {
		t.Error("a space in a text is no change")
	}
}

func TestEmptyTextIsAText(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Format: Text})
	result, err := Compare([]byte{}, []byte("x"), r)
	if err != nil || len(result.Changes) != 1 || result.Changes[0].Kind != Updated || string(result.Changes[0].Before) != `""` {
		t.Errorf("got %+v (%v)", result, err)
	}
	if result, err = Compare(nil, nil, r); err != nil || result.Changes[0].Kind != Created || string(result.Changes[0].After) != `""` {
		t.Errorf("got %+v (%v)", result, err)
	}
}

// JSON cannot hold bytes that are no UTF-8, but they make a change.
func TestTextsThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Format: Text})
	c := mustCompare(t, "caf\xe9\n", "caf\xe8\n", r).Changes[0]
	if string(c.Before) != "\"caf\uFFFD\\n\"" || string(c.After) != "\"caf\uFFFD\\n\"" || c.Hash() == c.PreviousHash() || c.Unified != "" {
		t.Errorf("got %+v", c)
	}
	c = mustCompare(t, "caf\xe9\n", "café\n", r).Changes[0]
	if c.Unified != "--- before\n+++ after\n@@ -1 +1 @@\n-caf\uFFFD\n+café\n" {
		t.Errorf("got %q", c.Unified)
	}
}

// Texts of many lines without one in common are the worst there is.
func TestHugeTextsTakeBoundedWork(t *testing.T) {
	t.Parallel()
	lines := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	r := mustCompile(t, Options{Format: Text})
	for name, tc := range map[string][2]string{
		"nothing in common": {lines("old %d\n", 100_000), lines("new %d\n", 100_000)},
		"every other line":  {lines("%[1]d\nsame\n", 50_000), lines("-%[1]d\nsame\n", 50_000)},
		"one line":          {strings.Repeat("x", 2<<20), strings.Repeat("x", 2<<20) + "y"},
		"only newlines":     {strings.Repeat("\n", 500_000), strings.Repeat("\n", 600_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mustCompare(t, tc[0], tc[1], r).Changes[0]
			if got, err := applyUnified(tc[0], c.Unified); err != nil || got != tc[1] {
				t.Errorf("the unified diff does not apply: %v", err)
			}
			if len(c.Unified) > 2*(len(tc[0])+len(tc[1])) {
				t.Errorf("%d bytes of diff", len(c.Unified))
			}
		})
	}
}

func TestUnifiedDiffsApply(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Options{Format: Text})
	for n := range uint64(2000) {
		random := rand.New(rand.NewPCG(6, n))
		text := func() string {
			var b strings.Builder
			for range random.IntN(30) {
				b.WriteString([...]string{"a\n", "b\n", "c\n", "\n", "-- x\n", "\t\r\n", "@@\n"}[random.IntN(7)])
			}
			return b.String() + [...]string{"", "", "end"}[random.IntN(3)]
		}
		before, after := text(), text()
		result, err := Compare([]byte(before), []byte(after), r)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Changes) == 0 {
			continue
		}
		unified := result.Changes[0].Unified
		if got, err := applyUnified(before, unified); err != nil || got != after {
			t.Fatalf("%q to %q: got %q (%v) by\n%s", before, after, got, err, unified)
		}
	}
}

// applyUnified applies a unified diff strictly: positions, counts and the lines
// around must be right.
func applyUnified(before, unified string) (string, error) {
	rest, ok := strings.CutPrefix(unified, "--- before\n+++ after\n")
	if !ok {
		return "", errors.New("no header")
	}
	lines := strings.SplitAfter(before, "\n")
	var out []string
	at := 0
	for rest != "" {
		head, body, _ := strings.Cut(rest, "\n")
		start, count, err := parseHunk(head)
		if err != nil || start < at || start+count > len(lines) {
			return "", fmt.Errorf("bad hunk %q after line %d: %w", head, at, err)
		}
		out = append(out, lines[at:start]...)
		at, rest = start, body
		for rest != "" && !strings.HasPrefix(rest, "@@ ") {
			line, more, _ := strings.Cut(rest, "\n")
			if after, cut := strings.CutPrefix(more, "\\ No newline at end of file\n"); cut {
				more = after
			} else {
				line += "\n"
			}
			rest = more
			if line[0] != '+' {
				if at >= start+count || lines[at] != line[1:] {
					return "", fmt.Errorf("line %d is not %q", at, line[1:])
				}
				at++
			}
			if line[0] != '-' {
				out = append(out, line[1:])
			}
		}
		if at != start+count {
			return "", fmt.Errorf("hunk %q ends at line %d", head, at)
		}
	}
	return strings.Join(append(out, lines[at:]...), ""), nil
}

// parseHunk returns where a hunk starts in the older text, from 0, and how many
// of its lines it has.
func parseHunk(head string) (start, count int, err error) {
	older, _, _ := strings.Cut(strings.TrimPrefix(head, "@@ -"), " ")
	from, length, counted := strings.Cut(older, ",")
	if start, err = strconv.Atoi(from); err != nil {
		return 0, 0, err
	}
	count = 1
	if counted {
		if count, err = strconv.Atoi(length); err != nil {
			return 0, 0, err
		}
	}
	if count > 0 {
		start-- // An empty range names the line before it.
	}
	return start, count, nil
}
