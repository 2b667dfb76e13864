package bridge

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/notify"
)

// awkward are values that a decoder and encoder on the way would change.
const awkward = `{"big":12345678901234567890, "huge":1e400,"exact" : 0.10000000000000000000001,"neg":-0.0,"html":"<a href='x'>&</a>",` +
	`"esc":"\u0041\/\u2028` + "\u2028" + `","half":"\ud800","nul":"\u0000","deep":[[[{}]]],"1e1":1E1 }`

// TestValuesAreSplicedAsTheyCame, byte for byte.
func TestValuesAreSplicedAsTheyCame(t *testing.T) {
	t.Parallel()
	r := newRig(t, document())
	r.mustPoll(`{"v":` + awkward + `}`)
	r.news()
	after := `{"v":` + strings.Replace(awkward, "1e400", "1e401", 1) + `}`
	event := r.mustPoll(after)[0]
	want := `{"change":"updated","key":null,"before":{"v":` + awkward + `},"after":` + after +
		`,"changed":["/v/huge"],"patch":[{"op":"replace","path":"/v/huge","value":1e401}],"hash":"`
	if got := string(event.Data); !strings.HasPrefix(got, want) {
		t.Errorf("data\n%s\nwant\n%s", got, want)
	}
	mustEnvelope(t, &event)
}

// TestKeysAndPointersAreQuoted, and as readable as JSON allows.
func TestKeysAndPointersAreQuoted(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	key := `<"1">&` + "\u2028\\/"
	quoted, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	item := func(v string) string {
		return `{"data":[{"id":` + string(quoted) + `,"a/b~<":{"\ud800":` + v + `,"\u0041\ud83d\ude00":` + v + `}}]}`
	}
	r.mustPoll(item("1"))
	event := r.mustPoll(item("2"))[0]
	if event.Subject != key {
		t.Errorf("subject %q", event.Subject)
	}
	d := dataOf(event)
	if d.Key == nil || *d.Key != key {
		t.Errorf("key %v", d.Key)
	}
	if !strings.Contains(string(event.Data), `"key":"<\"1\">&`) {
		t.Errorf("the key is less readable than it could be: %s", event.Data)
	}
	// The pointers are spelt as in the patch, even where a name is half a character.
	want := `"changed":["/a~1b~0</\ud800","/a~1b~0</A😀"],"patch":[{"op":"replace","path":"/a~1b~0</\ud800","value":2},{"op":"replace","path":"/a~1b~0</A😀","value":2}]`
	if !strings.Contains(string(event.Data), want) {
		t.Errorf("data %s\nwant %s", event.Data, want)
	}
	mustEnvelope(t, &event)
}

// TestNullsOfEnds: what is not there is null, and a value that is null is too.
func TestNullsOfEnds(t *testing.T) {
	t.Parallel()
	s := list()
	s.Rules = rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Select: "v"})
	r := newRig(t, s)
	r.mustPoll(`{"data":[{"id":1,"v":null}]}`)
	events := r.mustPoll(`{"data":[{"id":2,"v":null},{"id":3}]}`)
	r.wantStory(events, "created 2", "created 3", "deleted 1")
	null, err := diff.Hash([]byte("null"))
	if err != nil {
		t.Fatal(err)
	}
	created := `{"change":"created","key":"2","before":null,"after":null,"changed":[],"patch":null,"hash":"` + null + `","previous_hash":null}`
	deleted := `{"change":"deleted","key":"1","before":null,"after":null,"changed":[],"patch":null,"hash":null,"previous_hash":"` + null + `"}`
	if string(events[0].Data) != created || string(events[2].Data) != deleted {
		t.Errorf("data\n%s\n%s", events[0].Data, events[2].Data)
	}
}

func TestAlertsAreQuoted(t *testing.T) {
	t.Parallel()
	data := alertData{Name: `a"b`, Reason: "<x> & \n"}.json()
	want := `{"name":"a\"b","reason":"<x> & \n","since":"0001-01-01T00:00:00Z","count":0}`
	if d := cmp.Diff(want, string(data)); d != "" {
		t.Errorf("data (-want +got):\n%s", d)
	}
}

// TestEnvelopesAreJSON: whatever the answers hold, what is posted is one valid
// JSON value that holds the values unharmed.
func TestEnvelopesAreJSON(t *testing.T) {
	t.Parallel()
	for _, source := range []Source{document(), list()} {
		rapid.Check(t, func(t *rapid.T) {
			before, after := randomJSON(t), randomJSON(t)
			key := rapid.String().Filter(func(s string) bool { return s != "" && utf8.ValidString(s) }).Draw(t, "key")
			wrap := func(v string) []byte { return []byte(v) }
			if source.Items {
				wrap = func(v string) []byte {
					return []byte(`{"data":[{"id":` + strconv.Quote("k") + `,"key":` + string(quote(key)) + `,"v":` + v + `}]}`)
				}
			}
			result, err := diff.Compare(wrap(before), wrap(after), source.Rules)
			if err != nil {
				t.Fatalf("compare: %v", err)
			}
			for _, c := range result.Changes {
				if source.Items {
					c.Key = key
				}
				event := notify.Event{ID: "evt_1", Type: "x", Source: "shop", Subject: c.Key, Data: changeData(&c, source.Items)}
				mustEnvelope(t, &event)
				d := dataOf(event)
				if !bytes.Equal(d.Before, c.Before) || !bytes.Equal(d.After, c.After) {
					t.Fatalf("values of %s are not those of %s and %s", event.Data, c.Before, c.After)
				}
				if source.Items && *d.Key != key {
					t.Fatalf("key %q, not %q", *d.Key, key)
				}
			}
		})
	}
}

// randomJSON writes a value in an odd way.
func randomJSON(t *rapid.T) string {
	return rapid.Custom(func(t *rapid.T) string { return drawJSON(t, 3) }).Draw(t, "value")
}

func drawJSON(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	if depth == 0 {
		kind %= 6
	}
	space := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space")
	var parts []string
	switch kind {
	case 0:
		return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "word")
	case 1:
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?`).Draw(t, "number")
	case 2:
		return rapid.StringMatching(`"(\\u[0-9a-fA-F]{4}|\\[nrtbf/\\"]|[a-z<>&])*"`).Draw(t, "escapes")
	case 3, 4, 5:
		return string(quote(rapid.String().Draw(t, "text")))
	case 6:
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			parts = append(parts, drawJSON(t, depth-1))
		}
		return "[" + space + strings.Join(parts, space+","+space) + space + "]"
	default:
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			parts = append(parts, rapid.StringMatching(`"(\\u[dD][89a-fA-F][0-9a-f]{2}|[a-c/~<])*"`).Draw(t, "name")+space+":"+drawJSON(t, depth-1))
		}
		return "{" + space + strings.Join(parts, space+","+space) + space + "}"
	}
}

func mustEnvelope(t checker, e *notify.Event) {
	t.Helper()
	for _, publicURL := range []string{"", "https://pollwire.example.com"} {
		body, err := notify.Envelope(e, publicURL)
		if err != nil {
			t.Fatalf("envelope: %v", err)
		}
		if !json.Valid(body) {
			t.Fatalf("not JSON: %s", body)
		}
	}
}
