package notify

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseEnvelopeIsTheWayBack(t *testing.T) {
	t.Parallel()
	alert := alertEvent("pollwire.endpoint.disabled", "a/b ü", "gone", 3)
	alert.Time = alert.Time.Truncate(time.Millisecond)
	for _, want := range []*Event{changeEvent(wholeData), changeEvent(`{}`), alert} {
		for _, publicURL := range []string{"", "https://p.example.com"} {
			body, err := Envelope(want, publicURL)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseEnvelope(body)
			if err != nil {
				t.Fatal(err)
			}
			expected := *want
			expected.Position, expected.Time = 0, want.Time.Truncate(time.Millisecond)
			if d := cmp.Diff(&expected, got); d != "" {
				t.Errorf("event (-want +got):\n%s", d)
			}
		}
	}
}

func TestParseEnvelopeRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`[]`:                             "parse envelope: json",
		`{"data":[]}`:                    "data is not a JSON object",
		`{}`:                             "data is not a JSON object",
		`{"sequence":"x","data":{}}`:     "sequence is no number",
		`{"source":"/a%zz","data":{}}`:   "source: invalid URL escape",
		`{"time":"yesterday","data":{}}`: "parse envelope",
	} {
		if _, err := ParseEnvelope([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

// FuzzParseEnvelope: whatever is taken for an envelope can be told again.
func FuzzParseEnvelope(f *testing.F) {
	body, err := Envelope(exampleEvent(), "https://p.example.com")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"sequence":"1","data":{"url":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := ParseEnvelope(body)
		if err != nil {
			return
		}
		again, err := Envelope(event, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseEnvelope(again); err != nil {
			t.Errorf("%s became %s: %v", body, again, err)
		}
	})
}
