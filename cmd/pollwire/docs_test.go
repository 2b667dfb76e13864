package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/manual"
	"github.com/pollwire/pollwire/internal/recipe"
)

var update = flag.Bool("update", false, "write the pages that are made anew")

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
	wantFresh(t, "docs/configuration.md", got)
}

// TestGuideIsFresh: docs/recipes.md has the recipes that init writes.
func TestGuideIsFresh(t *testing.T) {
	t.Parallel()
	recipes, err := recipe.All()
	if err != nil {
		t.Fatal(err)
	}
	wantFresh(t, "docs/recipes.md", recipe.Guide(recipes, func(name string) []byte {
		example, err := os.ReadFile(filepath.Join("../../internal/recipe/testdata/examples", name+".json"))
		if err != nil {
			t.Error(err)
		}
		return example
	}))
}

// wantFresh wants a page to be what is made of it, or writes it so.
func wantFresh(t *testing.T, page string, got []byte) {
	t.Helper()
	path := filepath.Join("../..", page)
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
		t.Errorf("%s is not what it is made of; make docs writes it anew:\n%s", page, diff)
	}
}
