package eventlog

import (
	"errors"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/notify"
)

func TestCursorsOfNoUse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.commit("a", "a")
	known := r.read(Query{Limit: 1}).Next
	for cursor, want := range map[string]string{
		"x":                        "is no cursor",
		"-1":                       "is no cursor",
		"+1":                       "is no cursor",
		"01":                       "is no cursor",
		"1-":                       "is no cursor",
		"1-a":                      "is no cursor",
		"1-AAAAAAAAA":              "is no cursor",
		"1-A-B":                    "is no cursor",
		"99999999999999999999":     "is no cursor",
		" 1":                       "is no cursor",
		strings.Repeat("9", 1<<16): "is no cursor",
		"evt_none":                 "there is no event",
		"3":                        "another log",
		known[:len(known)-1] + "9": "another log",
		"2-AAAAAAAA":               "another log",
	} {
		for range 2 { // from the store, and from what is at hand
			_, err := r.log.Read(t.Context(), &Query{After: cursor, Limit: 1})
			bad, ok := errors.AsType[*CursorError](err)
			if !ok || !strings.Contains(bad.Reason, want) || bad.Lost == (want == "is no cursor") || len(bad.Reason) > 300 {
				t.Errorf("%.30s: %v", cursor, err)
			}
			r.read(Query{After: Now, Limit: 1})
		}
	}
	// A cursor without the mark of its event is taken at its word.
	if page := r.read(Query{After: "1", Limit: 5}); len(page.Events) != 1 {
		t.Errorf("%d events", len(page.Events))
	}
}

func TestMarkOfAShortID(t *testing.T) {
	t.Parallel()
	if got := newPlace(&notify.Event{Position: 3, ID: "A"}).String(); got != "3-A" {
		t.Errorf("cursor %s", got)
	}
}

func FuzzParsePlace(f *testing.F) {
	for _, text := range []string{"0", "12", "12-00000001", "-", "1-", "１"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePlace(text)
		if err == nil && p.String() != text {
			t.Errorf("%q is read as %q", text, p)
		}
	})
}
