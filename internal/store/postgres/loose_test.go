package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// paged are pages in memory.
type paged [][]byte

func (p paged) Len() int                   { return len(p) }
func (p paged) Page(i int) ([]byte, error) { return p[i], nil }

// withPages is the commit of a source's next version, of so many pages that differ
// from the last one's in a word.
func withPages(src *store.Source, n int) *store.Commit {
	c := version(src)
	pages := make(paged, n)
	for i := range pages {
		pages[i] = fmt.Appendf(nil, `{"version":%d,"page":%d,"rest":"%s"}`, src.Version+1, i, bytes.Repeat([]byte("x1y2"), 300))
	}
	c.Snapshot = &store.Snapshot{At: time.UnixMicro(1), Format: diff.JSON, Pages: pages}
	return c
}

// counts returns how many pages there are, and how many of them are loose.
func counts(t *testing.T, s *Store) (pages, loose int) {
	t.Helper()
	must(t, s.pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM pages), (SELECT count(*) FROM loose_pages)").Scan(&pages, &loose))
	return pages, loose
}

// TestPagesOfManyNodes hands a source of several pages from node to node: each
// version is rebuilt from those that another one wrote.
func TestPagesOfManyNodes(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	nodes := []*Store{mustOpen(t, dsn), mustOpen(t, dsn), mustOpen(t, dsn)}
	src, other := &store.Source{Name: "orders"}, &store.Source{Name: "others"}
	for n := range 9 {
		must(t, nodes[2-n%3].Commit(t.Context(), withPages(other, 2))) // takes numbers between
		must(t, nodes[n%3].Commit(t.Context(), withPages(src, 3)))
	}
	for n := int64(7); n <= 9; n++ {
		snap, err := nodes[0].SnapshotAt(t.Context(), "orders", n)
		must(t, err)
		for i, want := range withPages(&store.Source{Version: n - 1}, 3).Snapshot.Pages.(paged) {
			if got, err := snap.Pages.Page(i); err != nil || !bytes.Equal(got, want) {
				t.Errorf("page %d of version %d: %.40q, %v", i, n, got, err)
			}
		}
	}
	if pages, loose := counts(t, nodes[0]); pages != 3*3+3*2 || loose != 0 {
		t.Errorf("%d pages, %d of them loose", pages, loose)
	}
	storetest.VerifyLog(t, nodes[1])
}

// TestLoosePagesOfNodes leaves the pages that a node is about to list alone for as
// long as it lives, and removes them afterwards.
func TestLoosePagesOfNodes(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	a, b := mustOpen(t, dsn), mustOpen(t, dsn)
	mustJoin(t, a, "a")
	mustJoin(t, b, "b")
	for s, node := range map[*Store]string{a: "a", b: "b"} {
		s.SetFence(node, fence{store.SourceResource("orders"): 1, store.TaskPrune: 1})
	}
	mustLease(t, a, "a", 1, store.SourceResource("orders"))
	mustLease(t, b, "b", 1, store.TaskPrune)
	src := &store.Source{Name: "orders"}
	must(t, a.Commit(t.Context(), withPages(src, 3)))

	next := withPages(src, 2)
	staged := a.mustPack(t, next)
	must(t, a.stage(t.Context(), next, staged))
	must(t, pruneAll(t.Context(), b))
	if pages, loose := counts(t, b); pages != 5 || loose != 2 {
		t.Errorf("while the node lives: %d pages, %d of them loose", pages, loose)
	}
	must(t, a.try([]*commit{staged}))
	must(t, staged.err)
	if pages, loose := counts(t, b); pages != 5 || loose != 0 {
		t.Errorf("after the commit: %d pages, %d of them loose", pages, loose)
	}

	src.Version = 2
	late := withPages(src, 4)
	staged = a.mustPack(t, late)
	must(t, a.stage(t.Context(), late, staged))
	must(t, b.Leave(t.Context(), "a"))
	must(t, pruneAll(t.Context(), b))
	if pages, loose := counts(t, b); pages != 5 || loose != 0 {
		t.Errorf("after the node's end: %d pages, %d of them loose", pages, loose)
	}
	// Should it commit all the same, it finds that they are gone.
	staged.held = nil
	if err := a.try([]*commit{staged}); !errors.Is(err, errPages) {
		t.Errorf("got %v, want that they are missing", err)
	}
	if snap, err := b.Snapshot(t.Context(), "orders"); err != nil || snap.Version != 2 {
		t.Errorf("version %d, %v", snap.Version, err)
	}
}

// TestDamagedListKeepsPages removes no page where it cannot be known which are still
// needed, and keeps no change from being committed.
func TestDamagedListKeepsPages(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	src := &store.Source{Name: "orders"}
	for range 3 {
		must(t, s.Commit(t.Context(), withPages(src, 2)))
	}
	_, err := s.pool.Exec(t.Context(), `UPDATE snapshots SET body = '\xff' WHERE version = 2`)
	must(t, err)
	must(t, s.Commit(t.Context(), withPages(src, 2)))
	if pages, loose := counts(t, s); pages != 8 || loose != 0 {
		t.Errorf("%d pages, %d of them loose", pages, loose)
	}
}
