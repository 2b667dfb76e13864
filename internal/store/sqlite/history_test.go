package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
	"github.com/pollwire/pollwire/internal/store/blob/blobtest"
)

// mustCommitBody commits a snapshot. As a bridge does, it has the previous one
// at hand.
func mustCommitBody(tb testing.TB, s *Store, src *store.Source, previous *store.Snapshot, keep int, body []byte) *store.Snapshot {
	tb.Helper()
	snap := &store.Snapshot{At: time.Now(), Format: diff.JSON, Body: body}
	c := &store.Commit{Source: src, Snapshot: snap, Previous: previous, KeepSnapshots: keep}
	if err := s.Commit(tb.Context(), c); err != nil {
		tb.Fatal(err)
	}
	return snap
}

// mustHistory commits versions of a document, those after a number, and closes
// the store.
func mustHistory(t *testing.T, path string, after int64, versions, keep int) [][]byte {
	t.Helper()
	s := mustOpen(t, path)
	src, doc := &store.Source{Name: "orders"}, blobtest.NewDocument(2000)
	must(t, s.Commit(t.Context(), &store.Commit{Source: src}))
	must(t, s.Close())
	mustExec(t, path, fmt.Sprintf("UPDATE sources SET version = %d", after))
	s, src.Version = mustOpen(t, path), after
	var bodies [][]byte
	for range versions {
		doc.Change()
		bodies = append(bodies, doc.Body())
		mustCommitBody(t, s, src, nil, keep, doc.Body())
	}
	must(t, s.Close())
	return bodies
}

func TestHowVersionsAreStored(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after          int64
		versions, keep int
		rows, whole    int
	}{
		"twenty":       {0, 30, 20, 20, 1},
		"two":          {0, 5, 2, 2, 1},
		"one":          {0, 5, 1, 1, 1},
		"end of a way": {blob.WholeEvery - 5, 10, 20, 10, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "pollwire.db")
			mustHistory(t, path, test.after, test.versions, test.keep)
			if n := mustCount(t, path, "SELECT count(*) FROM snapshots"); n != test.rows {
				t.Errorf("%d rows, want %d", n, test.rows)
			}
			whole := fmt.Sprintf("SELECT count(*) FROM snapshots WHERE encoding IN (0, 1) AND version IN (%d, %d)",
				blob.WholeEvery, test.after+int64(test.versions))
			if n := mustCount(t, path, whole); n != test.whole {
				t.Errorf("%d of those that must be are whole, want %d", n, test.whole)
			}
			if n := mustCount(t, path, "SELECT count(*) FROM snapshots WHERE encoding IN (2, 3)"); n != test.rows-test.whole {
				t.Errorf("%d differences, want %d", n, test.rows-test.whole)
			}
		})
	}
}

// TestUnlikeVersionsStayWhole commits what no difference is smaller for.
func TestUnlikeVersionsStayWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	s := mustOpen(t, path)
	src := &store.Source{Name: "noise"}
	for n := range 5 {
		mustCommitBody(t, s, src, nil, 5, blobtest.Noise(byte(n), 3000))
	}
	for n := range 5 {
		if snap, err := s.SnapshotAt(t.Context(), "noise", int64(n+1)); err != nil || !bytes.Equal(snap.Body, blobtest.Noise(byte(n), 3000)) {
			t.Errorf("version %d: %v", n+1, err)
		}
	}
	must(t, s.Close())
	if n := mustCount(t, path, "SELECT count(*) FROM snapshots WHERE encoding <> 0"); n != 0 {
		t.Errorf("%d differences", n)
	}
}

// TestWholeVersionsOfOldDatabases goes on with a database in which a version
// that knew no differences has kept all versions whole.
func TestWholeVersionsOfOldDatabases(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	bodies := mustHistory(t, path, 0, 1, 20)
	c, err := blob.NewCodec()
	must(t, err)
	defer func() { must(t, c.Close()) }()
	doc := blobtest.NewDocument(2000)
	for version := 2; version <= 6; version++ {
		doc.Change()
		bodies = append(bodies, doc.Body())
		enc, packed := c.Encode(doc.Body())
		mustExec(t, path, fmt.Sprintf("INSERT INTO snapshots (source, version, at, format, encoding, body) VALUES ('orders', %d, 0, 'json', %d, x'%x')", version, enc, packed))
	}
	mustExec(t, path, "UPDATE sources SET version = 6")

	s := mustOpen(t, path)
	src, err := s.Source(t.Context(), "orders")
	must(t, err)
	for range 3 {
		doc.Change()
		bodies = append(bodies, doc.Body())
		mustCommitBody(t, s, &src, nil, 20, doc.Body())
	}
	for i, body := range bodies {
		if snap, err := s.SnapshotAt(t.Context(), "orders", int64(i+1)); err != nil || !bytes.Equal(snap.Body, body) {
			t.Errorf("version %d: %v", i+1, err)
		}
	}
	must(t, s.Close())
	if n := mustCount(t, path, "SELECT count(*) FROM snapshots WHERE encoding IN (2, 3) AND version IN (6, 7, 8)"); n != 3 {
		t.Errorf("%d differences, want those of the 3 versions that newer ones came after", n)
	}
}

func TestDamagedVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	mustHistory(t, path, 0, 6, 20)
	sound, err := os.ReadFile(path)
	must(t, err)
	for damage, want := range map[string]string{
		"UPDATE snapshots SET body = x'' WHERE version = 4":                              "version 4: damaged patch",
		"UPDATE snapshots SET body = x'0102' WHERE version = 4":                          "version 4: damaged patch",
		"UPDATE snapshots SET body = zeroblob(length(body)) WHERE version = 4":           "version 4: damaged patch",
		"UPDATE snapshots SET encoding = 3 WHERE version = 4":                            "version 4: decompress: ",
		"UPDATE snapshots SET encoding = 7 WHERE version = 4":                            "version 4: unknown encoding 7",
		"DELETE FROM snapshots WHERE version = 4":                                        "version 3: the one after it, from which it is rebuilt, is missing",
		"UPDATE snapshots SET body = x'28b52ffd' WHERE version = 6":                      "version 6: decompress: ",
		"UPDATE snapshots SET body = CAST('{}' AS BLOB), encoding = 0 WHERE version = 5": "version 4: damaged patch",
	} {
		broken := filepath.Join(t.TempDir(), "broken.db")
		must(t, os.WriteFile(broken, sound, 0o600))
		mustExec(t, broken, damage)
		s := mustOpen(t, broken)
		_, err := s.SnapshotAt(t.Context(), "orders", 2)
		if want := "read snapshot 2 of source orders: " + want; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s…", damage, err, want)
		}
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: got %v, which does not say what to do", damage, err)
		}
		// A change is not lost for it, nor are the versions that come.
		src, err := s.Source(t.Context(), "orders")
		must(t, err)
		body := blobtest.Noise(1, 1000)
		mustCommitBody(t, s, &src, nil, 20, body)
		mustCommitBody(t, s, &src, nil, 20, append(blobtest.Noise(1, 1000), "more"...))
		if snap, err := s.SnapshotAt(t.Context(), "orders", 7); err != nil || !bytes.Equal(snap.Body, body) {
			t.Errorf("%s: version 7: %v", damage, err)
		}
	}
}
