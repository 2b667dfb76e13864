package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

func mustClaim(t *testing.T, s *Store, node string, groups ...[]string) []store.Lease {
	t.Helper()
	leases, err := s.Claim(t.Context(), node, groups)
	must(t, err)
	return leases
}

var withoutSince = cmpopts.IgnoreFields(store.Lease{}, "Since")

func wantLeases(t *testing.T, got []store.Lease, want ...store.Lease) {
	t.Helper()
	slices.SortFunc(got, func(a, b store.Lease) int { return strings.Compare(a.Resource, b.Resource) })
	if d := cmp.Diff(want, got, withoutSince, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("leases (-want +got):\n%s", d)
	}
	for _, l := range got {
		if l.Since.IsZero() {
			t.Errorf("%s is so since never", l.Resource)
		}
	}
}

// TestClaim claims, frees and takes over.
func TestClaim(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	ctx := t.Context()
	mustJoin(t, s, "a", "b")
	got := mustClaim(t, s, "a", []string{"x", "y"}, []string{"z\x00"})
	wantLeases(t, got, store.Lease{Resource: "x", Node: "a", Epoch: 1}, store.Lease{Resource: "y", Node: "a", Epoch: 1}, store.Lease{Resource: "z\x00", Node: "a", Epoch: 1})

	// All of a group or nothing.
	wantLeases(t, mustClaim(t, s, "b", []string{"y", "q"}, []string{"r"}), store.Lease{Resource: "r", Node: "b", Epoch: 1})
	// One that is none gets nothing.
	wantLeases(t, mustClaim(t, s, "nobody", []string{"s"}))
	// What it holds already is free for it, under another epoch.
	again := mustClaim(t, s, "a", []string{"x", "q"})
	wantLeases(t, again, store.Lease{Resource: "q", Node: "a", Epoch: 1}, store.Lease{Resource: "x", Node: "a", Epoch: 2})

	// Under the old epoch nothing is freed.
	before := generation(t, s)
	must(t, s.Free(ctx, got[:1])) // x, as wantLeases has sorted them
	if generation(t, s) != before {
		t.Error("others were made to look for nothing")
	}
	wantLeases(t, mustClaim(t, s, "b", []string{"x"}))
	must(t, s.Free(ctx, again))
	if generation(t, s) != before+1 {
		t.Error("others were not made to look")
	}
	wantLeases(t, mustClaim(t, s, "b", []string{"x"}), store.Lease{Resource: "x", Node: "b", Epoch: 3})

	// What one had who is gone is free.
	must(t, s.Leave(ctx, "a"))
	wantLeases(t, mustClaim(t, s, "b", []string{"y"}), store.Lease{Resource: "y", Node: "b", Epoch: 2})
	must(t, s.Free(ctx, nil))
}

// TestLeases reads all leases, and those that are new.
func TestLeases(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	mustJoin(t, s, "a")
	first := mustClaim(t, s, "a", []string{"x"}, []string{"y"})
	second := mustClaim(t, s, "a", []string{"z"})
	slices.SortFunc(first, func(a, b store.Lease) int { return strings.Compare(a.Resource, b.Resource) })
	must(t, s.Free(t.Context(), first[:1]))
	all, err := s.Leases(t.Context(), time.Time{})
	must(t, err)
	wantLeases(t, all, store.Lease{Resource: "x", Epoch: 1}, store.Lease{Resource: "y", Node: "a", Epoch: 1}, store.Lease{Resource: "z", Node: "a", Epoch: 1})
	later, err := s.Leases(t.Context(), second[0].Since)
	must(t, err)
	wantLeases(t, later, store.Lease{Resource: "x", Epoch: 1}, store.Lease{Resource: "z", Node: "a", Epoch: 1})
}

// TestConcurrentClaims lets many claim the same at once: each resource goes to one,
// and no group is torn.
func TestConcurrentClaims(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	const nodes, count = 8, 400
	groups := make([][]string, count)
	for i := range groups {
		groups[i] = []string{fmt.Sprintf("limit/%d", i), fmt.Sprintf("source/%d", count-i), fmt.Sprintf("endpoint/%d", (i*7)%count)}
	}
	got := make([][]store.Lease, nodes)
	var all sync.WaitGroup
	for n := range nodes {
		id := fmt.Sprint(n)
		mustJoin(t, s, id)
		other := mustOpen(t, s.pool.Config().ConnString())
		all.Go(func() {
			mine := slices.Clone(groups)
			for i := range mine { // each in another order
				mine[i] = groups[(i*(2*n+1)+n)%count]
			}
			for range 10 {
				for part := range slices.Chunk(mine, 100) {
					leases, err := other.Claim(context.WithoutCancel(t.Context()), id, part)
					if err != nil {
						t.Error(err)
					}
					got[n] = append(got[n], leases...)
				}
			}
		})
	}
	all.Wait()
	rows, err := s.Leases(t.Context(), time.Time{})
	must(t, err)
	owner := make(map[string]string)
	for _, row := range rows {
		owner[row.Resource] = row.Node
	}
	for _, g := range groups {
		if owner[g[0]] == "" || owner[g[0]] != owner[g[1]] || owner[g[0]] != owner[g[2]] {
			t.Errorf("%v are of %q, %q and %q", g, owner[g[0]], owner[g[1]], owner[g[2]])
		}
	}
	for n, leases := range got {
		for _, l := range leases {
			if owner[l.Resource] != fmt.Sprint(n) {
				t.Errorf("%s was given to %d, and is of %s", l.Resource, n, owner[l.Resource])
			}
		}
	}
}

// TestClaimWaitsForWriter claims what is still written under: it is had when the
// write has ended, and no later write goes through.
func TestClaimWaitsForWriter(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	ctx := t.Context()
	mustJoin(t, s, "a", "b")
	mustClaim(t, s, "a", []string{"x"}, []string{"y"})
	old := &holding{node: "a", resources: []string{"x"}, epochs: []int64{1}}

	writer, err := s.pool.Begin(ctx)
	must(t, err)
	must(t, old.lock(ctx, writer))
	must(t, s.Leave(ctx, "a"))
	// It is held up for as long as a claim waits, which the other group does not feel.
	wantLeases(t, mustClaim(t, s, "b", []string{"x"}, []string{"y"}), store.Lease{Resource: "y", Node: "b", Epoch: 2})

	claimed := make(chan []store.Lease)
	go func() {
		leases, err := s.Claim(ctx, "b", [][]string{{"x"}})
		if err != nil {
			t.Error(err)
		}
		claimed <- leases
	}()
	s.awaitLock(t)
	must(t, writer.Commit(ctx))
	wantLeases(t, <-claimed, store.Lease{Resource: "x", Node: "b", Epoch: 2})

	late, err := s.pool.Begin(ctx)
	must(t, err)
	defer func() { must(t, late.Rollback(ctx)) }()
	mustBe(t, old.lock(ctx, late), store.ErrNotHeld)
}

// awaitLock waits until somebody waits for a lock in the database.
func (s *Store) awaitLock(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Minute, errors.New("nobody came to wait for a lock"))
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for range again.C {
		var waiting int
		must(t, s.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting))
		if waiting > 0 {
			return
		}
		must(t, context.Cause(ctx))
	}
}

// TestWriterWaitsForClaim writes under a lease that is being taken over: it fails
// when that has happened.
func TestWriterWaitsForClaim(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	ctx := t.Context()
	mustJoin(t, s, "a", "b")
	mustClaim(t, s, "a", []string{"x"})
	must(t, s.Leave(ctx, "a"))
	taking, err := s.pool.Begin(ctx)
	must(t, err)
	_, _, err = lockFor(ctx, taking, lockLeases+" SKIP LOCKED", []string{"x"})
	must(t, err)
	_, err = taking.Exec(ctx, claimLeases, "b", []string{"x"})
	must(t, err)
	failed := make(chan error)
	go func() {
		failed <- pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			return (&holding{node: "a", resources: []string{"x"}, epochs: []int64{1}}).lock(ctx, tx)
		})
	}()
	s.awaitLock(t)
	must(t, taking.Commit(ctx))
	mustBe(t, <-failed, store.ErrNotHeld)
}

// TestJoinMovesFence: what is written after a node has joined anew is under its
// new life.
func TestJoinMovesFence(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	s.SetFence("", epochs{"x": 1})
	mustJoin(t, s, "a")
	held, err := s.held([]string{"x"})
	must(t, err)
	if held.node != "a" {
		t.Errorf("writes are of %q", held.node)
	}
}

// epochs are what a node holds.
type epochs map[string]int64

func (e epochs) Epoch(resource string) (int64, bool) {
	epoch, ok := e[resource]
	return epoch, ok
}

// TestManyLeases claims and frees 10,000 groups in batches, as a node does.
func TestManyLeases(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	ctx := t.Context()
	mustJoin(t, s, "a")
	const count = 10_000
	var groups [][]string
	for i := range count {
		groups = append(groups, []string{fmt.Sprintf("source/some-name-%06d", i)})
	}
	var claimed []store.Lease
	for part := range slices.Chunk(groups, 500) {
		leases, err := s.Claim(ctx, "a", part)
		must(t, err)
		claimed = append(claimed, leases...)
	}
	if len(claimed) != count {
		t.Fatalf("claimed %d", len(claimed))
	}
	all, err := s.Leases(ctx, time.Time{})
	must(t, err)
	must(t, s.Free(ctx, all))
	left, err := s.Members(ctx)
	must(t, err)
	if len(all) != count || len(left) != 1 {
		t.Errorf("%d leases, %d members", len(all), len(left))
	}
	free := 0
	must(t, s.pool.QueryRow(ctx, `SELECT count(*) FROM leases WHERE node = ''`).Scan(&free))
	if free != count {
		t.Errorf("%d of them are free", free)
	}
}
