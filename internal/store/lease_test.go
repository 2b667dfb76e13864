package store_test

import (
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

// TestResources are told apart, and say what they are of.
func TestResources(t *testing.T) {
	t.Parallel()
	for resource, want := range map[string][2]string{
		store.SourceResource("a.b"):               {store.KindSource, "a.b"},
		store.LimitResource("github"):             {store.KindLimit, "github"},
		store.LimitResource(store.OwnLimit("a")):  {store.KindSource, "a"},
		store.EndpointResource("ops"):             {store.KindEndpoint, "ops"},
		store.LimitResource("endpoint/ops"):       {store.KindEndpoint, "ops"},
		store.TokenResource("refresh_token/0a/b"): {store.KindToken, "refresh_token/0a/b"},
		store.TaskPrune:                           {store.KindTask, "prune"},
		"source":                                  {"source", ""},
	} {
		if kind, name := store.SplitResource(resource); kind != want[0] || name != want[1] {
			t.Errorf("%s is %s of %q", resource, kind, name)
		}
	}
}
