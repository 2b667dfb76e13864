package notify

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// wholeData is the data of an update, as the log has it.
const wholeData = `{"change":"updated","key":"7","before":{"id":7,"status":"open","lines":[{"sku":"a","n":1}]},` +
	`"after":{"id":7,"status":"paid","lines":[{"sku":"a","n":1},{"sku":"b","n":2}],"a.b":{"c":1},"dup":1,"dup":2,"big":12345678901234567890.50,"no":null},` +
	`"changed":["/lines/1","/status"],"patch":[{"op":"replace","path":"/status","value":"paid"}],"hash":"abc","previous_hash":"def"}`

// renderedData is the data of what an endpoint is posted.
func renderedData(tb testing.TB, e *Endpoint, ev *Event) string {
	tb.Helper()
	body, err := Render(e, ev, "https://p.example.com")
	if err != nil {
		tb.Fatalf("Render: %v", err)
	}
	mustBeCloudEvent(tb, body, ev)
	var envelope struct{ Data json.RawMessage }
	if err := json.Unmarshal(body, &envelope); err != nil {
		tb.Fatal(err)
	}
	return string(envelope.Data)
}

func changeEvent(data string) *Event {
	e := exampleEvent()
	e.Data = []byte(data)
	return e
}

const eventLink = `"url":"https://p.example.com/v1/events/evt_01JABCDEF0123456789ABCDEFG"}`

func TestPayload(t *testing.T) {
	t.Parallel()
	const created = `{"change":"created","key":"7","before":null,"after":{"id":7},"changed":[],"patch":null,"hash":"abc","previous_hash":null}`
	const rest = `"change","key","before","changed","patch","hash","previous_hash"`
	for name, tc := range map[string]struct {
		payload Payload
		data    string
		want    string
	}{
		"full": {Payload{}, wholeData, wholeData[:len(wholeData)-1] + `,` + eventLink},
		"thin": {
			Payload{Thin: true},
			wholeData,
			`{"change":"updated","key":"7","changed":["/lines/1","/status"],"hash":"abc","previous_hash":"def","omitted":["before","after","patch"],` + eventLink,
		},
		"thin of a created one": {
			Payload{Thin: true},
			created,
			`{"change":"created","key":"7","before":null,"changed":[],"patch":null,"hash":"abc","previous_hash":null,"omitted":["after"],` + eventLink,
		},
		"thin of a text": {
			Payload{Thin: true},
			`{"change":"updated","key":null,"before":"a","after":"b","changed":[""],"patch":"--- a","hash":"abc","previous_hash":"def"}`,
			`{"change":"updated","key":null,"changed":[""],"hash":"abc","previous_hash":"def","omitted":["before","after","patch"],` + eventLink,
		},
		"fields": {
			Payload{Fields: []string{"after.id", "change", "after.status", "after.id"}},
			wholeData,
			`{"after":{"id":7,"status":"paid"},"change":"updated","omitted":["key","before","after","changed","patch","hash","previous_hash"],` + eventLink,
		},
		"fields that hold each other": {
			Payload{Fields: []string{"after.lines", "after", "after.id", "before.id", "before"}},
			created,
			`{"after":{"id":7},"before":null,"omitted":["change","key","changed","patch","hash","previous_hash"],` + eventLink,
		},
		"a field of what is null": {
			Payload{Fields: []string{"before.id", "before.status", "after.id"}},
			created,
			`{"before":null,"after":{"id":7},"omitted":["change","key","after","changed","patch","hash","previous_hash"],` + eventLink,
		},
		"a field that is null": {
			Payload{Fields: []string{"after.no", "after.none"}},
			wholeData,
			`{"after":{"no":null},"omitted":[` + strings.Replace(rest, `"before",`, `"before","after",`, 1) + `],` + eventLink,
		},
		"the last one of a name counts, and digits stay": {
			Payload{Fields: []string{"after.dup", "after.big"}},
			wholeData,
			`{"after":{"dup":2,"big":12345678901234567890.50},"omitted":[` + strings.Replace(rest, `"before",`, `"before","after",`, 1) + `],` + eventLink,
		},
		"paths that are more than names": {
			Payload{Fields: []string{"after.lines.#.sku", "after.lines.1.sku", "after.lines.#", `after.a\.b`, "after.lines.#(n>1)#.sku", "after.status.x"}},
			wholeData,
			`{"after.lines.#.sku":["a","b"],"after.lines.1.sku":"b","after.lines.#":2,"after.a\\.b":{"c":1},"after.lines.#(n>1)#.sku":["b"],` +
				`"omitted":["change","key","before","after","changed","patch","hash","previous_hash"],` + eventLink,
		},
		"fields that are not there": {
			Payload{Fields: []string{"reason", "after.x.y"}},
			created,
			`{"omitted":["change","key","before","after","changed","patch","hash","previous_hash"],` + eventLink,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := renderedData(t, &Endpoint{Payload: tc.payload}, changeEvent(tc.data))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAlertsArePostedWhole(t *testing.T) {
	t.Parallel()
	const alert = `{"name":"orders","reason":"no answer","since":"2026-01-02T03:04:05Z","count":5}`
	e := changeEvent(alert)
	e.Alert, e.Sequence, e.Type, e.Subject = true, 0, "pollwire.source.failing", ""
	for _, payload := range []Payload{{Thin: true}, {Fields: []string{"after.id"}}} {
		if got := renderedData(t, &Endpoint{Payload: payload}, e); got != alert[:len(alert)-1]+`,`+eventLink {
			t.Errorf("payload %+v makes %s of it", payload, got)
		}
	}
}

// TestMaxBody: as little as needed is left out, the state now last of all.
func TestMaxBody(t *testing.T) {
	t.Parallel()
	e := changeEvent(wholeData)
	whole, err := Render(&Endpoint{}, e, "https://p.example.com")
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for size := int64(len(whole)); ; size-- {
		body, err := Render(&Endpoint{MaxBody: size}, e, "https://p.example.com")
		if err != nil {
			if !errors.Is(err, errBody) || !strings.Contains(err.Error(), e.ID) || !strings.Contains(err.Error(), "max_body allows") {
				t.Errorf("the refusal is %v", err)
			}
			break
		}
		mustBeCloudEvent(t, body, e)
		if int64(len(body)) > size {
			t.Fatalf("%d bytes of %d", len(body), size)
		}
		var envelope struct{ Data struct{ Omitted []string } }
		if err := json.Unmarshal(body, &envelope); err != nil {
			t.Fatal(err)
		}
		if step := strings.Join(envelope.Data.Omitted, " "); len(steps) == 0 || steps[len(steps)-1] != step {
			steps = append(steps, step)
		}
	}
	if diff := cmp.Diff([]string{"", "before", "before patch", "before patch after", "before patch after changed"}, steps); diff != "" {
		t.Errorf("what is omitted (-want +got):\n%s", diff)
	}
}

func TestMaxBodyOfProjectionsAndAlerts(t *testing.T) {
	t.Parallel()
	e := changeEvent(wholeData)
	endpoint := &Endpoint{Payload: Payload{Fields: []string{"after.id", "after.lines.#.sku"}}}
	body, err := Render(endpoint, e, "")
	if err != nil {
		t.Fatal(err)
	}
	endpoint.MaxBody = int64(len(body)) - 1
	want := `{"after.lines.#.sku":["a","b"],"omitted":["change","key","before","after","changed","patch","hash","previous_hash"]`
	if body, err = Render(endpoint, e, ""); err != nil || !strings.Contains(string(body), want) {
		t.Errorf("got %s, %v", body, err)
	}
	endpoint.MaxBody = int64(len(body)) - 1
	if body, err = Render(endpoint, e, ""); err != nil || !strings.Contains(string(body), `"previous_hash","after.lines.#.sku"]`) {
		t.Errorf("got %s, %v", body, err)
	}
	alert := changeEvent(`{"name":"orders","reason":"` + strings.Repeat("x", 1000) + `","since":"2026-01-02T03:04:05Z","count":5}`)
	alert.Alert = true
	want = `"data":{"name":"orders","since":"2026-01-02T03:04:05Z","count":5,"omitted":["reason"]}}`
	if body, err = Render(&Endpoint{MaxBody: 1000}, alert, ""); err != nil || !strings.HasSuffix(string(body), want) {
		t.Errorf("got %s, %v", body, err)
	}
}

// TestAnyPayloadIsAnEnvelope: whatever is in the data and whatever is asked of
// it, what is posted is a CloudEvent within its bound, the same each time.
func TestAnyPayloadIsAnEnvelope(t *testing.T) {
	t.Parallel()
	paths := []string{"after", "after.a", "after.a.b", "after.b.0", "after.b.#.a", "before.a", "change", "after.*", "after|a", "after.@keys", "x", "after.a.@tostr"}
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.SampledFrom([]string{`null`, `{}`, `{"a":{"b":1},"b":[1,{"a":2}]}`, `{"a":null}`, `"text"`, `[1,2]`, `{"a":"` + strings.Repeat("é", 400) + `"}`})
		e := changeEvent(`{"change":"updated","key":"k","before":` + value.Draw(rt, "before") + `,"after":` + value.Draw(rt, "after") +
			`,"changed":[""],"patch":[],"hash":"a","previous_hash":null}`)
		endpoint := &Endpoint{MaxBody: rapid.Int64Range(600, 3000).Draw(rt, "max_body")}
		endpoint.Payload.Thin = rapid.Bool().Draw(rt, "thin")
		if !endpoint.Payload.Thin {
			endpoint.Payload.Fields = rapid.SliceOfN(rapid.SampledFrom(paths), 0, 4).Draw(rt, "fields")
		}
		first, err := Render(endpoint, e, "https://p.example.com")
		if err != nil {
			rt.Fatal(err)
		}
		second, err := Render(endpoint, e, "https://p.example.com")
		if err != nil || string(first) != string(second) {
			rt.Fatalf("two bodies of one event differ: %v", err)
		}
		if int64(len(first)) > endpoint.MaxBody {
			rt.Fatalf("%d bytes, more than %d", len(first), endpoint.MaxBody)
		}
		mustBeCloudEvent(t, first, e)
		var envelope struct {
			Data struct {
				Omitted []string
				URL     string
			}
		}
		if err := json.Unmarshal(first, &envelope); err != nil || envelope.Data.URL == "" {
			rt.Fatalf("no link in %s: %v", first, err)
		}
		if slices.Contains(envelope.Data.Omitted, "") {
			rt.Fatalf("omitted names nothing: %s", first)
		}
	})
}

// FuzzReadData holds what is taken apart and put together again against the
// whole.
func FuzzReadData(f *testing.F) {
	for _, s := range []string{wholeData, `{}`, ` { "a" : [ 1 , {"b":"\u0041}"} ] , "c":null } `, `{"a\"b":"\\","é":-1e400}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(raw), &want) != nil || want == nil {
			t.Skip()
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(readData([]byte(raw)).append(nil), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.Transformer("text", func(v json.RawMessage) string { return string(v) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
	})
}
