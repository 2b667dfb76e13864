package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
	"github.com/pollwire/pollwire/internal/store/blob/blobtest"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// testPages are pages in memory.
type testPages [][]byte

func (p testPages) Len() int                   { return len(p) }
func (p testPages) Page(i int) ([]byte, error) { return p[i], nil }

// hookedPages do something before one is read.
type hookedPages struct {
	testPages
	before func(i int)
}

func (p hookedPages) Page(i int) ([]byte, error) {
	p.before(i)
	return p.testPages.Page(i)
}

func pagesCommit(src *store.Source, pages diff.Pages) *store.Commit {
	c := benchCommit(src, src.Version)
	c.Snapshot.Body, c.Snapshot.Pages = nil, pages
	return c
}

func mustCommitPages(tb testing.TB, s *Store, src *store.Source, pages ...[]byte) {
	tb.Helper()
	must(tb, s.Commit(tb.Context(), pagesCommit(src, testPages(pages))))
}

func mustVersions(tb testing.TB, s *Store, source string) []store.Version {
	tb.Helper()
	kept, err := s.Snapshots(tb.Context(), source)
	must(tb, err)
	return kept
}

func verifyPages(tb testing.TB, snap store.Snapshot, want diff.Pages) {
	tb.Helper()
	if (snap.Pages == nil) != (want == nil) {
		tb.Fatalf("version %d has pages: %t, want the other", snap.Version, snap.Pages != nil)
	}
	if want == nil {
		return
	}
	if snap.Pages.Len() != want.Len() {
		tb.Fatalf("version %d has %d pages, want %d", snap.Version, snap.Pages.Len(), want.Len())
	}
	for i := range want.Len() {
		body, err := snap.Pages.Page(i)
		must(tb, err)
		if right, err := want.Page(i); err != nil || !bytes.Equal(body, right) {
			tb.Fatalf("page %d of version %d is another: %v", i, snap.Version, err)
		}
	}
}

// verifyListed holds a database that no store has open to it that its pages are
// those that its versions list.
func verifyListed(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, "rw"))
	must(t, err)
	defer func() { _ = db.Close() }()
	ids := func(query string, decode func(*sql.Rows) ([]int64, error)) map[int64]bool {
		rows, err := db.QueryContext(t.Context(), query)
		must(t, err)
		found, err := collect(rows, decode)
		must(t, err)
		set := map[int64]bool{}
		for _, ids := range found {
			for _, id := range ids {
				set[id] = true
			}
		}
		return set
	}
	listed := ids("SELECT body FROM snapshots WHERE encoding = 4", func(rows *sql.Rows) ([]int64, error) {
		packed, err := scanList(rows)
		if err != nil {
			return nil, err
		}
		return blob.DecodePages(packed)
	})
	there := ids("SELECT id FROM pages", func(rows *sql.Rows) ([]int64, error) {
		var id int64
		err := rows.Scan(&id)
		return []int64{id}, err
	})
	for id := range listed {
		if !there[id] {
			t.Errorf("page %d is missing", id)
		}
	}
	for id := range there {
		if !listed[id] {
			t.Errorf("page %d is left over", id)
		}
	}
	if n := mustCount(t, path, "SELECT count(*) FROM loose_pages"); n != 0 {
		t.Errorf("%d loose pages", n)
	}
}

// TestHowPagesAreStored looks at the rows that versions of pages leave.
func TestHowPagesAreStored(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	s := mustOpen(t, path)
	src, docs := &store.Source{Name: "orders"}, []*blobtest.Document{blobtest.NewDocument(4000), blobtest.NewOther(4000), blobtest.NewDocument(9000)}
	for range 5 {
		docs[1].Change() // the others stay as they are
		mustCommitPages(t, s, src, docs[0].Body(), docs[1].Body(), docs[2].Body())
	}
	must(t, s.Close())
	for query, want := range map[string]int{
		"SELECT count(*) FROM pages":                                       2 + 5,
		"SELECT count(*) FROM pages WHERE base = 0":                        3,
		"SELECT count(*) FROM pages WHERE base > id AND encoding IN (2,3)": 4,
		"SELECT max(generation) FROM pages":                                4,
		"SELECT count(*) FROM snapshots WHERE encoding = 4":                5,
	} {
		if n := mustCount(t, path, query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
	verifySound(t, path)

	// The end of a way.
	mustExec(t, path, fmt.Sprintf("UPDATE pages SET generation = %d WHERE base = 0", blob.WholeEvery-2))
	s = mustOpen(t, path)
	for range 3 {
		docs[1].Change()
		mustCommitPages(t, s, src, docs[0].Body(), docs[1].Body(), docs[2].Body())
	}
	must(t, s.Close())
	if n := mustCount(t, path, fmt.Sprintf("SELECT count(*) FROM pages WHERE base = 0 AND generation = %d", blob.WholeEvery-1)); n != 1 {
		t.Errorf("%d pages at the end of a way are whole, want 1", n)
	}
	if n := mustCount(t, path, "SELECT count(*) FROM pages WHERE base > 0"); n != 6 {
		t.Errorf("%d differences, want 6", n)
	}
}

// TestPagesOfVersionsThatGo keeps fewer and fewer versions.
func TestPagesOfVersionsThatGo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	s := mustOpen(t, path)
	src, doc := &store.Source{Name: "orders"}, blobtest.NewDocument(3000)
	for n, keep := range []int{9, 9, 9, 9, 3, 3, 1, 1, 9, 9} {
		doc.Change()
		c := pagesCommit(src, testPages{[]byte("the same"), doc.Body(), blobtest.Noise(byte(n), 3000)})
		if n == 8 {
			c.Snapshot.Body, c.Snapshot.Pages = doc.Body(), nil
		}
		c.KeepSnapshots = keep
		must(t, s.Commit(t.Context(), c))
	}
	for range 40 { // more at once than one transaction removes
		doc.Change()
		mustCommitPages(t, s, src, doc.Body(), blobtest.Noise(byte(src.Version), 600))
	}
	c := pagesCommit(src, nil)
	c.Snapshot.Pages, c.Snapshot.Body, c.KeepSnapshots = nil, []byte("{}"), 1
	must(t, s.Commit(t.Context(), c))
	must(t, s.Close())
	if n := mustCount(t, path, "SELECT count(*) FROM pages"); n != 0 {
		t.Errorf("%d pages of versions that are gone", n)
	}
	verifySound(t, path)
}

// TestStagedPagesWhoseCommitIsLeft lets a caller leave at each moment: what was
// staged in vain goes, and what was committed after all stays.
func TestStagedPagesWhoseCommitIsLeft(t *testing.T) {
	t.Parallel()
	for name, committed := range map[string]bool{"before the commit": false, "while it is written": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "pollwire.db")
			s := mustOpen(t, path)
			src := &store.Source{Name: "orders"}
			first, second := stagedPages(1)[:2], stagedPages(2)[:2]
			mustCommitPages(t, s, src, first...)

			c := pagesCommit(src, second)
			c.KeepSnapshots = 1
			packed, err := s.codec.Pack(t.Context(), c, time.Now(), s.Snapshot)
			must(t, err)
			rows := &commitRows{Commit: packed, paged: true, loose: &s.loose}
			must(t, s.stage(t.Context(), c, rows))
			if committed {
				must(t, s.write(t.Context(), rows.Size, rows.write))
			}
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			s.tidy(ended, rows, context.Canceled) // the caller does not know
			now, err := s.Source(t.Context(), "orders")
			must(t, err)
			want, other := first, []byte("{}")
			if committed {
				want = second
			}
			snap, err := s.Snapshot(t.Context(), "orders")
			must(t, err)
			verifyPages(t, snap, want)
			mustCommitPages(t, s, &now, want[0], other) // which removes what is left over
			must(t, s.Close())
			verifySound(t, path)
			if n := mustCount(t, path, "SELECT count(*) FROM pages"); n != 3 {
				t.Errorf("%d pages, want 3", n)
			}
		})
	}
}

// TestPagesAreStagedInParts sees the pages come that no version lists yet.
func TestPagesAreStagedInParts(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "pollwire.db"))
	src := &store.Source{Name: "orders"}
	var loose []int
	pages := hookedPages{testPages: stagedPages(1), before: func(int) {
		var n int
		must(t, s.reader.db.QueryRow("SELECT count(*) FROM loose_pages").Scan(&n))
		loose = append(loose, n)
	}}
	must(t, s.Commit(t.Context(), pagesCommit(src, pages)))
	if fmt.Sprint(loose) != "[0 1 2 3]" {
		t.Errorf("loose pages before each: %v", loose)
	}
}

// TestMemoryOfPages commits and reads pages of many times the memory that it may
// take. It does not run beside others.
func TestMemoryOfPages(t *testing.T) {
	const count, size, most = 64, 512 << 10, 12 << 20
	s := mustOpen(t, filepath.Join(t.TempDir(), "pollwire.db"))
	src := &store.Source{Name: "orders"}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	check := func(when string) {
		if now := heap(); now > before+most {
			t.Fatalf("%s: %d bytes of heap", when, now-before)
		}
	}
	for round := range 2 {
		must(t, s.Commit(t.Context(), pagesCommit(src, madePages{count, func(i int) []byte {
			if i%16 == 15 {
				check("commit")
			}
			return blobtest.Noise(byte(2*i+round), size)
		}})))
	}
	snap, err := s.Snapshot(t.Context(), "orders")
	must(t, err)
	for i := range count {
		body, err := snap.Pages.Page(i)
		must(t, err)
		if i%16 == 15 && !bytes.Equal(body, blobtest.Noise(byte(2*i+1), size)) {
			t.Errorf("page %d is another", i)
		}
	}
	check("read")
}

// madePages are made when they are asked for.
type madePages struct {
	count int
	make  func(i int) []byte
}

func (p madePages) Len() int                   { return p.count }
func (p madePages) Page(i int) ([]byte, error) { return p.make(i), nil }

// TestDamagedPages takes pages away, and goes on: a change is not lost for it.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	s := mustOpen(t, path)
	src, doc := &store.Source{Name: "orders"}, blobtest.NewDocument(3000)
	for range 4 {
		doc.Change()
		mustCommitPages(t, s, src, []byte("the same"), doc.Body())
	}
	must(t, s.Close())
	sound, err := os.ReadFile(path)
	must(t, err)
	for damage, want := range map[string]string{
		"DELETE FROM pages WHERE id = 3":                      "read page 2 of snapshot 2 of source orders: not found",
		"DELETE FROM pages WHERE id = 4":                      "read page 2 of snapshot 2 of source orders: the one after it, from which it is rebuilt, is missing",
		"UPDATE pages SET body = x'' WHERE id = 3":            "read page 2 of snapshot 2 of source orders: damaged patch",
		"UPDATE pages SET encoding = 7 WHERE id = 5":          "read page 2 of snapshot 2 of source orders: unknown encoding 7",
		"UPDATE snapshots SET body = x'ff' WHERE version = 2": "read snapshot 2 of source orders: version 2: damaged list of pages",
		"UPDATE snapshots SET body = x'00' WHERE version = 2": "read snapshot 2 of source orders: version 2: damaged list of pages",
		"UPDATE snapshots SET body = x'ff' WHERE version > 1": "read snapshot 2 of source orders: version 2: damaged list of pages",
		"DELETE FROM pages":                                   "read page 1 of snapshot 2 of source orders: not found",
		"UPDATE snapshots SET encoding = 2 WHERE version = 2": "read snapshot 2 of source orders: version 2: ",
		"UPDATE pages SET base = 3 WHERE id = 4":              "read page 2 of snapshot 2 of source orders: the one after it, from which it is rebuilt, is missing",
	} {
		broken := filepath.Join(t.TempDir(), "broken.db")
		must(t, os.WriteFile(broken, sound, 0o600))
		mustExec(t, broken, damage)
		s := mustOpen(t, broken)
		snap, err := s.SnapshotAt(t.Context(), "orders", 2)
		for i := 0; err == nil && i < snap.Pages.Len(); i++ {
			_, err = snap.Pages.Page(i)
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s…", damage, err, want)
		}
		src, err := s.Source(t.Context(), "orders")
		must(t, err)
		for n := range 3 {
			c := pagesCommit(&src, testPages{[]byte("the same"), blobtest.Noise(byte(n), 1000)})
			c.KeepSnapshots = 3 - n
			must(t, s.Commit(t.Context(), c))
		}
		snap, err = s.Snapshot(t.Context(), "orders")
		must(t, err)
		verifyPages(t, snap, testPages{[]byte("the same"), blobtest.Noise(2, 1000)})
	}
}

// TestFullDiskWhileStaging has no room for a version's pages.
func TestFullDiskWhileStaging(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		skip(t, "full disk", fmt.Sprint("mount a tmpfs: ", err))
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	ballast, path := filepath.Join(dir, "ballast"), filepath.Join(dir, "pollwire.db")
	must(t, os.WriteFile(ballast, make([]byte, 19<<20), 0o600))
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	first := testPages{blobtest.Noise(1, 1000), blobtest.Noise(2, 1000)}
	mustCommitPages(t, s, src, first...)
	for range 2 {
		before := *src
		if err := s.Commit(t.Context(), pagesCommit(src, stagedPages(1))); !errors.Is(err, store.ErrFull) {
			t.Fatalf("got %v, want ErrFull", err)
		}
		if s.Err() != nil || *src != before {
			t.Fatalf("a full disk is not the end: %v, %+v", s.Err(), src)
		}
		snap, err := s.Snapshot(t.Context(), "orders")
		must(t, err)
		verifyPages(t, snap, first)
	}
	must(t, os.Remove(ballast))
	must(t, s.Commit(t.Context(), pagesCommit(src, stagedPages(1)[:2])))
	storetest.VerifyLog(t, s)
	must(t, s.Close())
	verifySound(t, path)
}
