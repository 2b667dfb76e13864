package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
)

func mustTell(tb testing.TB, e *Event) *story {
	tb.Helper()
	s, err := tell(e, "")
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestTitles says what a change is about.
func TestTitles(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ eventType, key, item, want string }{
		{"shop.order", "7", `{}`, "Order 7 created"},
		{"github.pull_request", "12", `{"title":" Fix\nthe \u0007 leak "}`, "Pull request 12 “Fix the leak” created"},
		{"order", "7", `{"name":"7"}`, "Order 7 created"},
		{"pollwire.item", "7", `{"title":"","name":"A"}`, "shop-items: 7 “A” created"},
		{"pollwire.item", `["eu",7]`, `{"name":5}`, "shop-items: eu, 7 created"},
		{"pollwire.item", `[broken`, `[1]`, "shop-items: [broken created"},
		{"pollwire.document", "", `{"name":"A"}`, "status-page created"},
		{"éa.été", "x", `"text"`, "Été x created"},
		{"a.b", strings.Repeat("k", 300), `{"name":"` + strings.Repeat("n", 300) + `"}`, "B " + strings.Repeat("k", 79) + "… “" + strings.Repeat("n", 79) + "…” created"},
	} {
		e := compared(t, tc.eventType, tc.key, "", tc.item, diff.Options{})
		if got := mustTell(t, e).title; got != tc.want {
			t.Errorf("%s %s: %q, want %q", tc.eventType, tc.key, got, tc.want)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for item, want := range map[string]string{
		`{"url":"https://api.example.com/1","html_url":"https://example.com/1"}`: "https://example.com/1",
		`{"link":["https://example.com/1"],"url":"http://example.com/2"}`:        "http://example.com/2",
		`{"html_url":"javascript:alert(1)","url":"/relative"}`:                   "",
		`{"url":"https://user:pass@example.com/"}`:                               "",
		`{"url":"https:///x"}`:    "",
		`["https://example.com"]`: "",
		`{"url":"https://example.com/a b/ü?q=\"x\"|<y>{}^&r=[1]%20#z"}`:   "https://example.com/a%20b/%C3%BC?q=%22x%22%7C%3Cy%3E%7B%7D%5E&r=[1]%20#z",
		`{"url":"https://example.com/` + strings.Repeat("x", 2000) + `"}`: "",
	} {
		if got := linkOf(json.RawMessage(item)); got != want {
			t.Errorf("%s: %q, want %q", item, got, want)
		}
	}
}

// TestRows says what changed, from what to what.
// TestDiffLinesStayInTheirPlace has lines with characters that would have them
// shown in another order, or in several lines.
func TestDiffLinesStayInTheirPlace(t *testing.T) {
	t.Parallel()
	var s story
	s.unified("--- before\n+++ after\n@@ -1 +1 @@\n-  a\u202eb\tc\u2066\n+\x1b[31mred\r\u2028line\r\n")
	want := []string{"@@ -1 +1 @@", "-  a b    c", "+ [31mred  line"}
	if diff := cmp.Diff(want, s.diff); diff != "" {
		t.Error(diff)
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 20)
	for _, tc := range []struct {
		before, after string
		options       diff.Options
		want          []string
	}{
		{`{"a":1,"b":true}`, `{"a":2.50,"b":null}`, diff.Options{}, []string{"a: 1 → 2.50", "b: true → null"}},
		{`{"a":"","b":"x\ny"}`, `{"a":"z","b":""}`, diff.Options{}, []string{`a: "" → z`, `b: x y → ""`}},
		{`{"a":"x  y"}`, `{"a":"x y"}`, diff.Options{}, []string{`a: "x  y" → "x y"`}},
		{`{"a":"` + long + `one"}`, `{"a":"` + long + `two"}`, diff.Options{}, []string{"a: … over the lazy dog. one → … over the lazy dog. two"}},
		{`{"a":[1,2]}`, `{"a":{"x":1}}`, diff.Options{}, []string{"a: 1, 2 → x 1"}},
		{`{"a":{"b":{}}}`, `{"a":{"b":[]}}`, diff.Options{}, []string{"a.b: an empty object → an empty list"}},
		{`{"a":[[1],[2]]}`, `{"a":null}`, diff.Options{}, []string{"a: 2 entries → null"}},
		{`{"a":1}`, `{"a":[{"x":1}]}`, diff.Options{}, []string{"a: 1 → 1 entry"}},
		{`{"a":1}`, `{"a":{"x":[],"y":[]}}`, diff.Options{}, []string{"a: 1 → an object of 2"}},
		{`{"x/y~z":1,"7":1}`, `{"x/y~z":2,"7":2}`, diff.Options{}, []string{"x/y~z: 1 → 2", "7: 1 → 2"}},
		{`{"seen":1,"a":1}`, `{"seen":2,"a":2}`, diff.Options{Ignore: []string{"seen"}}, []string{"a: 1 → 2"}},
		{`{"tags":["a","b"]}`, `{"tags":["c","a"]}`, diff.Options{IgnoreOrder: true}, []string{"tags[0]: (none) → c", "tags[1]: b → (none)"}},
		{
			`{"lines":[{"sku":"a","n":1},{"sku":"b","n":1}]}`, `{"lines":[{"sku":"b","n":1},{"sku":"a","n":2}]}`,
			diff.Options{Keys: map[string][]string{"lines": {"sku"}}},
			nil,
		},
		{`5`, `6`, diff.Options{}, []string{"value: 5 → 6"}},
	} {
		e := compared(t, "shop.order", "7", tc.before, tc.after, tc.options)
		s := mustTell(t, e)
		var got []string
		for i := range s.rows {
			got = append(got, s.rows[i].String())
		}
		if tc.want == nil { // aligned in another way than the source's: something is told
			if len(got) == 0 {
				t.Errorf("%s → %s: nothing is told", tc.before, tc.after)
			}
			continue
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s → %s (-want +got):\n%s", tc.before, tc.after, d)
		}
	}
}

// TestLargeValuesAreToldByTheirPlaces, without being compared again.
func TestLargeValuesAreToldByTheirPlaces(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", maxCompared)
	var changed []string
	for i := range 20 {
		changed = append(changed, fmt.Sprintf("/a/%d", i))
	}
	data, err := json.Marshal(map[string]any{
		"change": "updated", "key": "7", "before": map[string]any{"n": 1, "x": large}, "after": map[string]any{"n": 2}, "changed": changed,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := mustTell(t, changeEvent(string(data)))
	if len(s.rows) != maxRows || s.rows[3].String() != "a[3] changed" || s.rest() != "and 8 more" {
		t.Errorf("rows %v, %s", s.rows, s.rest())
	}
}

func TestFilteredItemsAreSaidToBeThere(t *testing.T) {
	t.Parallel()
	s := mustTell(t, changeEvent(`{"change":"deleted","key":"7","before":{"id":7},"after":null,"changed":[],"reason":"filtered"}`))
	if !strings.HasPrefix(s.plain(), "It is still there") || s.tone != toneDeleted {
		t.Errorf("got %q", s.plain())
	}
}

func TestAlertTitles(t *testing.T) {
	t.Parallel()
	for eventType, want := range map[string]string{
		"pollwire.source.failing": "⚠️ Source x is failing", "pollwire.source.recovered": "✅ Source x has recovered",
		"pollwire.source.gap": "⚠️ Source x may have missed changes", "pollwire.source.rebaselined": "Source x starts again from a baseline",
		"pollwire.endpoint.failing": "⚠️ Endpoint x is failing", "pollwire.endpoint.disabled": "⚠️ Endpoint x is disabled",
		"pollwire.endpoint.recovered": "✅ Endpoint x has recovered", "pollwire.ping": "A test from pollwire: x can be reached",
		"pollwire.source.is_new": "Source x: is new", "pollwire.other": "Other: x",
	} {
		if got := mustTell(t, alertEvent(eventType, "x", "because", 3)).title; got != want {
			t.Errorf("%s: %q, want %q", eventType, got, want)
		}
	}
}

// TestMaxBodyOfMessages: a message tells less until it fits, and says how much
// is left out.
func TestMaxBodyOfMessages(t *testing.T) {
	t.Parallel()
	for name, event := range chatEvents(t) {
		for _, format := range []Format{FormatSlack, FormatDiscord, FormatTeams} {
			e := &Endpoint{Format: format, MaxBody: 2300}
			body, err := Render(e, event, "")
			if err != nil {
				t.Errorf("%s for %s: %v", name, format, err)
				continue
			}
			if len(body) > 2300 {
				t.Errorf("%s for %s: %d bytes", name, format, len(body))
			}
			mustBeChatMessage(t, format, body)
			if name == "nested-updated" && !strings.Contains(string(body), " more") {
				t.Errorf("%s does not say that there is more: %s", format, body)
			}
			e.MaxBody = 100
			if _, err = Render(e, event, ""); !errors.Is(err, errBody) || !strings.Contains(err.Error(), "100 are allowed (max_body)") {
				t.Errorf("%s for %s: %v", name, format, err)
			}
		}
	}
}

func TestMessagesOfBrokenDataAreRefused(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`[]`, `{"changed":5}`, `{`} {
		if _, err := Render(&Endpoint{Format: FormatSlack}, changeEvent(data), ""); !errors.Is(err, errBody) {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestEscapedTo(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", strings.Repeat("*", 300), strings.Repeat("😀", 300), strings.Repeat("<&>", 100)} {
		for _, escape := range []func(string) string{escapeDiscord, escapeSlack} {
			if got := escapedTo(s, 256, escape); units(got) > 256 || s != "" && got == "" {
				t.Errorf("%q became %d units", s, units(got))
			}
		}
	}
	if got := escapeDiscord("see https://example.com/a_b and a_b"); got != `see https://example.com/a_b and a\_b` {
		t.Errorf("got %s", got)
	}
}

// FuzzMessages: whatever an answer holds, each message is one that its service
// takes, and the same each time.
func FuzzMessages(f *testing.F) {
	f.Add(`{"a":1}`, `{"a":"\ud800"}`, "k", "/a")
	f.Add(`"x"`, `["`+strings.Repeat("é", 300)+`"]`, "", "")
	f.Add(`{"title":"`+strings.Repeat("_", 300)+`","lines":[{"sku":1}]}`, `{"lines":[{"sku":2},{"name":""}],"":{"":{}}}`, `["a"]`, "/lines/0/sku")
	f.Add(`{"":0}`, `{"":1}`, "\n", "/")
	f.Fuzz(func(t *testing.T, before, after, key, pointer string) {
		if !json.Valid([]byte(before)) || !json.Valid([]byte(after)) {
			t.Skip()
		}
		quoted := func(s string) string { return string(appendString(nil, s)) }
		for _, kind := range []string{"created", "updated", "deleted"} {
			event := changeEvent(`{"change":"` + kind + `","key":` + quoted(key) + `,"before":` + before + `,"after":` + after +
				`,"changed":[` + quoted(pointer) + `],"patch":` + after + `}`)
			event.Subject = key
			for _, format := range []Format{FormatSlack, FormatDiscord, FormatTeams} {
				first, err := Render(&Endpoint{Format: format}, event, "https://p.example.com")
				if err != nil {
					t.Fatal(err)
				}
				second, err := Render(&Endpoint{Format: format}, event, "https://p.example.com")
				if err != nil || string(first) != string(second) {
					t.Fatalf("two messages of one event differ: %v", err)
				}
				mustBeChatMessage(t, format, first)
			}
		}
	})
}
