package main

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/server"
)

// TestTablesFit: the widest columns give way, and the others stay whole.
func TestTablesFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ö", maxCell)
	heads := []string{"NAME", "STATE", "LAST", "REASON"}
	for _, tc := range []struct {
		columns int
		want    []string
	}{
		{200, []string{"bad", "failing", "11:44:35", long}},
		{80, []string{"bad", "failing", "11:44:35", strings.Repeat("ö", 54) + "…"}},
		{20, []string{"bad", "failing", "11:44:35", strings.Repeat("ö", minCell-1) + "…"}},
		{0, []string{"bad", "failing", "11:44:35", strings.Repeat("ö", minCell-1) + "…"}},
	} {
		rows := [][]string{{"bad", "failing", "11:44:35", long}, {"ok", "ok", "-", "-"}}
		fit(heads, rows, tc.columns)
		if d := cmp.Diff(tc.want, rows[0]); d != "" {
			t.Errorf("%d columns (-want +got):\n%s", tc.columns, d)
		}
		if !slices.Equal(rows[1], []string{"ok", "ok", "-", "-"}) {
			t.Errorf("%d columns: %q", tc.columns, rows[1])
		}
		if n := utf8.RuneCountInString(strings.Join(rows[0], "  ")); tc.columns >= 40 && n > tc.columns+2 {
			t.Errorf("%d characters in %d columns", n, tc.columns)
		}
	}
	fit(heads, nil, 80)
	named := [][]string{{long, "ok", "-", long}}
	fit(heads, named, 80)
	if named[0][0] != long {
		t.Errorf("a name is cut: %s", named[0][0])
	}
}

func TestShortMoments(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for want, at := range map[string]time.Time{
		"11:44:35":     time.Date(2026, 11, 28, 11, 44, 35, 0, time.UTC),
		"23:00:00":     time.Date(2026, 11, 28, 23, 0, 0, 0, time.UTC),
		"Nov 29 07:00": time.Date(2026, 11, 29, 7, 0, 0, 0, time.UTC),
		"Nov  1 23:59": time.Date(2026, 11, 1, 23, 59, 59, 0, time.UTC),
		"Jan  1 00:00": time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		"2025-11-28":   time.Date(2025, 11, 28, 11, 44, 35, 0, time.UTC),
		"2028-01-01":   time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got := moment(at, now); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}

// TestWithNodes: the column of nodes is there where there are some.
func TestWithNodes(t *testing.T) {
	t.Parallel()
	list := []server.Source{{Name: "a", Reason: "x", Node: "one"}, {Name: "b"}}
	table := func() string {
		var out strings.Builder
		head, row := withNodes(list, func(s *server.Source) string { return s.Node }, "NAME REASON", func(s *server.Source) []string {
			return []string{s.Name, s.Reason}
		})
		if err := printList(&out, false, list, head, row); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if d := cmp.Diff("NAME  NODE  REASON\na     one   x\nb     -     -\n", table()); d != "" {
		t.Errorf("nodes (-want +got):\n%s", d)
	}
	list[0].Node = ""
	if d := cmp.Diff("NAME  REASON\na     x\nb     -\n", table()); d != "" {
		t.Errorf("none (-want +got):\n%s", d)
	}
}
