package notify

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustTemplate(tb testing.TB, contentType, body string) *Template {
	tb.Helper()
	t, err := ParseTemplate(contentType, body)
	if err != nil {
		tb.Fatalf("ParseTemplate(%s): %v", body, err)
	}
	return t
}

const orderData = `{"change":"updated","key":"1042","before":{"id":1042,"status":"open","total":10.00,"zero":0.0,"lines":[]},` +
	`"after":{"id":1042,"name":"A <b>\"chair\"</b>","status":"paid","total":1234567.50,"big":9007199254740993,"tags":["red","blue"],` +
	`"customer":{"city":"Köln"},"paid_at":"2026-01-02T03:04:05Z","at":1767323045,"ms":1767323045678,"lines":[{"sku":"a","n":2},{"sku":"b","n":10}],"no":null,"yes":true,"csv":"12.5","of":"x"},` +
	`"changed":["/status","/total"],"patch":[{"op":"replace","path":"/status","value":"paid"}],"hash":"a","previous_hash":"b"}`

func TestTemplate(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{{ .ID }} {{ .Type }} {{ .Source }} {{ .Subject }} {{ .Sequence }} {{ .Alert }}`: "evt_01JABCDEF0123456789ABCDEFG github.release.updated go-releases go1.26 42 false",
		`{{ .URL }}`: "https://p.example.com/v1/events/evt_01JABCDEF0123456789ABCDEFG",
		`{{ .Time }} {{ date "02.01.2006" .Time }} {{ dateIn "Europe/Berlin" "15:04" .Time }} {{ unix .Time }}`:                                                                        "2026-01-02T03:04:05.678Z 02.01.2026 04:04 1767323045",
		`{{ .Change }} {{ .Key }} {{ .Before.status }} → {{ .After.status }}`:                                                                                                          "updated 1042 open → paid",
		`{{ .Item.total }} {{ .After.big }} {{ .Before.total }}`:                                                                                                                       "1234567.50 9007199254740993 10.00",
		`{{ number 2 .Item.total }} {{ number 0 .Item.total }} {{ round 1 .Before.total }} {{ number 1 "-1999.95" }}`:                                                                  "1,234,567.50 1,234,568 10.0 -2,000.0",
		`[{{ .After.none }}{{ .After.none.deeper.still }}{{ .After.no }}{{ .After.status.x }}{{ $.After.none }}{{ (.After).none.x }}]`:                                                 "[]",
		`{{ json .Item.name }} {{ json .Item.tags }} {{ json .Item.none }} {{ json .Item.total }}`:                                                                                     `"A <b>\"chair\"</b>" ["red","blue"] null 1234567.50`,
		`{{ .Item.tags }} {{ .Item.customer }}`:                                                                                                                                        `["red","blue"] {"city":"Köln"}`,
		`{{ join ", " .Item.tags }} {{ join ", " .Item.status }}`:                                                                                                                      "red, blue paid",
		`{{ upper .Item.status }} {{ lower "ABC" }} {{ trim " a " }} {{ replace "a" "b" .Item.status }}`:                                                                               "PAID abc a pbid",
		`{{ default "none" .Item.none }} {{ default "none" .Item.status }} {{ default 1 .Before.zero }} {{ default "x" .Alert }}`:                                                      "none paid 0.0 false",
		`{{ truncate 4 .Item.name }}|{{ truncate 99 .Item.status }}|{{ truncate 1 "Köln" }}|{{ truncate 4 "Köln" }}`:                                                                   "A <…|paid|…|Köln",
		`{{ range .Item.lines }}{{ .sku }}×{{ .n }} {{ $.Key }};{{ end }}`:                                                                                                             "a×2 1042;b×10 1042;",
		`{{ range $i, $l := .Item.lines }}{{ $i }}{{ $l.sku }}{{ else }}none{{ end }}{{ range .Item.none }}x{{ else }}none{{ end }}`:                                                   "0a1bnone",
		`{{ if .Before.zero }}x{{ else if .Item.yes }}yes{{ end }}{{ with .Item.customer }}{{ .city }}{{ end }}`:                                                                       "yesKöln",
		`{{ if and .Item.yes (not .Before.zero) (or .Before.zero .Item.none "s") }}y{{ end }}{{ and 1 0 }}{{ or 0 .Item.total }}`:                                                      "y01234567.50",
		`{{ if gt .Item.total 10.5 }}1{{ end }}{{ if lt .Before.total .After.total }}2{{ end }}{{ if gt .After.big 9007199254740992 }}3{{ end }}`:                                      "123",
		`{{ if eq .Before.total 10 }}1{{ end }}{{ if eq .Item.status "open" "paid" }}2{{ end }}{{ if ne .Item.status .Before.status }}3{{ end }}`:                                      "123",
		`{{ if eq .Item.total "1234567.50" }}x{{ end }}{{ if gt .Item.none 1 }}x{{ end }}{{ if ge .Item.csv 12.5 }}1{{ end }}{{ if le "a" "b" }}2{{ end }}`:                            "12",
		`{{ printf "%05d|%.1f|%s|%v|%s|%q" .Key .Item.total .Item.total .Item.big .Item.none .Item.status }}`:                                                                          `%!d(string=01042)|1234567.5|1234567.50|9007199254740993||"paid"`,
		`{{ printf "%d %.2f" .Item.big .Item.id }}`:                                                                                                                                    "9007199254740993 1042.00",
		`{{ len .Item.lines }} {{ len .Item.none }} {{ len "Köln" }} {{ (index .Item.lines 1).sku }}[{{ index .Item.lines 9 }}{{ index .Item "status" }}]`:                             "2 0 4 b[paid]",
		`{{ date "2006-01-02" .Item.paid_at }} {{ date "15:04" .Item.at }} {{ date "15:04:05" .Item.ms }}[{{ date "2006" .Item.none }}{{ unix .Item.none }}{{ number 1 .Item.none }}]`: "2026-01-02 03:04 03:04:05[]",
		`Body={{ urlquery .Item.name }}&x={{ urlquery .Item.none }}`:                                                                                                                   "Body=A+%3Cb%3E%22chair%22%3C%2Fb%3E&x=",
		`{{ html .Item.name }}{{ js "'" }}{{ base64 "ü" }}`:                                                                                                                            `A &lt;b&gt;&#34;chair&#34;&lt;/b&gt;\'w7w=`,
		`{{ define "line" }}{{ .sku }}!{{ end }}{{ range .Item.lines }}{{ template "line" . }}{{ end }}`:                                                                               "a!b!",
		`{{ .Item.status | upper | printf "%s-%s" .Key }}`:                                                                                                                             "1042-PAID",
		`{{ contains "ai" .Item.status }}{{ hasPrefix "p" .Item.status }}{{ hasSuffix "x" .Item.status }}`:                                                                             "truetruefalse",
		`{{ $x := .Item.customer }}{{ $x.city }}{{ $x = .Item.none }}{{ $x.city }}`:                                                                                                    "Köln",
		`{{ .Title }}|{{ .Text }}|{{ .Link }}`:                                                                                                                                         "Release 1042 “A <b>\"chair\"</b>” updated|status: open → paid\ntotal: 10.00 → 1234567.50|https://p.example.com/v1/events/evt_01JABCDEF0123456789ABCDEFG",
		`{{ range .Changed }}{{ . }} {{ end }}{{ json .Data.patch }}`:                                                                                                                  `/status /total [{"op":"replace","path":"/status","value":"paid"}]`,
	} {
		e := &Endpoint{Format: FormatTemplate, Template: mustTemplate(t, "text/plain", body)}
		got, err := Render(e, changeEvent(orderData), "https://p.example.com")
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestTemplateOfTheWholeEventIsJSON(t *testing.T) {
	t.Parallel()
	e := &Endpoint{Format: FormatTemplate, Template: mustTemplate(t, "", `{{ json . }}`)}
	got, err := Render(e, changeEvent(orderData), "")
	if err != nil || !json.Valid(got) || !strings.Contains(string(got), `"big":9007199254740993`) {
		t.Errorf("got %s, %v", got, err)
	}
	if e.ContentType(false) != "application/json" {
		t.Errorf("content type %s", e.ContentType(false))
	}
}

// TestTemplateIsTriedOnSamples: what is right for events with more members than
// the samples have passes, what is wrong is told with its place.
func TestTemplateIsTriedOnSamples(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"text": {{ json .Subject }} }`,
		`{"total": {{ .Item.total }}, "name": "{{ .Item.customer.name }}", "at": "{{ date "2006" .Item.created_at }}"}`,
		`{"n": {{ len .Item.lines }}, "first": {{ json (index .Item.lines 0).sku }}, "sum": "{{ number 2 .Item.sum }}"}`,
		`[{{ range $i, $l := .Item.lines }}{{ if $i }},{{ end }}{{ json $l }}{{ end }}]`,
		`{"text": {{ if .Alert }}{{ json .Data.reason }}{{ else if gt .Item.n 5 }}{{ json (printf "%d %s" .Item.n .Item.x) }}{{ else }}""{{ end }}}`,
		`{"new": {{ json .After.total }}, "old": {{ json .Before.total }}}`,
	} {
		if _, err := ParseTemplate("application/json", body); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, tc := range []struct{ contentType, body, want string }{
		{"", `{"text": {{ json .Subject }`, "parse template: 1: unexpected \"}\" in operand"},
		{"", "{\n{{ if }}x{{ end }}", "parse template: 2: missing value for if"},
		{"", "{{ unknown 1 }}", `parse template: 1: function "unknown" not defined`},
		{"", "{{ .Time.Format \"15:04\" }}", `1:8: .Time.Format is a value and takes no arguments`},
		{"", "{{ event.subject }}", `parse template: 1: function "event" not defined (what an event has begins with a point`},
		{"", "{{ $json.body }}", `parse template: 1: undefined variable "$json" (what an event has begins with a point`},
		{"", `{"text": {{ json .subject }} }`, "carry out template: 1:17: an event has no .subject; it has"},
		{"", `{"text": {{ json .Subjet }} }`, "an event has no .Subjet; it has .ID, .Type,"},
		{"", `{"text": {{ .Subject }}x }`, "tried on a sample event (created): the template makes no JSON, in its line 1: invalid character 'x'"},
		{"", "{\n \"text\": \"{{ .Item.name }}\" }", "the template makes no JSON, in its line 2"},
		{"", `{{ json .Subject }} x`, "there is something behind its end"},
		{"", ``, "the template makes no JSON, in its line 1: EOF"},
		{"", `{"total": {{ .After.total }} }`, "tried on a sample event (deleted): the template makes no JSON"},
		{"application/vnd.x+json", `{{ .ID }}`, "the template makes no JSON"},
		{"text/plain", `{{ date "2006" .Item.name }}`, `"A \"sample\"" is no time`},
		{"text/plain", `{{ dateIn "Mars" "2006" .Time }}`, `zone "Mars"`},
		{"text/plain", `{{ number 2 .Item.name }}`, `is no number`},
		{"text/plain", `{{ number -1 .Item.id }}`, `from 0 to 100`},
		{"text/plain", `{{ truncate 0 .Item.name }}`, `must be 1 or more`},
		{"text/plain", `{{ if .Item.x }}{{ else }}{{ truncate 0 "a" }}{{ end }}`, `must be 1 or more`},
		{"text/plain", `{{ gt .Item.name 5 }}`, `cannot compare "A \"sample\"" with "5"`},
		{"text/plain", `{{ template "none" }}`, `template "none" not defined`},
		{"text/", `x`, `content type "text/"`},
	} {
		_, err := ParseTemplate(tc.contentType, tc.body)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", tc.body, err, tc.want)
		}
	}
}

// TestTemplatesEnd, whatever they say.
func TestTemplatesEnd(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ body, want string }{
		{`{{ range 1000000000 }}{{ end }}`, "it goes on for too long"},
		{`{{ range 1000000000 }}{{ range 1000000000 }}{{ $x := 1 }}{{ end }}{{ end }}`, "it goes on for too long"},
		{`{{ define "a" }}{{ template "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`, "exceeded maximum template depth"},
		// It comes to its bound in a few steps: its time may be over sooner than many are.
		{`{{ range 1000000000 }}` + strings.Repeat("x", 64<<10) + `{{ end }}`, "it makes more than 1048576 bytes (max_body)"},
	} {
		if _, err := ParseTemplate("text/plain", tc.body); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.100s: got %v, want %s", tc.body, err, tc.want)
		}
	}
	w := &boundedWriter{left: 1 << 20, most: 1 << 20, steps: 64, until: time.Now().Add(-time.Second)}
	for range 64 {
		if _, err := w.Write([]byte("x")); err != nil {
			return
		}
	}
	t.Error("a template whose time is over goes on")
}

// TestTemplateFailuresAreForEver: they name the event and what is wrong.
func TestTemplateFailuresAreForEver(t *testing.T) {
	t.Parallel()
	jsonBody := mustTemplate(t, "", `{"name": "{{ .Item.title }}"}`)
	for name, tc := range map[string]struct {
		endpoint Endpoint
		data     string
		want     string
	}{
		"too long": {
			Endpoint{Template: mustTemplate(t, "text/plain", `{{ .Item.x }}`), MaxBody: 100},
			`{"after":{"x":"` + strings.Repeat("é", 100) + `"}}`, "more than 100 bytes (max_body); truncate what is long",
		},
		"no JSON":           {Endpoint{Template: jsonBody}, `{"after":{"title":"a \"b\""}}`, "the template makes no JSON, in its line 1"},
		"wrong value":       {Endpoint{Template: mustTemplate(t, "text/plain", `{{ number 2 .Item.x }}`)}, `{"after":{"x":"abc"}}`, `"abc" is no number`},
		"not parsed":        {Endpoint{Template: &Template{Body: "{{"}}, `{}`, "parse template: 1:"},
		"none":              {Endpoint{}, `{}`, "the endpoint has no template"},
		"data is no object": {Endpoint{Template: jsonBody}, `[]`, "data is not a JSON object"},
	} {
		tc.endpoint.Format = FormatTemplate
		_, err := Render(&tc.endpoint, changeEvent(tc.data), "")
		if !errors.Is(err, errBody) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "evt_") {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
}

// TestTemplateFailuresHideSecrets: they quote the template.
func TestTemplateFailuresHideSecrets(t *testing.T) {
	t.Parallel()
	e := testEndpoint(t, "ops")
	e.Format, e.Template, e.Mask = FormatTemplate, &Template{ContentType: "text/plain", Body: `{{ number 2 "a-key" }}`}, []string{"a-key"}
	_, err := Render(&e, changeEvent(`{}`), "")
	if !errors.Is(err, errBody) || strings.Contains(err.Error(), "a-key") || !strings.Contains(err.Error(), maskedSecret) {
		t.Errorf("error %v", err)
	}
}

// TestTemplatesAreNotShared by endpoints whose templates differ.
func TestTemplatesAreNotShared(t *testing.T) {
	t.Parallel()
	a := Endpoint{Format: FormatTemplate, Template: &Template{Body: "a", ContentType: "text/plain"}}
	b := Endpoint{Format: FormatTemplate, Template: &Template{Body: "b", ContentType: "text/plain"}}
	c := Endpoint{Format: FormatTemplate, Template: &Template{Body: "a"}}
	d := Endpoint{Format: FormatTemplate, Template: &Template{Body: "a", ContentType: "text/html"}}
	if a.manner() == b.manner() || a.manner() == c.manner() || a.manner() == (&Endpoint{}).manner() {
		t.Error("what differs is shared")
	}
	if a.manner() != d.manner() {
		t.Error("what is alike is not shared")
	}
	if got := d.ContentType(false); got != "text/html" {
		t.Errorf("content type %s", got)
	}
}

// FuzzTemplate: no template and no data make it panic or go on for ever, and
// what is JSON by its type is JSON.
func FuzzTemplate(f *testing.F) {
	f.Add(`{"text": {{ json .Item.name }}}`, `{"name":"x"}`)
	f.Add(`{{ range .Item }}{{ printf "%d %s" . . }}{{ end }}{{ number 2 .Item.n }}`, `{"n":1e400}`)
	f.Add(`{{ with $x := index .Item.a 0 }}{{ $x.b.c | upper }}{{ end }}`, `{"a":[{"b":null}]}`)
	f.Add(`{{ if lt .Item.a .Item.b }}{{ truncate 3 .Item.a }}{{ end }}`, `{"a":"7","b":1e999999999}`)
	f.Fuzz(func(t *testing.T, body, after string) {
		if !json.Valid([]byte(after)) || len(body) > 200 {
			t.Skip()
		}
		parsed, err := ParseTemplate("", body)
		if err != nil {
			return
		}
		e := &Endpoint{Format: FormatTemplate, Template: parsed, MaxBody: 10_000}
		got, err := Render(e, changeEvent(`{"change":"updated","after":`+after+`}`), "")
		if err != nil && !errors.Is(err, errBody) {
			t.Fatal(err)
		}
		if err == nil && (!json.Valid(got) || len(got) > 10_000) {
			t.Errorf("made %q", got)
		}
	})
}
