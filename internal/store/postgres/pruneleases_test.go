package postgres

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// sinceLong makes leases look as if they had been what they are for so long.
func sinceLong(t *testing.T, s *Store, long time.Duration, resources ...string) {
	t.Helper()
	_, err := s.pool.Exec(t.Context(), `UPDATE leases SET since = clock_timestamp() - $1 * interval '1 microsecond' WHERE resource = ANY($2)`,
		long.Microseconds(), resources)
	must(t, err)
}

func resourcesOf(t *testing.T, s *Store) []string {
	t.Helper()
	leases, err := s.Leases(t.Context(), time.Time{})
	must(t, err)
	var names []string
	for _, l := range leases {
		names = append(names, l.Resource)
	}
	slices.Sort(names)
	return names
}

// TestPruneRemovesLeases: what comes and goes at run time leaves no lease behind for
// ever, and nobody loses one that he has, or has just given up.
func TestPruneRemovesLeases(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, database(t))
	mustJoin(t, s, "me", "dead")
	s.SetFence("me", fence{store.TaskPrune: 1})
	mustClaim(t, s, "me", []string{store.TaskPrune}, []string{"endpoint/held"})
	mustClaim(t, s, "dead", []string{"endpoint/dead"}, []string{"endpoint/justdead"})
	given := mustClaim(t, s, "me", []string{"endpoint/given"}, []string{"endpoint/justgiven"})
	must(t, s.Free(t.Context(), given))
	must(t, s.Leave(t.Context(), "dead"))
	sinceLong(t, s, 2*freeFor, store.TaskPrune, "endpoint/held", "endpoint/dead", "endpoint/given")

	must(t, pruneAll(t.Context(), s))
	if got, want := resourcesOf(t, s), []string{"endpoint/held", "endpoint/justdead", "endpoint/justgiven", store.TaskPrune}; !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	// Where it is wanted after all, it is there again.
	wantLeases(t, mustClaim(t, s, "me", []string{"endpoint/given"}), store.Lease{Resource: "endpoint/given", Node: "me", Epoch: 1})
}

// TestPruneRemovesManyLeases does so in steps.
func TestPruneRemovesManyLeases(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "me", 1, fence{}.all(1))
	mustJoin(t, s, "me")
	_, err := s.pool.Exec(t.Context(), `INSERT INTO leases (resource, node, epoch, since)
		SELECT 'endpoint/sub_' || n, '', 1, now() - interval '1 year' FROM generate_series(1, $1) n`, 2*pruneBatch+1)
	must(t, err)
	must(t, pruneAll(t.Context(), s))
	if got := resourcesOf(t, s); len(got) != len(fence{}.all(1)) {
		t.Errorf("left %q", got)
	}
}

// TestPruneLeavesClaims: what is claimed while it is about to be removed is had, or
// can be had at once afterwards.
func TestPruneLeavesClaims(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "me", 1, fence{}.all(1))
	mustJoin(t, s, "me")
	groups := make([][]string, 50)
	for i := range groups {
		groups[i] = []string{fmt.Sprintf("source/%d", i), fmt.Sprintf("limit/%d", i)}
	}
	for range 3 {
		must(t, s.Free(t.Context(), mustClaim(t, s, "me", groups...)))
		sinceLong(t, s, 2*freeFor, slices.Concat(groups...)...)
		pruned := make(chan error, 1)
		go func() { pruned <- pruneAll(t.Context(), s) }()
		granted := mustClaim(t, s, "me", groups...)
		must(t, <-pruned)
		there, err := s.Leases(t.Context(), time.Time{})
		must(t, err)
		for _, l := range granted {
			if !slices.Contains(there, l) {
				t.Errorf("%+v was granted, and is gone", l)
			}
		}
		if got := mustClaim(t, s, "me", groups...); len(got) != 2*len(groups) {
			t.Errorf("%d of %d leases were granted afterwards", len(got), 2*len(groups))
		}
	}
}
