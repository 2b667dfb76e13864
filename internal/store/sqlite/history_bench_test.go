package sqlite

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob/blobtest"
)

// BenchmarkSnapshotHistory keeps 100 versions of a document of 5.4 MB, ten
// values of which change from one to the next, rebuilds each, and reports the
// size of the database.
func BenchmarkSnapshotHistory(b *testing.B) {
	const versions, most = 100, 3_000_000
	var bodies [][]byte
	doc := blobtest.NewDocument(5_400_000)
	for range versions {
		doc.Change()
		bodies = append(bodies, doc.Body())
	}
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "b.db")
		s := mustOpen(b, path)
		src := &store.Source{Name: "orders"}
		var previous *store.Snapshot
		begun := time.Now()
		for _, body := range bodies {
			previous = mustCommitBody(b, s, src, previous, versions, body)
		}
		b.ReportMetric(float64(time.Since(begun).Milliseconds())/versions, "ms/commit")

		begun = time.Now()
		for n, body := range bodies {
			if snap, err := s.SnapshotAt(b.Context(), "orders", int64(n+1)); err != nil || !bytes.Equal(snap.Body, body) {
				b.Fatalf("version %d: %v", n+1, err)
			}
		}
		b.ReportMetric(float64(time.Since(begun).Milliseconds())/versions, "ms/version")

		kept, err := s.Snapshots(b.Context(), "orders")
		if err != nil || len(kept) != versions {
			b.Fatal(len(kept), err)
		}
		if err := s.Close(); err != nil { // which copies the log into the file
			b.Fatal(err)
		}
		size := mustCount(b, path, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
		if size > most {
			b.Errorf("%d bytes, want at most %d", size, most)
		}
		b.ReportMetric(float64(size)/1e6, "MB")
		b.ReportMetric(float64(kept[versions-1].Stored)/1e6, "MB-whole")
		b.ReportMetric(float64(kept[0].Stored), "B-oldest")
	}
}

// BenchmarkCommitBody measures commits of a document with ten changed values,
// with the previous snapshot at hand and without.
func BenchmarkCommitBody(b *testing.B) {
	for _, size := range []int{2000, 20_000, 200_000, 5_400_000} {
		for _, atHand := range []bool{true, false} {
			for _, keep := range []int{1, 20} {
				b.Run(fmt.Sprintf("bytes=%d/previous=%t/keep=%d", size, atHand, keep), func(b *testing.B) {
					benchmarkCommitBody(b, size, keep, atHand)
				})
			}
		}
	}
}

func benchmarkCommitBody(b *testing.B, size, keep int, atHand bool) {
	var bodies [][]byte
	doc := blobtest.NewDocument(size)
	for range 10 {
		doc.Change()
		bodies = append(bodies, doc.Body())
	}
	s := mustOpen(b, filepath.Join(b.TempDir(), "b.db"))
	src := &store.Source{Name: "orders"}
	var previous *store.Snapshot
	for n := 0; b.Loop(); n++ {
		snap := mustCommitBody(b, s, src, previous, keep, bodies[n%len(bodies)])
		if atHand {
			previous = snap
		}
	}
}
