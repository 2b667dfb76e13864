package notify

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func exampleEvent() *Event {
	return &Event{
		Position: 99, ID: "evt_01JABCDEF0123456789ABCDEFG", Type: "github.release.updated", Source: "go-releases",
		Subject: "go1.26", Time: time.Date(2026, 1, 2, 4, 4, 5, 678_912_345, time.FixedZone("CET", 3600)), Sequence: 42,
		Data: []byte(`{"change":"updated","before":{"n":9007199254740993},"after":{"n":1e400}}`),
	}
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	const head = `{"specversion":"1.0","id":"evt_01JABCDEF0123456789ABCDEFG","source":"/sources/go-releases","type":"github.release.updated",`
	const at = `"time":"2026-01-02T03:04:05.678Z","timestamp":"2026-01-02T03:04:05.678Z","datacontenttype":"application/json",`
	const data = `"data":{"change":"updated","before":{"n":9007199254740993},"after":{"n":1e400}`
	for name, tc := range map[string]struct {
		change    func(*Event)
		publicURL string
		want      string
	}{
		"whole": {func(*Event) {}, "", head + `"subject":"go1.26",` + at + `"sequence":"00000000000000000042",` + data + `}}`},
		"url": {
			func(*Event) {}, "https://p.example.com/",
			head + `"subject":"go1.26",` + at + `"sequence":"00000000000000000042",` + data + `,"url":"https://p.example.com/v1/events/evt_01JABCDEF0123456789ABCDEFG"}}`,
		},
		"no subject": {
			func(e *Event) { e.Subject = "" }, "",
			head + at + `"sequence":"00000000000000000042",` + data + `}}`,
		},
		"empty data": {
			func(e *Event) { e.Data = []byte(" { } \n") }, "https://p.example.com",
			head + `"subject":"go1.26",` + at + `"sequence":"00000000000000000042","data":{"url":"https://p.example.com/v1/events/evt_01JABCDEF0123456789ABCDEFG"}}`,
		},
		"source to be escaped": {
			func(e *Event) { e.Source, e.Subject = `a/b ü"`, "\"\\\u2028<é>\x00" }, "",
			strings.Replace(head, "go-releases", "a%2Fb%20%C3%BC%22", 1) + `"subject":"\"\\\u2028<é>\u0000",` + at + `"sequence":"00000000000000000042",` + data + `}}`,
		},
		"source alert": {
			func(e *Event) { e.Alert, e.Sequence, e.Type, e.Subject = true, 0, "pollwire.source.failing", "" }, "",
			strings.Replace(head, "github.release.updated", "pollwire.source.failing", 1) + at + data + `}}`,
		},
		"endpoint alert": {
			func(e *Event) {
				e.Alert, e.Sequence, e.Type, e.Subject, e.Source = true, 0, "pollwire.endpoint.disabled", "", "ops"
			}, "",
			`{"specversion":"1.0","id":"evt_01JABCDEF0123456789ABCDEFG","source":"/endpoints/ops","type":"pollwire.endpoint.disabled",` + at + data + `}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := exampleEvent()
			tc.change(e)
			got, err := Envelope(e, tc.publicURL)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("Envelope (-want +got):\n%s", diff)
			}
			mustBeCloudEvent(t, got, e)
		})
	}
}

// mustBeCloudEvent holds an envelope against the CloudEvents SDK.
func mustBeCloudEvent(tb testing.TB, body []byte, e *Event) {
	tb.Helper()
	var ce cloudevents.Event
	if err := json.Unmarshal(body, &ce); err != nil {
		tb.Fatalf("the CloudEvents SDK cannot read it: %v\n%s", err, body)
	}
	if err := ce.Validate(); err != nil {
		tb.Errorf("the CloudEvents SDK says: %v", err)
	}
	subject := e.Subject
	if strings.TrimSpace(subject) == "" {
		subject = ""
	}
	if ce.ID() != e.ID || ce.Type() != e.Type || ce.Subject() != subject || ce.DataContentType() != "application/json" {
		tb.Errorf("the CloudEvents SDK reads %s", ce)
	}
	if !ce.Time().Equal(e.Time.Truncate(time.Millisecond)) {
		tb.Errorf("time %s, want %s", ce.Time(), e.Time)
	}
	if !json.Valid(ce.Data()) {
		tb.Errorf("data is no JSON: %s", ce.Data())
	}
}

func TestEnvelopeOfAnyEventIsACloudEvent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		data, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.String()).Draw(rt, "data"))
		if err != nil {
			rt.Fatal(err)
		}
		e := exampleEvent()
		e.Data = data
		e.Source = rapid.StringN(1, 20, -1).Draw(rt, "source")
		e.Subject = rapid.String().Draw(rt, "subject")
		e.Type = rapid.StringMatching(`[a-z]+(\.[a-z]+){0,3}`).Draw(rt, "type")
		publicURL := rapid.SampledFrom([]string{"", "https://p.example.com"}).Draw(rt, "public_url")
		first, err := Envelope(e, publicURL)
		if err != nil {
			rt.Fatal(err)
		}
		second, err := Envelope(e, publicURL)
		if err != nil || string(first) != string(second) {
			rt.Fatalf("two envelopes of one event differ: %v", err)
		}
		mustBeCloudEvent(t, first, e)
	})
}

func TestEnvelopeRefusesDataThatIsNoObject(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", " ", "null", "[]", `"{}"`, "{", "}"} {
		e := exampleEvent()
		e.Data = []byte(data)
		if _, err := Envelope(e, ""); !errors.Is(err, errData) || !strings.Contains(err.Error(), e.ID) {
			t.Errorf("data %q: got %v, want a refusal that names the event", data, err)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", `a"b\c`, "\x00\x1f\x7f", "é\u2028", "\xff\xfe", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		standard, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		if err := json.Unmarshal(standard, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%q came back as %q, want %q", s, got, want)
		}
	})
}

func BenchmarkEnvelope(b *testing.B) {
	e := exampleEvent()
	e.Data = []byte(`{"change":"updated","after":"` + strings.Repeat("x", 1<<10) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Envelope(e, "https://pollwire.example.com"); err != nil {
			b.Fatal(err)
		}
	}
}
