package postgres

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/pollwire/pollwire/internal/store"
)

// mustRelay opens a database with nodes of these IDs.
func mustRelay(t *testing.T, nodes ...string) (s *Store, dsn string) {
	t.Helper()
	dsn = migrated(t)
	s = mustOpen(t, dsn)
	for _, id := range nodes {
		mustExec(t, dsn, fmt.Sprintf(`INSERT INTO nodes (id, name, host, pid, version, config, started_at, configured_at, seen_at)
			VALUES ('%s', 'n', 'h', 1, 'v', 'c', 1, 1, clock_timestamp())`, id))
	}
	return s, dsn
}

func mustAwait(t *testing.T, s *Store, id string) store.RelayedAnswer {
	t.Helper()
	a, err := s.Await(t.Context(), id)
	must(t, err)
	return a
}

// TestRelay has a request go to another node and its answer come back, whole.
func TestRelay(t *testing.T) {
	t.Parallel()
	s, dsn := mustRelay(t, "A", "B")
	ctx := t.Context()
	body := bytes.Repeat([]byte{0, 'x', 0xff}, 1000)
	first := store.Relayed{ID: "01", Node: "B", Method: "POST", Path: "/v1/sources/a%20b/poll?x=1", Body: body}
	must(t, s.Ask(ctx, &first))
	must(t, s.Ask(ctx, &store.Relayed{ID: "02", Node: "B", Method: "GET", Path: "/v1/sources/c"}))
	must(t, s.Ask(ctx, &store.Relayed{ID: "03", Node: "A", Method: "GET", Path: "/v1/sources/d"}))
	if a := mustAwait(t, s, "01"); a.Taken || a.Status != 0 {
		t.Errorf("before it is taken: %+v", a)
	}
	got, err := s.Pending(ctx, "B", 1)
	must(t, err)
	if len(got) != 1 || got[0].ID != "01" || got[0].Node != "B" || got[0].Method != http.MethodPost || got[0].Path != first.Path || !bytes.Equal(got[0].Body, body) {
		t.Fatalf("taken: %+v", got)
	}
	if got, err = s.Pending(ctx, "B", 10); err != nil || len(got) != 1 || got[0].ID != "02" {
		t.Fatalf("taken then: %+v, %v", got, err)
	}
	if a := mustAwait(t, s, "01"); !a.Taken || a.Status != 0 {
		t.Errorf("once it is taken: %+v", a)
	}
	must(t, s.Answer(ctx, "01", 202, body))
	must(t, s.Answer(ctx, "01", 500, nil)) // it has an answer
	if a := mustAwait(t, s, "01"); a.Status != 202 || !bytes.Equal(a.Body, body) {
		t.Errorf("answered: %d, %d bytes", a.Status, len(a.Body))
	}
	_, err = s.Await(ctx, "01")
	mustBe(t, err, store.ErrNotFound)

	mustExec(t, dsn, `UPDATE relayed SET created_at = created_at - interval '1 hour'`)
	must(t, s.Ask(ctx, &store.Relayed{ID: "04", Node: "A", Method: "GET", Path: "/"}))
	if _, err = s.Await(ctx, "03"); err == nil {
		t.Error("what nobody has taken in an hour is still there")
	}
}

// TestRelayWakes: each request makes nodes look, and nothing else does.
func TestRelayWakes(t *testing.T) {
	t.Parallel()
	s, _ := mustRelay(t, "A")
	generation := func() int64 {
		n, err := list(t.Context(), s, scanID, `SELECT generation FROM cluster`)
		must(t, err)
		return n[0]
	}
	before := generation()
	must(t, s.Ask(t.Context(), &store.Relayed{ID: "01", Node: "A", Method: "GET", Path: "/"}))
	if got := generation(); got != before+1 {
		t.Errorf("generation %d, then %d", before, got)
	}
	mustBe(t, s.Ask(t.Context(), &store.Relayed{ID: "02", Node: "gone", Method: "GET", Path: "/"}), store.ErrNotFound)
	_, err := s.Pending(t.Context(), "A", 9)
	must(t, err)
	must(t, s.Answer(t.Context(), "01", 200, nil))
	if got := generation(); got != before+1 {
		t.Errorf("generation %d, then %d", before, got)
	}
}

// TestRelayWithdrawn: what was given up is carried out by nobody, and what was begun
// cannot be given up.
func TestRelayWithdrawn(t *testing.T) {
	t.Parallel()
	s, _ := mustRelay(t, "A")
	ctx := t.Context()
	must(t, s.Ask(ctx, &store.Relayed{ID: "01", Node: "A", Method: "GET", Path: "/"}))
	must(t, s.Ask(ctx, &store.Relayed{ID: "02", Node: "A", Method: "GET", Path: "/"}))
	if withdrawn, err := s.Withdraw(ctx, "01"); err != nil || !withdrawn {
		t.Fatalf("withdrawn %v, %v", withdrawn, err)
	}
	if got, err := s.Pending(ctx, "A", 9); err != nil || len(got) != 1 || got[0].ID != "02" {
		t.Fatalf("taken: %+v, %v", got, err)
	}
	if withdrawn, err := s.Withdraw(ctx, "02"); err != nil || withdrawn {
		t.Fatalf("what was begun: withdrawn %v, %v", withdrawn, err)
	}
	must(t, s.Answer(ctx, "01", 200, nil)) // nobody is there
}

// TestRelayTakenOnce: of several that ask, one gets each request.
func TestRelayTakenOnce(t *testing.T) {
	t.Parallel()
	s, _ := mustRelay(t, "A")
	const n = 60
	for i := range n {
		must(t, s.Ask(t.Context(), &store.Relayed{ID: fmt.Sprintf("%02d", i), Node: "A", Method: "GET", Path: "/"}))
	}
	taken := make(chan string, 2*n)
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			for {
				got, err := s.Pending(t.Context(), "A", 7)
				if err != nil || len(got) == 0 {
					return err
				}
				for i := range got {
					taken <- got[i].ID
				}
			}
		})
	}
	must(t, group.Wait())
	close(taken)
	seen := make(map[string]bool)
	for id := range taken {
		if seen[id] {
			t.Errorf("%s was taken twice", id)
		}
		seen[id] = true
	}
	if len(seen) != n {
		t.Errorf("%d of %d were taken", len(seen), n)
	}
}
