package spelling

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNear(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		word, name string
		letters    int
		near       bool
	}{
		{"github", "github", 0, true},
		{"gihtub", "github", 1, true}, // swapped
		{"gihub", "github", 1, true},
		{"githhub", "github", 1, true},
		{"gitbub", "github", 1, true},
		{"rateLimit", "rate_limit", 0, true},
		{"Go.Module", "go-module", 0, true},
		{"jria", "jira", 1, true},
		{"gria", "jira", 2, false}, // half of a short word
		{"x", "url", far, false},
		{"", "url", far, false},
		{"", "", 0, true},
		{"schedule", "shceduel", 2, true},
		{"scheduling", "schedule", far, false},
		{"something", "schedule", far, false},
	} {
		if letters, near := Near(test.word, test.name); letters != test.letters || near != test.near {
			t.Errorf("%q is %d letters from %q, near: %t; want %d, %t", test.word, letters, test.name, near, test.letters, test.near)
		}
	}
}

// TestDistance: it is as far back as there, and nothing but itself is no letter away.
func TestDistance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringMatching(`[a-c]{0,6}`).Draw(t, "a"), rapid.StringMatching(`[a-c]{0,6}`).Draw(t, "b")
		if distance(a, b) != distance(b, a) || (distance(a, b) == 0) != (a == b) {
			t.Fatalf("the distance from %q to %q is %d, back %d", a, b, distance(a, b), distance(b, a))
		}
	})
}
