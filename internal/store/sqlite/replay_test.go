package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
	"github.com/pollwire/pollwire/notify"
)

// replayForever tells a new endpoint the log and another one the log again, in
// small steps, while more comes. It begins both once in the life of a database.
func replayForever(ctx context.Context, s *Store) error {
	now := time.Now()
	if err := s.AddReplays(ctx, []store.Replay{{ID: store.FirstReplay, Endpoint: "new", First: true, CreatedAt: now}}); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- commitToNew(ctx, s) }()
	for steps := 0; ; steps++ {
		select {
		case err := <-failed:
			return err
		default:
		}
		if steps == 5 {
			if _, err := s.ReplaysByID(ctx, "rpl_1"); errors.Is(err, store.ErrNotFound) {
				if err := s.AddReplays(ctx, []store.Replay{{ID: "rpl_1", Endpoint: "again", CreatedAt: now}}); err != nil {
					return err
				}
			}
		}
		if err := stepReplays(ctx, s); err != nil {
			return err
		}
		fmt.Println("step")
	}
}

// commitToNew commits small changes without an end, to the new endpoint too.
func commitToNew(ctx context.Context, s *Store) error {
	src, err := s.Source(ctx, "orders")
	if errors.Is(err, store.ErrNotFound) {
		src, err = store.Source{Name: "orders"}, nil
	}
	for err == nil {
		c := store.Commit{Source: &src}
		for range 3 {
			c.Events = append(c.Events, store.Event{
				Event: notify.Event{ID: fmt.Sprintf("evt_%d_%d", src.Sequence, len(c.Events)), Type: "x.created", Source: "orders", Time: time.Now(), Data: []byte("{}")},
				Tell:  []notify.Delivery{{Endpoint: "new", Lane: "orders"}},
			})
		}
		err = s.Commit(ctx, &c)
	}
	return err
}

// stepReplays makes a step of each replay that is open.
func stepReplays(ctx context.Context, s *Store) error {
	open, err := s.OpenReplays(ctx)
	for i := 0; i < len(open) && err == nil; i++ {
		r := &open[i]
		var events []store.Replayed
		if events, err = s.ReplayEvents(ctx, r, 4); err != nil {
			break
		}
		step := store.ReplayStep{Reached: r.Reached, End: len(events) < 4}
		for _, e := range events {
			step.Reached = e.At
			step.Tell = append(step.Tell, notify.Delivery{Position: e.Event.Position, Lane: "orders", Replay: !r.First})
		}
		err = s.AdvanceReplay(ctx, r, step)
	}
	return err
}

// TestKillReplays kills a process that replays, again and again on one database:
// each event is told once, in the order of the log, what came meanwhile too.
func TestKillReplays(t *testing.T) {
	t.Parallel()
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	path := filepath.Join(t.TempDir(), "pollwire.db")
	for round := range rounds {
		cmd := child(t, "replay", path)
		out := lines(t, cmd)
		for left := 1 + rand.IntN(60); out.Scan(); left-- {
			if left == 0 {
				must(t, cmd.Process.Kill())
			}
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("round %d: the child ended by itself: %v", round, err)
		}
		verifyReplays(t, path, false)
	}
	verifyReplays(t, path, true)
}

// verifyReplays holds what waits for both endpoints to the log: as far as their
// replays have come, and where they are to be finished, all of it.
func verifyReplays(t *testing.T, path string, finish bool) {
	t.Helper()
	s := mustOpen(t, path)
	storetest.VerifyLog(t, s)
	for open := true; finish && open; {
		must(t, stepReplays(t.Context(), s))
		left, err := s.OpenReplays(t.Context())
		must(t, err)
		open = len(left) > 0
	}
	log, err := s.Events(t.Context(), 0, 1_000_000)
	must(t, err)
	for id, endpoint := range map[string]string{store.FirstReplay: "new", "rpl_1": "again"} {
		replays, err := s.ReplaysByID(t.Context(), id)
		if errors.Is(err, store.ErrNotFound) && !finish {
			continue
		}
		must(t, err)
		r := replays[0]
		told, err := s.Waiting(t.Context(), endpoint, 0, 1_000_000)
		must(t, err)
		upTo := r.Reached
		if r.First && !r.FinishedAt.IsZero() {
			upTo = int64(len(log)) // live since then
		}
		if int64(len(told)) != upTo || !r.First && r.Told != upTo {
			t.Fatalf("%s was told %d events, of which %d are of the replay, up to %d; of %d", endpoint, len(told), r.Told, upTo, len(log))
		}
		for i := range told {
			if told[i].Position != log[i].Position || told[i].Replay == r.First {
				t.Fatalf("%s: delivery %d is %+v", endpoint, i, told[i])
			}
		}
	}
	must(t, s.Close())
	verifySound(t, path)
}

// TestReplayBoundsNeedNoWriter: in a long log it takes a while to find where the
// replays to all endpoints begin and end, for which no commit may wait.
func TestReplayBoundsNeedNoWriter(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "pollwire.db"))
	src := store.Source{Name: "orders"}
	c := store.Commit{Source: &src}
	for n := range 5 {
		c.Events = append(c.Events, store.Event{
			Event: notify.Event{ID: fmt.Sprintf("evt_%d", n), Type: "x.created", Source: "orders", Time: time.Unix(int64(100+n), 0), Data: []byte("{}")},
		})
	}
	must(t, s.Commit(t.Context(), &c))

	writing, release, written := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		written <- s.write(context.WithoutCancel(t.Context()), 0, func(*session) error {
			close(writing)
			<-release
			return nil
		})
	}()
	<-writing
	now := time.Now()
	replays := []store.Replay{
		{Endpoint: "all"},
		{Endpoint: "some", Since: time.Unix(101, 0), Until: time.Unix(103, 0)},
		{Endpoint: "late", Since: time.Unix(200, 0)},
		{Endpoint: "dead", Dead: true},
		{Endpoint: "new", First: true, Since: time.Unix(102, 0)},
		{Endpoint: "old", First: true},
		{Endpoint: "other", Since: time.Unix(101, 0), Until: time.Unix(103, 0)},
		{Endpoint: "now", First: true, FinishedAt: now},
	}
	must(t, store.BoundReplays(t.Context(), replays, s.bounds))
	close(release)
	must(t, <-written)
	want := [][2]int64{{0, 5}, {1, 3}, {5, 5}, {0, 0}, {2, 0}, {0, 0}, {1, 3}, {0, 0}}
	for i, r := range replays {
		if got := [2]int64{r.Start, r.Last}; got != want[i] || r.Reached != r.Start {
			t.Errorf("%s: from %d to %d, reached %d, want %v", r.Endpoint, r.Start, r.Last, r.Reached, want[i])
		}
	}
}
