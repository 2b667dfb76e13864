package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// whskSecret is a key of Ed25519 that serves tests only.
const whskSecret = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="

// withEndpoint is the least that does something, with an endpoint of these keys.
func withEndpoint(keys string) string {
	return minimal[:strings.Index(minimal, "endpoints:")] +
		"endpoints:\n  - name: ops\n    url: https://hooks.example.com/in\n    " + strings.ReplaceAll(keys, "\n", "\n    ") + "\n"
}

// TestEndpointKinds are endpoints that are taken.
func TestEndpointKinds(t *testing.T) {
	t.Parallel()
	schema := mustResolve(t)
	const secrets = "secrets: [" + goodSecret + "]\n"
	for name, keys := range map[string]string{
		"of the design":             secrets + "rate_limit: {requests: 10, per: 1s, burst: 20}\nfilter: 'item.prerelease == false'\npayload: {fields: [after.id, after.status]}",
		"slack":                     "format: slack",
		"discord with no secrets":   "format: discord\nsecrets: []",
		"teams that is signed":      "format: teams\n" + secrets,
		"template":                  "format: template\ntemplate: {content_type: 'text/plain; charset=utf-8', body: x}",
		"format of the environment": "format: ${NOT_SET:-slack}",
		"secrets before format":     secrets + "format: cloudevents",
		"asymmetric":                "secrets: [\"" + whskSecret + "\"]",
		"both kinds of secrets":     "secrets: [\"" + whskSecret + "\", " + goodSecret + "]\nalso_sign: [github]",
		"coalesce without order":    secrets + "order: none\ncoalesce: latest",
		"everything off":            secrets + "breaker: {failures: 0}\ndisable_after: 0\nbatch: {max_events: 1, max_wait: 0s}\nproxy_url: \"\"",
		"defaults of a chat":        "format: slack\npayload: full\nbatch: {max_events: 1}\nalso_sign: []",
		"key in the query":          secrets + "auth: {type: api_key, in: query, name: key, value: a}",
		"login":                     secrets + "auth: {type: login, request: {url: https://l.example.com/}}",
		"headers of a provider":     secrets + "headers: {X-Hub-Signature-256: fixed}\nalso_sign: [stripe]",
		"paths in data":             secrets + "payload: {fields: [change, after, 'before.lines.#.sku', 'changed.#', 'after|@pretty', patch]}",
		"from a time":               secrets + "from: 2026-01-02T03:04:05+01:00",
		"metadata by its address":   secrets + "allow_networks: [169.254.169.254]",
	} {
		text := withEndpoint(keys)
		if _, err := Parse("test.yaml", []byte(text), fakeLookup()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := schema.Validate(jsonOf(t, []byte(text))); err != nil {
			t.Errorf("%s: the schema says: %v", name, err)
		}
	}
}

// TestSecretsAreOptional: the schema asks for secrets where the loader does.
func TestSecretsAreOptional(t *testing.T) {
	t.Parallel()
	schema := mustResolve(t)
	for _, format := range []string{"standard", "cloudevents", "template", "slack", "discord", "teams", ""} {
		keys := "timeout: 5s"
		if format != "" {
			keys = "format: " + format
		}
		if format == "template" {
			keys += "\ntemplate: {body: x}"
		}
		optional := !slices.Contains([]string{"standard", "cloudevents", ""}, format)
		_, err := Parse("test.yaml", []byte(withEndpoint(keys)), fakeLookup())
		if taken := err == nil; taken != optional {
			t.Errorf("%q without secrets gives %v", format, err)
		}
		if taken := schema.Validate(jsonOf(t, []byte(withEndpoint(keys)))) == nil; taken != optional {
			t.Errorf("%q without secrets: the schema takes it: %t", format, taken)
		}
	}
}

// TestExemptionsStandBefore holds the keys that others depend on to be decoded
// first, and their values to exist.
func TestExemptionsStandBefore(t *testing.T) {
	t.Parallel()
	keys := make(keyring)
	types := make(map[reflect.Type]bool)
	structTypes(reflect.TypeFor[Config](), keys, types)
	found := 0
	for typ := range types {
		fields := keys.fields(typ)
		for i, f := range fields {
			if f.unless == nil {
				continue
			}
			found++
			j := slices.IndexFunc(fields, func(other field) bool { return other.key == f.unless.key })
			if j < 0 || j >= i || !f.required {
				t.Errorf("%s.%s depends on %s", typ, f.key, f.unless.key)
				continue
			}
			for _, value := range f.unless.values {
				if !slices.Contains(fields[j].enum, value) {
					t.Errorf("%s.%s depends on %s to be %s, which it cannot be", typ, f.key, f.unless.key, value)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no key is exempt")
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.FixedZone("", 3600))
	for text, want := range map[string]From{
		"now": {}, "beginning": {Beginning: true}, "2026-01-02T03:04:05.006+01:00": {Time: at},
	} {
		var got From
		if err := got.UnmarshalText([]byte(text)); err != nil || got.Beginning != want.Beginning || !got.Time.Equal(want.Time) || got.String() != text {
			t.Errorf("%s gives %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "Now", "2026-01-02", "0001-01-01T00:00:00Z", "5d"} {
		if got := (From{}); got.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q gives %v", text, got)
		}
	}
}

// TestEndpointMistake: what others find wrong is shown where it is written, in
// included files too.
func TestEndpointMistake(t *testing.T) {
	t.Parallel()
	path := mustTree(t, map[string]string{
		"pollwire.yaml": mainFile + "endpoints: [{name: first, url: \"https://hooks.example.com/in\", format: slack}]\n",
		"conf.d/a.yaml": sourceFile,
		"conf.d/b.yaml": "endpoints:\n  - {name: ops, format: template, template: {body: x}, url: \"https://hooks.example.com/in\"}\n",
	})
	c := mustLoad(t, path)
	dir := strings.TrimSuffix(path, "pollwire.yaml")
	for _, test := range []struct {
		i         int
		key, want string
	}{
		{0, "url", "pollwire.yaml:5:32: endpoints[0].url: no"},
		{1, "url", "conf.d/b.yaml:2:61: endpoints[0].url: no"},
		{1, "template.body", "conf.d/b.yaml:2:52: endpoints[0].template.body: no"},
	} {
		if got := strings.TrimPrefix(c.EndpointMistake(test.i, test.key, "no").Error(), dir); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
	made := &Config{Endpoints: []Endpoint{DefaultEndpoint()}}
	if got := *made.EndpointMistake(0, "url", "no"); got != (Error{Path: "endpoints[0].url", Message: "no"}) {
		t.Errorf("of one that was not read: %+v", got)
	}
	if got := strings.TrimPrefix(c.EndpointWarning(1, "url", "hm").String(), dir); got != "conf.d/b.yaml: endpoints[0].url: hm" {
		t.Errorf("got %s", got)
	}
}
