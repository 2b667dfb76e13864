package postgres

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
	"github.com/pollwire/pollwire/notify"
)

// version is the commit of a source's next version, with one change that is told.
func version(src *store.Source, endpoints ...string) *store.Commit {
	n := src.Version + 1
	c := &store.Commit{
		Source: src, KeepSnapshots: 3,
		Snapshot: &store.Snapshot{At: time.UnixMicro(n), Format: diff.JSON, Body: fmt.Appendf(nil, `{"n":%d}`, n)},
		Events: []store.Event{{Event: notify.Event{
			ID: fmt.Sprintf("evt_%s_%d", src.Name, n), Type: "shop.order.updated", Source: src.Name, Subject: "7", Time: time.UnixMicro(n), Data: []byte("{}"),
		}}},
	}
	for _, name := range endpoints {
		c.Events[0].Tell = append(c.Events[0].Tell, notify.Delivery{Endpoint: name, Lane: src.Name})
	}
	return c
}

// TestReaderOfManyNodes reads the log while two nodes add to it: whenever it looks
// it finds what follows without a gap, and nothing comes in behind its back. So do
// the numbers of deliveries.
func TestReaderOfManyNodes(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	nodes := []*Store{mustOpen(t, dsn), mustOpen(t, dsn)}
	reader := mustOpen(t, dsn)
	const sources, versions = 12, 25
	var group errgroup.Group
	for i := range sources {
		group.Go(func() error {
			src := &store.Source{Name: fmt.Sprintf("s%d", i)}
			for range versions {
				c := version(src, "ops", "crm")
				if err := nodes[i%2].Commit(t.Context(), c); err != nil {
					return err
				}
				if c.Events[0].Sequence != src.Sequence || len(c.Events[0].Tell) != 2 || c.Events[0].Tell[1].ID == 0 {
					return fmt.Errorf("committed %+v", c.Events[0])
				}
			}
			return nil
		})
	}
	var position, delivery int64
	for position < sources*versions {
		events, err := reader.Events(t.Context(), position, 1000)
		must(t, err)
		for _, e := range events {
			if position++; e.Position != position {
				t.Fatalf("event %d follows %d", e.Position, position-1)
			}
		}
		found, err := list(t.Context(), reader, scanID, "SELECT id FROM deliveries WHERE id > $1 ORDER BY id", delivery)
		must(t, err)
		for _, id := range found {
			if delivery++; id != delivery {
				t.Fatalf("delivery %d follows %d", id, delivery-1)
			}
		}
		pulse, err := reader.Pulse(t.Context())
		must(t, err)
		if pulse.Position < position || pulse.Delivery < delivery {
			t.Fatalf("the end of the log is %+v, but %d and %d were read", pulse, position, delivery)
		}
	}
	must(t, group.Wait())
	storetest.VerifyLog(t, reader)
}

// mustLease gives a node leases under an epoch.
func mustLease(t *testing.T, s *Store, node string, epoch int64, resources ...string) {
	t.Helper()
	_, err := s.pool.Exec(t.Context(), `INSERT INTO leases (resource, node, epoch, since) SELECT r, $1, $2, now() FROM unnest($3::text[]) r
		ON CONFLICT (resource) DO UPDATE SET node = excluded.node, epoch = excluded.epoch`, node, epoch, texts(resources))
	must(t, err)
}

// TestLostEpoch refuses what was begun under a lease that another node has by now,
// whoever else is in the group.
func TestLostEpoch(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	held := fence{}
	s.SetFence("me", held)
	names := []string{"a", "b\x00c", "taken", "newer"}
	for _, name := range names {
		held[store.SourceResource(name)] = 3
		mustLease(t, s, "me", 3, store.SourceResource(name))
	}
	held[store.EndpointResource("ops")] = 1
	mustLease(t, s, "me", 1, store.EndpointResource("ops"))
	alert := func(lease string) *store.Commit {
		return &store.Commit{Lease: lease, Events: []store.Event{{Event: notify.Event{ID: "evt_" + lease, Type: "pollwire.endpoint.failing", Source: "ops", Alert: true}}}}
	}
	mustLease(t, s, "other", 4, store.SourceResource("taken"))
	mustLease(t, s, "me", 5, store.SourceResource("newer")) // back again, but a write of before is of before

	var all []*commit
	for _, c := range []*store.Commit{
		version(&store.Source{Name: "a"}), version(&store.Source{Name: "b\x00c"}), version(&store.Source{Name: "taken"}), version(&store.Source{Name: "newer"}),
		alert(store.EndpointResource("ops")),
	} {
		all = append(all, s.mustPack(t, c))
	}
	must(t, s.try(all))
	for i, want := range []error{nil, nil, store.ErrNotHeld, store.ErrNotHeld, nil} {
		if !errors.Is(all[i].err, want) {
			t.Errorf("commit %d: %v, want %v", i, all[i].err, want)
		}
	}
	mustBe(t, s.Commit(t.Context(), version(&store.Source{Name: "taken"})), store.ErrNotHeld)
	mustBe(t, s.Commit(t.Context(), version(&store.Source{Name: "nobody's"})), store.ErrNotHeld)
	mustBe(t, s.Commit(t.Context(), alert(store.EndpointResource("crm"))), store.ErrNotHeld)
	mustLease(t, s, "other", 2, store.EndpointResource("ops"))
	mustBe(t, s.Commit(t.Context(), alert(store.EndpointResource("ops"))), store.ErrNotHeld)

	storetest.VerifyLog(t, s)
	events, err := s.Events(t.Context(), 0, 10)
	must(t, err)
	found, err := s.Sources(t.Context())
	must(t, err)
	if len(events) != 3 || events[2].Position != 3 || len(found) != 2 {
		t.Errorf("%d events of %d sources", len(events), len(found))
	}
}

// mustPack packs a commit as Commit does.
func (s *Store) mustPack(t *testing.T, c *store.Commit) *commit {
	t.Helper()
	packed, err := s.codec.Pack(t.Context(), c, time.Now(), s.Snapshot)
	must(t, err)
	resource := c.Lease
	if c.Source != nil {
		resource = store.SourceResource(c.Source.Name)
	}
	held, err := s.held([]string{resource})
	must(t, err)
	return &commit{Commit: packed, held: held}
}

// TestCommitDuringTakeover waits for a claim that is under way, and is refused when
// that is done.
func TestCommitDuringTakeover(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	resource := store.SourceResource("orders")
	s.SetFence("me", fence{resource: 3})
	mustLease(t, s, "me", 3, resource)
	claim, err := s.pool.Begin(t.Context())
	must(t, err)
	_, err = claim.Exec(t.Context(), "UPDATE leases SET node = 'other', epoch = epoch + 1 WHERE resource = $1", resource)
	must(t, err)
	failed := make(chan error)
	go func() { failed <- s.Commit(t.Context(), version(&store.Source{Name: "orders"})) }()
	s.awaitLock(t)
	must(t, claim.Commit(t.Context()))
	mustBe(t, <-failed, store.ErrNotHeld)
	if _, err := s.Source(t.Context(), "orders"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the source is there: %v", err)
	}
}

// TestGroupWithFailures commits what waits together though some of it conflicts,
// and some cannot be written at all.
func TestGroupWithFailures(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	known := &store.Source{Name: "known"}
	must(t, s.Commit(t.Context(), version(known)))

	// All that follows waits behind a commit that waits for the end of the log.
	head, err := s.pool.Begin(t.Context())
	must(t, err)
	_, err = head.Exec(t.Context(), "UPDATE log_head SET position = position")
	must(t, err)
	var group errgroup.Group
	group.Go(func() error { return s.Commit(t.Context(), version(&store.Source{Name: "first"})) })
	s.awaitLock(t)
	for i := range 20 {
		group.Go(func() error {
			c := version(&store.Source{Name: fmt.Sprintf("s%d", i)}, "ops")
			var want error
			switch i % 4 {
			case 1:
				c.Source.Version, want = 7, store.ErrConflict
			case 2:
				c.Events[0].ID, want = "evt_known_1", errTaken
			}
			err := s.Commit(t.Context(), c)
			if errors.Is(want, errTaken) && err != nil && !store.Passes(err) {
				return nil
			}
			if !errors.Is(err, want) {
				return fmt.Errorf("source s%d: %w, want %w", i, err, want)
			}
			return nil
		})
	}
	// Two of one source: the second one finds that it is not the first.
	rivals := make(chan error, 2)
	for i := range 2 {
		group.Go(func() error {
			c := version(&store.Source{Name: "rivals"})
			c.Events[0].ID += fmt.Sprint("_", i)
			rivals <- s.Commit(t.Context(), c)
			return nil
		})
	}
	must(t, head.Rollback(t.Context()))
	must(t, group.Wait())
	if a, b := <-rivals, <-rivals; (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), store.ErrConflict) {
		t.Errorf("rivals: %v, %v", a, b)
	}
	storetest.VerifyLog(t, s)
	if last, err := s.LastPosition(t.Context()); err != nil || last != 13 { // known, first, rivals, and 10 of 20
		t.Errorf("the log ends at %d, %v", last, err)
	}
	if waiting, err := s.Waiting(t.Context(), "ops", 0, 100); err != nil || len(waiting) != 10 {
		t.Errorf("%d deliveries wait, %v", len(waiting), err)
	}
}

var errTaken = errors.New("the event's ID is taken")

// TestCommitLeavesOut does not tell a new endpoint what its first replay comes to,
// and gives the deliveries that it makes their own numbers.
func TestCommitLeavesOut(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	must(t, s.AddReplays(t.Context(), []store.Replay{{ID: store.FirstReplay, First: true, Endpoint: "new\x00er", CreatedAt: time.Now()}}))
	c := version(&store.Source{Name: "orders"}, "ops", "new\x00er", "crm")
	must(t, s.Commit(t.Context(), c))
	var told []notify.Delivery
	for _, name := range []string{"ops", "new\x00er", "crm"} {
		found, err := s.Waiting(t.Context(), name, 0, 10)
		must(t, err)
		told = append(told, found...)
	}
	if d := cmp.Diff(told, c.Events[0].Tell); d != "" || len(told) != 2 {
		t.Errorf("deliveries (-there +told):\n%s", d)
	}
}

// TestAcknowledgedIsOnDisk: whatever a server's settings say, a commit waits for its
// disk.
func TestAcknowledgedIsOnDisk(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	mustExec(t, dsn, "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET synchronous_commit = off'; END $$")
	s := mustOpen(t, dsn)
	conn, err := s.pool.Acquire(t.Context())
	must(t, err)
	defer conn.Release()
	var sc script
	sc.begin(idleTimeout)
	place := sc.add("SELECT current_setting('synchronous_commit'), current_setting('idle_in_transaction_session_timeout')")
	sc.add("ROLLBACK")
	found, err := s.run(t.Context(), conn, &sc)
	must(t, err)
	if row := found[place].Rows[0]; string(row[0]) != "on" || string(row[1]) != "5s" {
		t.Errorf("settings %s", row)
	}
}

// TestCommitWhoseContextEnds returns at once, and may still happen.
func TestCommitWhoseContextEnds(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	head, err := s.pool.Begin(t.Context())
	must(t, err)
	_, err = head.Exec(t.Context(), "UPDATE log_head SET position = position")
	must(t, err)
	why := errors.New("called off")
	ctx, cancel := context.WithCancelCause(t.Context())
	left := make(chan error)
	go func() { left <- s.Commit(ctx, version(&store.Source{Name: "orders"})) }()
	s.awaitLock(t)
	cancel(why)
	mustBe(t, <-left, why)
	must(t, head.Rollback(t.Context()))
	must(t, s.Commit(t.Context(), version(&store.Source{Name: "others"}))) // behind the other one
	if _, err := s.Source(t.Context(), "orders"); err != nil {
		t.Errorf("what was under way did not happen: %v", err)
	}
}

// TestCommitWaitsForNoReader: what is read by many at once, or for long, holds up no
// commit.
func TestCommitWaitsForNoReader(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t)+"&pool_max_conns=2")
	for range 2 {
		conn, err := s.pool.Acquire(t.Context())
		must(t, err)
		defer conn.Release()
	}
	src := &store.Source{Name: "orders"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, s.Commit(ctx, &store.Commit{Source: src, Events: []store.Event{{Event: notify.Event{ID: "evt_1", Source: "orders", Type: "pollwire.source.failing", Alert: true, Time: time.Unix(1, 0), Data: []byte("{}")}}}}))
}
