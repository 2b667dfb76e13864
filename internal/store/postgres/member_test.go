package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pollwire/pollwire/internal/store"
)

const silence = 8 * time.Second

func member(id string) store.Member {
	return store.Member{
		ID: id, Name: "node\x00 " + id, Host: "host", PID: 7, Version: "v1", Config: "c1",
		StartedAt: time.UnixMicro(1_700_000_000_000_001).UTC(), ConfiguredAt: time.UnixMicro(1_700_000_000_000_002).UTC(),
		ClockAhead: 2 * time.Second,
	}
}

// quieten makes a node look as if it had been silent for so long.
func quieten(t *testing.T, s *Store, id string, silent time.Duration) {
	t.Helper()
	_, err := s.pool.Exec(t.Context(), `UPDATE nodes SET seen_at = clock_timestamp() - $2 * interval '1 microsecond' WHERE id = $1`, id, silent.Microseconds())
	must(t, err)
}

func mustJoin(t *testing.T, s *Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		must(t, s.Join(t.Context(), member(id)))
	}
}

func generation(t *testing.T, s *Store) int64 {
	t.Helper()
	p, err := s.Pulse(t.Context())
	must(t, err)
	return p.Generation
}

func ids(members []store.Member) (ids []string) {
	for _, m := range members {
		ids = append(ids, m.ID)
	}
	return ids
}

// TestMember goes through the life of a node.
func TestMember(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	ctx := t.Context()
	mustJoin(t, s, "b", "a")
	mustJoin(t, s, "a") // once more: nobody knows whether the first one arrived
	found, err := s.Members(ctx)
	must(t, err)
	if d := cmp.Diff([]store.Member{member("a"), member("b")}, found, cmpopts.IgnoreFields(store.Member{}, "SeenAt", "Age")); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	for _, m := range found {
		if m.Age < 0 || m.Age > time.Minute || m.SeenAt.IsZero() {
			t.Errorf("%s seen at %v, %v ago", m.ID, m.SeenAt, m.Age)
		}
	}

	// A beat that says nothing new makes nobody look.
	before := generation(t, s)
	quieten(t, s, "a", time.Hour)
	a := member("a")
	a.Config, a.ConfiguredAt, a.ClockAhead = "c2", a.ConfiguredAt.Add(time.Second), -1500*time.Millisecond
	alive, err := s.Beat(ctx, a)
	must(t, err)
	found, err = s.Members(ctx)
	must(t, err)
	if !alive || found[0].Age > time.Minute || found[0].Config != "c2" || !found[0].ConfiguredAt.Equal(a.ConfiguredAt) || found[0].ClockAhead != a.ClockAhead || generation(t, s) != before {
		t.Errorf("after a beat: alive %v, %+v", alive, found[0])
	}
	a.Leaving = true
	_, err = s.Beat(ctx, a)
	must(t, err)
	found, err = s.Members(ctx)
	must(t, err)
	if !found[0].Leaving || generation(t, s) != before+1 {
		t.Errorf("leaving: %+v", found[0])
	}

	must(t, s.Leave(ctx, "a"))
	must(t, s.Leave(ctx, "a"))
	if alive, err = s.Beat(ctx, a); err != nil || alive {
		t.Errorf("one that left beats: %v, %v", alive, err)
	}
	if found, err = s.Members(ctx); err != nil || len(found) != 1 || generation(t, s) != before+2 {
		t.Errorf("after the leave: %v, %v", found, err)
	}
}

// TestBury buries who is silent, and nobody else.
func TestBury(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	ctx := t.Context()
	mustJoin(t, s, "a", "b", "c", "d")
	quieten(t, s, "b", silence+time.Second)
	quieten(t, s, "c", silence-2*time.Second)
	quieten(t, s, "d", silence+time.Second)
	before := generation(t, s)
	// One that was silent itself may be asking since long ago.
	quieten(t, s, "a", silence/2+time.Second)
	if buried, err := s.Bury(ctx, "a", silence, []string{"b"}); err != nil || len(buried) > 0 {
		t.Errorf("one that was silent itself buried %v: %v", buried, err)
	}
	if buried, err := s.Bury(ctx, "gone", silence, []string{"b"}); err != nil || len(buried) > 0 {
		t.Errorf("one that is none buried %v: %v", buried, err)
	}
	if generation(t, s) != before {
		t.Error("others were made to look for nothing")
	}
	quieten(t, s, "a", 0)
	buried, err := s.Bury(ctx, "a", silence, []string{"a", "b", "c"})
	must(t, err)
	if d := cmp.Diff([]string{"b"}, buried); d != "" {
		t.Errorf("buried (-want +got):\n%s", d)
	}
	found, err := s.Members(ctx)
	must(t, err)
	if d := cmp.Diff([]string{"a", "c", "d"}, ids(found)); d != "" {
		t.Errorf("left (-want +got):\n%s", d)
	}
	if generation(t, s) != before+1 {
		t.Error("others were not made to look")
	}
}

// TestBuryOrBeat lets a node be seen in the moment in which it is buried: one of
// the two comes first, and the other knows.
func TestBuryOrBeat(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	mustJoin(t, s, "a", "b")
	for range 50 {
		quieten(t, s, "b", silence+time.Second)
		buried := make(chan []string)
		go func() {
			ids, _ := s.Bury(context.WithoutCancel(t.Context()), "a", silence, []string{"b"})
			buried <- ids
		}()
		alive, err := s.Beat(t.Context(), member("b"))
		must(t, err)
		if gone := len(<-buried) > 0; gone == alive {
			t.Fatalf("alive %v, buried %v", alive, gone)
		}
		mustJoin(t, s, "a", "b")
	}
}

// TestVital says that the node lives while every other connection is busy.
func TestVital(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	mustJoin(t, s, "a")
	for range maxConns {
		conn, err := s.pool.Acquire(t.Context())
		must(t, err)
		defer conn.Release()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if alive, err := s.Beat(ctx, member("a")); err != nil || !alive {
		t.Errorf("alive %v: %v", alive, err)
	}
	_, err := s.Pulse(ctx)
	must(t, err)
	_, err = s.Members(ctx)
	must(t, err)
}

// TestStir makes others look.
func TestStir(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t))
	before := generation(t, s)
	must(t, s.Stir(t.Context()))
	if after := generation(t, s); after != before+1 {
		t.Errorf("generation %d after %d", after, before)
	}
}

// TestReadOnlyNode looks, and joins nobody.
func TestReadOnlyNode(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	mustJoin(t, mustOpen(t, dsn), "a")
	s, err := Open(t.Context(), Options{DSN: dsn, ReadOnly: true})
	must(t, err)
	defer s.Close()
	ctx := t.Context()
	_, beat := s.Beat(ctx, member("a"))
	_, bury := s.Bury(ctx, "a", silence, nil)
	_, claim := s.Claim(ctx, "a", nil)
	for _, err := range []error{s.Join(ctx, member("b")), beat, s.Leave(ctx, "a"), bury, claim, s.Free(ctx, nil), s.Stir(ctx)} {
		mustBe(t, err, store.ErrReadOnly)
	}
	if found, err := s.Members(ctx); err != nil || len(found) != 1 {
		t.Errorf("members %v: %v", found, err)
	}
}
