package main

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/manual"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

// TestReferenceIsFresh: docs/configuration.md has the keys that are read.
func TestReferenceIsFresh(t *testing.T) {
	t.Parallel()
	schema, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	got, err := manual.Reference(schema)
	if err != nil {
		t.Fatal(err)
	}
	const path = "../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/configuration.md is not what the configuration is; make docs writes it anew:\n%s", diff)
	}
}
