package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// TestSchema: what is printed is a JSON Schema that knows the files that users
// begin with, and a mistake in one.
func TestSchema(t *testing.T) {
	t.Parallel()
	got := pollwire(t, "schema")
	got.want(t, exitOK)
	var schema jsonschema.Schema
	if err := json.Unmarshal([]byte(got.stdout), &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"first.yaml", "../../config.example.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		document := asJSON(t, text)
		if err := resolved.Validate(document); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		document["sorces"] = []any{}
		if err := resolved.Validate(document); err == nil {
			t.Errorf("%s: a misspelt key is taken", path)
		}
	}
}

// asJSON is a YAML document as JSON gives it.
func asJSON(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var value, document map[string]any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &document); err != nil {
		t.Fatal(err)
	}
	return document
}
