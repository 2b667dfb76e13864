package sqlite

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

func TestLogStaysShort(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	s := mustOpen(t, path)
	src := &store.Source{Name: "orders"}
	for range 400 { // 13 pages each, so several times the log's length
		must(t, s.Commit(t.Context(), noiseCommit(src)))
	}
	info, err := os.Stat(path + "-wal")
	must(t, err)
	if limit := int64(2 * checkpointPages * 4096); info.Size() > limit {
		t.Errorf("the log is %d bytes, want at most %d", info.Size(), limit)
	}
}

// A read that never ends keeps the log from starting over; it must not make
// each commit wait for it.
func TestLongReadHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "pollwire.db"))
	src := &store.Source{Name: "orders"}
	mustCommit(t, s, src)
	tx, err := s.reader.db.BeginTx(t.Context(), nil)
	must(t, err)
	var n int
	must(t, tx.QueryRow("SELECT count(*) FROM events").Scan(&n))

	w := s.writer
	must(t, s.write(t.Context(), 0, func(s *session) error {
		_, err := s.exec("PRAGMA busy_timeout = 1")
		return err
	}))
	for pages := 0; pages < resetPages+100; {
		for range 50 {
			must(t, s.Commit(t.Context(), noiseCommit(src)))
		}
		pages = logPages(t, s)
	}
	var resetAt int
	must(t, s.write(t.Context(), 0, func(*session) error { resetAt = w.checkpoints.resetAt; return nil }))
	if resetAt != 2*resetPages {
		t.Errorf("the next reset is tried at %d pages, want %d", resetAt, 2*resetPages)
	}
	must(t, tx.Rollback())
	for range 200 {
		must(t, s.Commit(t.Context(), noiseCommit(src)))
	}
	if n := logPages(t, s); n > resetPages {
		t.Errorf("the log has %d pages after the read ended", n)
	}
}

func TestFailingCheckpointIsLoggedOnce(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "pollwire.db"))
	var out strings.Builder
	c := checkpointer{path: "p.db", logger: slog.New(slog.NewTextHandler(&out, nil))}
	closed := s.writer.session
	must(t, s.Close())
	for range 3 {
		if err := c.run(closed); err == nil {
			t.Fatal("a checkpoint over a closed connection succeeded")
		}
	}
	if n := strings.Count(out.String(), "checkpoint of the database failed"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, out.String())
	}
}
