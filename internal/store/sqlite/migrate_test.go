package sqlite

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// mustSchema makes a database of an older schema, with what testdata has for it.
func mustSchema(t *testing.T, version int64, data string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	db, err := sql.Open("sqlite", dsn(path, "rwc", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "foreign_keys(1)"))
	must(t, err)
	provider, err := newProvider(db)
	must(t, err)
	_, err = provider.UpTo(t.Context(), version)
	must(t, err)
	rows, err := os.ReadFile(filepath.Join("testdata", data))
	must(t, err)
	_, err = db.ExecContext(t.Context(), string(rows))
	must(t, err)
	must(t, db.Close())
	return path
}

// TestMigrateFirstSchema opens what the first schema held: nothing of it is
// lost, and the store goes on with it.
func TestMigrateFirstSchema(t *testing.T) {
	t.Parallel()
	path := mustSchema(t, 1, "schema1.sql")
	s := mustOpen(t, path)
	src, err := s.Source(t.Context(), "orders")
	must(t, err)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := store.Source{
		Name: "orders", RequestKey: "request", RulesKey: "rules", Version: 3, Sequence: 2, AcceptRemoval: true, ChangedAt: at.Add(2 * time.Microsecond),
		State: poller.State{ETag: `"3"`, LastModified: "Fri, 02 Jan 2026 03:04:05 GMT", RawHash: src.State.RawHash},
		Alert: store.SourceAlert{Since: at, Failures: 5, Reason: "503", ToldAt: at.Add(time.Second)},
	}
	if d := cmp.Diff(want, src); d != "" || src.State.RawHash[31] != 0x32 {
		t.Errorf("row (-want +got):\n%s", d)
	}
	for version, body := range map[int64]string{2: `{"n":2}`, 3: "n is 3"} {
		if snap, err := s.SnapshotAt(t.Context(), "orders", version); err != nil || string(snap.Body) != body || snap.At.Before(at) {
			t.Errorf("version %d: %q, %v", version, snap.Body, err)
		}
	}
	if items, err := s.AllDeparted(t.Context(), "feed"); err != nil || len(items) != 1 || string(items[0].Item) != `{"id":0}` {
		t.Errorf("departed: %v, %v", items, err)
	}
	waiting, err := s.Waiting(t.Context(), "ops", 0, 10)
	if err != nil || len(waiting) != 1 || waiting[0].ID != 9 || waiting[0].Posts != 2 {
		t.Errorf("waiting: %v, %v", waiting, err)
	}
	if budgets, err := s.Budgets(t.Context()); err != nil || len(budgets) != 1 || budgets[0].Spent[0].Count != 3 {
		t.Errorf("budgets: %v, %v", budgets, err)
	}
	if states, err := s.EndpointStates(t.Context()); err != nil || len(states) != 1 || !states[0].Disabled {
		t.Errorf("endpoints: %v, %v", states, err)
	}
	if known, err := s.ReplaysByID(t.Context(), store.FirstReplay); err != nil || len(known) != 2 || known[1].Endpoint != "ops" || known[1].FinishedAt.IsZero() {
		t.Errorf("endpoints that are not new: %v, %v", known, err)
	}
	goOn(t, s, &src)
	must(t, s.Close())
	verifySound(t, path)
}

// goOn uses all that the second schema has on a source of the first.
func goOn(t *testing.T, s *Store, src *store.Source) {
	t.Helper()
	src.State.Cursor = "7"
	c := benchCommit(src, 1)
	c.Snapshot.Format = diff.JSON
	c.Details = []store.Detail{{Key: "7", Body: []byte("{}")}}
	must(t, s.Commit(t.Context(), c))
	if c.Events[0].Sequence != 3 || c.Events[0].Position != 6 || c.Events[0].Tell[0].ID != 10 {
		t.Errorf("numbers do not go on: %+v", c.Events[0])
	}
	storetest.VerifyLog(t, s)
	must(t, s.SaveToken(t.Context(), "shop", []byte("sealed")))
	must(t, s.Rename(t.Context(), "orders", "purchases"))
	got, err := s.Source(t.Context(), "purchases")
	if err != nil || got.State.Cursor != "7" || got.Version != 4 {
		t.Errorf("renamed: %+v, %v", got, err)
	}
	must(t, s.Record(t.Context(), []notify.Outcome{{Delivery: 9, State: notify.Delivered}}))
}

// TestMigrationIsTold, and a file that is not there is not made where that is asked.
func TestMigrationIsTold(t *testing.T) {
	t.Parallel()
	last := lastSchema(t)
	path := mustSchema(t, 1, "schema1.sql")
	for _, want := range []Migration{{From: 1, To: last}, {From: last, To: last}} {
		s, err := Open(t.Context(), Options{Path: path, Existing: true})
		must(t, err)
		if got := s.Migration(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		must(t, s.Close())
	}
	missing := realPath(t)
	_, err := Open(t.Context(), Options{Path: missing, Existing: true})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "there is none at "+missing) {
		t.Errorf("got %v", err)
	}
	mustBeAlone(t, missing)
}
