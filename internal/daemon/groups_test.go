package daemon

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/internal/cluster"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		parts []part
		want  []cluster.Group
	}{
		"none": {nil, []cluster.Group{}},
		"each alone": {
			[]part{{resource: "source/b"}, {resource: "source/a"}, {resource: "endpoint/a"}},
			[]cluster.Group{{Key: "endpoint/a", Resources: []string{"endpoint/a"}}, {Key: "source/a", Resources: []string{"source/a"}}, {Key: "source/b", Resources: []string{"source/b"}}},
		},
		"a limit of its own": {
			[]part{{"source/a", []string{"source/a"}}},
			[]cluster.Group{{Key: "source/a", Resources: []string{"source/a"}}},
		},
		"a shared limit": {
			[]part{{"source/a", []string{"limit/x"}}, {"source/b", []string{"limit/x"}}, {resource: "source/c"}},
			[]cluster.Group{{Key: "limit/x", Resources: []string{"limit/x", "source/a", "source/b"}}, {Key: "source/c", Resources: []string{"source/c"}}},
		},
		"an endpoint that shows the token of a source": {
			[]part{{"source/a", []string{"token/1"}}, {"endpoint/e", []string{"token/1"}}},
			[]cluster.Group{{Key: "token/1", Resources: []string{"endpoint/e", "source/a", "token/1"}}},
		},
		"limits joined by a token": {
			[]part{{"source/a", []string{"limit/y", "token/1"}}, {"source/b", []string{"limit/x", "token/1"}}, {"source/c", []string{"limit/x"}}, {"source/d", []string{"limit/z"}}},
			[]cluster.Group{
				{Key: "limit/x", Resources: []string{"limit/x", "limit/y", "source/a", "source/b", "source/c", "token/1"}},
				{Key: "limit/z", Resources: []string{"limit/z", "source/d"}},
			},
		},
		"twice": {
			[]part{{"source/a", []string{"limit/x", "limit/x"}}, {"source/a", []string{"limit/x"}}},
			[]cluster.Group{{Key: "limit/x", Resources: []string{"limit/x", "source/a"}}},
		},
	} {
		if diff := cmp.Diff(tc.want, groupsOf(tc.parts)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestGroupsHold what they are for, whatever shares what: each resource is in one
// group, parts that share something are in the same one, and neither their order
// nor a part that shares nothing with others makes a difference.
func TestGroupsHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "parts")
		parts := make([]part, n)
		for i := range parts {
			parts[i].resource = fmt.Sprintf("source/%02d", i)
			for _, limit := range rapid.SliceOfN(rapid.IntRange(0, 12), 0, 3).Draw(t, "shared") {
				parts[i].shared = append(parts[i].shared, fmt.Sprintf("limit/%02d", limit))
			}
		}
		groups := groupsOf(parts)
		of := make(map[string]string)
		for _, g := range groups {
			for _, resource := range g.Resources {
				if of[resource] != "" {
					t.Fatalf("%s is in %s and in %s", resource, of[resource], g.Key)
				}
				of[resource] = g.Key
			}
			if !slices.Contains(g.Resources, g.Key) {
				t.Fatalf("group %s has no such resource", g.Key)
			}
		}
		for _, p := range parts {
			for _, resource := range p.shared {
				if of[p.resource] != of[resource] {
					t.Fatalf("%s is apart from its %s", p.resource, resource)
				}
			}
		}
		other := append(slices.Clone(parts), part{resource: "source/alone"}, part{resource: "endpoint/alone"})
		slices.Reverse(other)
		with := slices.DeleteFunc(groupsOf(other), func(g cluster.Group) bool { return len(g.Resources) == 1 && g.Key[len(g.Key)-5:] == "alone" })
		if diff := cmp.Diff(groups, with); diff != "" {
			t.Fatalf("they depend on others: %s", diff)
		}
	})
}

// TestGroupsAreStable: a part that joins those of a limit moves nobody but itself.
func TestGroupsAreStable(t *testing.T) {
	t.Parallel()
	before := groupsOf([]part{{"source/m", []string{"limit/x"}}, {"source/n", []string{"limit/x"}}})
	after := groupsOf([]part{{"source/a", []string{"limit/x"}}, {"source/m", []string{"limit/x"}}, {"source/n", []string{"limit/x"}}})
	if before[0].Key != after[0].Key || len(after) != 1 {
		t.Errorf("%v became %v", before, after)
	}
}

func BenchmarkGroups(b *testing.B) {
	parts := make([]part, 100_000)
	for i := range parts {
		parts[i] = part{fmt.Sprintf("source/%06d", i), []string{fmt.Sprintf("limit/%04d", i%5000)}}
	}
	for b.Loop() {
		groupsOf(parts)
	}
}
