package dashboard

import (
	"net/http"
	"strings"
	"testing"
)

func TestHeadlineCanBeSeen(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]string{
		"":                "orders",
		"1042":            "1042",
		"a b":             "a b",
		" ":               `" "`,
		"\u200b\u00a0":    `"\u200b\u00a0"`,
		"\n":              `"\n"`,
		"gpj\u202etxt":    `gpj\u202etxt`,
		"\u0645\u0631":    "\u0645\u0631",
		"\u2067a\u2069 b": `\u2067a\u2069 b`,
	} {
		if got := headline(subject, "orders"); got != want {
			t.Errorf("%q: %s, want %s", subject, got, want)
		}
	}
}

// TestNothingTurnsTextRound: what an upstream sends reads on every page as it is.
func TestNothingTurnsTextRound(t *testing.T) {
	t.Parallel()
	f := newFake()
	const hostile = "gpj\u202etxt"
	before, after := `{"`+hostile+`":1,"text":"`+hostile+`"}`, `{"`+hostile+`":2,"text":"`+hostile+`x\n`+hostile+`"}`
	e := f.changed(0, "orders", "shop.order", "updated", hostile, before, after)
	f.happen(e)
	for _, path := range []string{"/", "/events", "/events/" + e.ID, "/sources/orders"} {
		page := body(t, ask(t, f, http.MethodGet, path, ""))
		if strings.ContainsAny(page, turns) || !strings.Contains(page, `gpj\u202etxt`) {
			t.Errorf("%s shows it as it likes", path)
		}
	}
}
