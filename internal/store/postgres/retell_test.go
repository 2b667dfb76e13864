package postgres

import (
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

// TestFirstWaitsForTheLog ends a replay to a new endpoint while a commit has added to
// the log and is not visible yet: it left the endpoint out, so the replay must come
// to what it added.
func TestFirstWaitsForTheLog(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "me", 1, fence{}.all(1))
	_, err := s.pool.Exec(t.Context(), "UPDATE replays SET first = 1, reached = 5, last = 0")
	must(t, err)
	commit, err := s.pool.Begin(t.Context())
	must(t, err)
	for _, query := range []string{
		"UPDATE log_head SET position = position + 1 WHERE id = 1",
		"INSERT INTO events SELECT 6, 'evt_6', 'x.created', 'orders', '7', 6, 6, 0, 0, '{}'",
	} {
		_, err := commit.Exec(t.Context(), query)
		must(t, err)
	}
	r := store.Replay{ID: "rpl_1", Endpoint: "ops", First: true, Reached: 5}
	advanced := make(chan error, 1)
	go func() { advanced <- s.AdvanceReplay(t.Context(), &r, store.ReplayStep{Reached: 5, End: true}) }()
	waiting(t, s, advanced)
	must(t, commit.Commit(t.Context()))
	must(t, <-advanced)
	if !r.FinishedAt.IsZero() || r.Last != 0 {
		t.Errorf("it ended at %d of 6: %+v", r.Reached, r)
	}
	must(t, s.AdvanceReplay(t.Context(), &r, store.ReplayStep{Reached: 6}))
	if r.FinishedAt.IsZero() || r.Last != 6 {
		t.Errorf("it did not end with the log: %+v", r)
	}
}

// TestReplayIsAdvancedOnce lets two nodes make the same step: the second one waits
// for the first, and finds the replay elsewhere.
func TestReplayIsAdvancedOnce(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "me", 1, fence{}.all(1))
	first, err := s.pool.Begin(t.Context())
	must(t, err)
	_, err = first.Exec(t.Context(), "UPDATE replays SET reached = 2")
	must(t, err)
	r := store.Replay{ID: "rpl_1", Endpoint: "ops"}
	advanced := make(chan error, 1)
	go func() { advanced <- s.AdvanceReplay(t.Context(), &r, store.ReplayStep{Reached: 2}) }()
	waiting(t, s, advanced)
	must(t, first.Commit(t.Context()))
	mustBe(t, <-advanced, store.ErrConflict)
}
