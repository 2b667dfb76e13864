package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
	"github.com/pollwire/pollwire/notify"
)

// reach does something again for as long as connections are found to be broken.
func reach(do func() error) error {
	for {
		if err := do(); !errors.Is(err, store.ErrUnreachable) {
			return err
		}
	}
}

// promote makes a server go on as a standby does that takes over.
func promote(t *testing.T, server *postgrestest.Server) {
	t.Helper()
	must(t, server.Signal(syscall.SIGINT))
	server.Wait()
	must(t, os.WriteFile(filepath.Join(server.Dir(), "data", "standby.signal"), nil, 0o644))
	must(t, server.Restart())
	mustExec(t, server.DSN("postgres"), "SELECT pg_promote()")
}

// TestTimeline: a member of the timeline before a failover is none of that after it,
// and writes nothing there, since numbers and epochs mean something else now. One
// that joins again does.
func TestTimeline(t *testing.T) {
	t.Parallel()
	server := postgrestest.Own(t, postgrestest.Options{Durable: true})
	dsn, err := server.Create()
	must(t, err)
	s := mustOpen(t, dsn)
	if !s.timelines {
		t.Fatal("PostgreSQL has no timelines")
	}
	s.SetFence("", fence{}.all(3))
	me := store.Member{ID: "me", Name: "a", StartedAt: time.Unix(1, 0), ConfiguredAt: time.Unix(1, 0)}
	must(t, s.Join(t.Context(), me))
	for _, query := range []string{
		`INSERT INTO events SELECT n, 'evt_' || n, 'x.created', 'orders', '7', n, n, 0, 0, '{}' FROM generate_series(1, 5) n`,
		`INSERT INTO deliveries SELECT n, n, 'ops', 'somewhere', 'waiting', 0, 0, 7, 0, 8, '', '' FROM generate_series(1, 5) n`,
		`UPDATE log_head SET position = 5, delivery = 5`,
	} {
		mustExec(t, dsn, query)
	}
	for resource := range (fence{}).all(3) {
		mustExec(t, dsn, "INSERT INTO leases (resource, node, epoch, since) VALUES ('"+resource+"', 'me', 3, now())")
	}
	beat := func(want error) {
		t.Helper()
		var alive bool
		err := reach(func() (err error) {
			alive, err = s.Beat(t.Context(), me)
			return err
		})
		if !errors.Is(err, want) || alive != (want == nil) {
			t.Fatalf("lives: %v, %v, want %v", alive, err, want)
		}
		if err != nil {
			t.Log(err)
		}
	}
	write := func() map[string]error {
		failed := make(map[string]error)
		commit := &store.Commit{Lease: store.EndpointResource("ops"), Events: []store.Event{{Event: notify.Event{ID: "evt_" + time.Now().String(), Alert: true}}}}
		failed["commit"] = reach(func() error { return s.Commit(t.Context(), commit) })
		failed["pace"] = reach(func() error { return leased["pace"](t.Context(), s) })
		must(t, reach(func() error { return leftOut["outcomes"](t.Context(), s) }))
		return failed
	}
	waiting := func(want int64) {
		t.Helper()
		var found []int64
		must(t, reach(func() (err error) {
			found, err = list(t.Context(), s, scanID, "SELECT count(*) FROM deliveries WHERE state = 'waiting'")
			return err
		}))
		if found[0] != want {
			t.Errorf("%d wait, want %d", found[0], want)
		}
	}

	must(t, server.Kill()) // the same server goes on with all that it had
	must(t, server.Restart())
	beat(nil)

	promote(t, server)
	for what, err := range write() {
		mustBe(t, err, store.ErrNotHeld)
		t.Log(what, err)
	}
	waiting(5)
	beat(store.ErrNewTimeline)

	must(t, s.Join(t.Context(), me))
	beat(nil)
	for what, err := range write() {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	waiting(4)
}

// TestTimelinesTogether: of commits in one group those are written that are under
// leases of this timeline.
func TestTimelinesTogether(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "me", 3, fence{}.all(3))
	found, err := list(t.Context(), s, scanName, selectTimeline)
	must(t, err)
	var writes []*commit
	for _, timeline := range []string{"00000000/1", found[0], ""} {
		c := &commit{Commit: &blob.Commit{}, held: &holding{node: "me", timeline: timeline, resources: []string{store.EndpointResource("ops")}, epochs: []int64{3}}}
		c.Events = []blob.Event{{Event: notify.Event{ID: "evt_on_" + timeline, Alert: true}}}
		writes = append(writes, c)
	}
	group := func(commits ...*commit) error { return s.transact(commits) }
	mustBe(t, group(writes...), store.ErrNotHeld)
	must(t, group(writes[1:]...))
}
