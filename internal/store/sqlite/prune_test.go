package sqlite

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

func TestPruneGivesSpaceBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	s := mustOpen(t, path)
	src := &store.Source{Name: "feed"}
	for range 400 {
		c := noiseCommit(src)
		c.Events[0].Tell, c.Snapshot = nil, nil
		must(t, s.Commit(t.Context(), c))
	}
	must(t, s.Close())
	before := fileSize(t, path)

	s = mustOpen(t, path)
	done, err := s.Prune(t.Context(), store.Retention{Events: time.Now().Add(time.Hour)})
	if err != nil || done.Events != 400 {
		t.Fatalf("pruned %+v, %v", done, err)
	}
	must(t, s.Close())
	if after := fileSize(t, path); after > before/4 {
		t.Errorf("%d bytes of %d are left", after, before)
	}
	verifySound(t, path)
}

func TestPruneTakesAttemptsAlong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	s := mustOpen(t, path)
	mustCommit(t, s, &store.Source{Name: "orders"})
	for number := range 3 {
		must(t, s.Record(t.Context(), []notify.Outcome{{
			Delivery: 1, State: notify.Waiting, Attempts: number + 1,
			Attempt: notify.Attempt{Number: number + 1, At: time.Now(), Status: 500, Response: []byte("no")},
		}}))
	}
	must(t, deliverOne(t.Context(), s, notify.Delivery{ID: 1, Position: 1}))
	must(t, s.Close())
	if n := mustCount(t, path, "SELECT count(*) FROM attempts"); n != 3 { // the last one was number 1 again
		t.Errorf("%d attempts were kept, want 3", n)
	}
	if n := mustCount(t, path, "SELECT count(*) FROM attempts WHERE number = 1 AND status = 204"); n != 1 {
		t.Error("an attempt that was recorded again was not replaced")
	}

	s = mustOpen(t, path)
	_, err := s.Prune(t.Context(), store.Retention{Events: time.Now().Add(time.Hour)})
	must(t, err)
	must(t, s.Close())
	if n := mustCount(t, path, "SELECT count(*) FROM attempts"); n != 0 {
		t.Errorf("%d attempts are left", n)
	}
}

func TestSnapshotsBeyondKeepAreRemoved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	for range 30 {
		mustCommit(t, s, src)
	}
	must(t, s.Close())
	if n := mustCount(t, path, "SELECT count(*) FROM snapshots WHERE version BETWEEN 11 AND 30"); n != 20 {
		t.Errorf("%d of the last 20 are there", n)
	}
	if n := mustCount(t, path, "SELECT count(*) FROM snapshots"); n != 20 {
		t.Errorf("%d snapshots, want 20", n)
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Size()
}
