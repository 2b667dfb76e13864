package config

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

func mustSchema(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	text, err := Schema()
	if err != nil {
		tb.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		tb.Fatal(err)
	}
	return &s
}

func mustResolve(tb testing.TB) *jsonschema.Resolved {
	tb.Helper()
	resolved, err := mustSchema(tb).Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		tb.Fatal(err)
	}
	return resolved
}

// jsonOf is a YAML text as encoding/json would have read it.
func jsonOf(tb testing.TB, text []byte) any {
	tb.Helper()
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		tb.Fatal(err)
	}
	asJSON, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(asJSON, &plain); err != nil {
		tb.Fatal(err)
	}
	return plain
}

func TestSchemaTakes(t *testing.T) {
	t.Parallel()
	schema := mustResolve(t)
	for name, text := range map[string]string{
		"the example":     string(mustRead(t, examplePath)),
		"the minimum":     minimal,
		"references":      minimal + "storage: {retention: {snapshots: \"${N}\", events: \"${D}\"}}\n",
		"a null":          strings.Replace(minimal, "schedule:", "auth: null\n    headers: null\n    schedule:", 1),
		"plain zero":      strings.Replace(minimal, "schedule:", "jitter: 0\n    schedule:", 1),
		"a count":         strings.Replace(minimal, "schedule:", "expect: {max_removed: 10}\n    schedule:", 1),
		"repeated params": strings.Replace(minimal, "orders}", "orders, params: {tag: [a, 1]}}", 1),
		"keys":            strings.Replace(minimal, "schedule:", "items: {key: [region, id]}\n    detect: {keys: {a: id, \"b.#.c\": [x, y]}, ignore_order: true, significant_digits: 3}\n    schedule:", 1),
		"days":            minimal + "storage: {retention: {events: 1d12h}}\n",
	} {
		text = strings.Replace(text, "    headers: null\n", "", 1)
		if err := schema.Validate(jsonOf(t, []byte(text))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name != "references" {
			mustParse(t, text)
		}
	}
}

// TestSchemaRefuses tries the mistakes that a schema can know.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := mustResolve(t)
	tried := 0
	for _, pattern := range []string{"key_*", "type_*", "format_*", "method_*", "log_*", "auth_type_*", "auth_keys*", "name_with*", "max_removed*", "sources_is*"} {
		files, err := filepath.Glob("testdata/" + pattern + ".bad.yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files: %v", pattern, err)
		}
		for _, file := range files {
			tried++
			if filepath.Base(file) == "type_empty_value.bad.yaml" {
				continue // an explicit null is the same to a schema, and allowed
			}
			if schema.Validate(jsonOf(t, mustRead(t, file))) == nil {
				t.Errorf("the schema takes %s", file)
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d files tried", tried)
	}
}

// TestSchemaDescribes holds every key to a description, and every pattern to
// the dialect that editors read.
func TestSchemaDescribes(t *testing.T) {
	t.Parallel()
	keys := make(keyring)
	types := make(map[reflect.Type]bool)
	structTypes(reflect.TypeFor[Config](), keys, types)
	for typ := range types {
		for _, f := range keys.fields(typ) {
			if f.doc == "" || !strings.HasSuffix(f.doc, ".") {
				t.Errorf("%s.%s: the description %q is no sentence", typ, f.key, f.doc)
			}
			if _, known := textKinds[f.is]; f.is != "" && !known {
				t.Errorf("%s.%s: there is no kind of text %q", typ, f.key, f.is)
			}
		}
	}
	s := mustSchema(t)
	if s.Schema != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("the draft is %q", s.Schema)
	}
	source := s.Properties["sources"].Items
	if len(source.Required) != 1 || source.Required[0] != "name" {
		t.Errorf("a source requires %v; all but its name may come from defaults", source.Required)
	}
	if len(s.Properties["defaults"].Required) != 0 || s.Properties["defaults"].Properties["name"] != nil {
		t.Error("defaults require something, or have a name")
	}
	if got := string(s.Properties["log"].Properties["level"].Default); got != `"info"` {
		t.Errorf("the default of log.level is %s", got)
	}
}

func TestSchemaIsStable(t *testing.T) {
	t.Parallel()
	first, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if again, _ := Schema(); string(again) != string(first) {
			t.Fatal("two calls give two texts")
		}
	}
}
