package poller

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A release waits for the requests under way, and takes what their answers say.
func TestReleaseOfALimitWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, store := newOwner(t, 100)
		s := newSource("http://api.example/")
		s.Limit = "api"
		ctx, end := mustBegin(t, l, s)
		offered := &sink{}
		offered.ticket.owner = offered
		l.enqueue("api", 1, &offered.ticket)
		wait(time.Second)
		go func() {
			wait(10 * time.Second)
			if offered.offers.Load() != 1 || l.use(&offered.ticket) {
				t.Error("a request was admitted while the limit was released")
			}
			l.Heed(ctx, s, 429, answerOf("Retry-After", "100"))
			wait(5 * time.Second)
			end()
		}()
		synctest.Wait()
		before := time.Now()
		mustRelease(t, l, "api")
		if took := time.Since(before); took != 15*time.Second {
			t.Errorf("released after %v", took)
		}
		want := Budget{
			Limit: "api", Spent: []Spend{{At: before.Add(10 * time.Second).UTC(), Count: 1}},
			PausedUntil: before.Add(110 * time.Second).UTC(),
		}
		if d := cmp.Diff(want, store.get("api")); d != "" {
			t.Error("saved (-want +got):\n" + d)
		}
	})
}

// A release waits for a save under way, so that the exact state is the last one.
func TestReleaseOfALimitSavesLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, store := newOwner(t, 100)
		takeAll(t, l, "api", 1)
		store.setDelay(time.Minute)
		takeAll(t, l, "api", 1)
		wait(time.Second) // a new chunk is being reserved
		store.setDelay(0)
		mustRelease(t, l, "api")
		wait(time.Hour)
		if b := store.get("api"); b.Reserved != 0 {
			t.Errorf("saved %+v", b)
		}
	})
}

// When time is up the requests under way stay counted by what is on disk, and their
// answers concern nobody any more.
func TestReleaseOfALimitInAHurry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, store := newOwner(t, 100)
		s := newSource("http://api.example/")
		s.Limit = "api"
		ctx, end := mustBegin(t, l, s)
		hurry, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Release(hurry, []string{"api"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("release: %v", err)
		}
		if b := store.get("api"); b.Reserved != 3 {
			t.Errorf("saved %+v", b)
		}
		l.Heed(ctx, s, 429, answerOf("Retry-After", "100"))
		end()
		mustAdopt(t, l, "api")
		if s := l.Limits()[0]; s.Used != 3 || s.UnderWay != 0 || !s.PausedUntil.IsZero() {
			t.Errorf("adopted again: %+v", s)
		}
	})
}

// Who was offered a request when the limit was released is admitted where it is
// adopted again, and not before.
func TestOfferOutlivesARelease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := newNode(t, newMemoryBudgets(), Limit{Name: "api", Requests: 100, Per: time.Minute, Burst: 2})
		mustAdopt(t, l, "api")
		sinks := []*sink{{}, {}, {}}
		for _, s := range sinks {
			s.ticket.owner = s
			l.enqueue("api", 1, &s.ticket)
		}
		wait(time.Second)
		mustRelease(t, l, "api")
		if sinks[0].offers.Load() != 1 || l.use(&sinks[0].ticket) {
			t.Fatal("it was used after the release")
		}
		mustAdopt(t, l, "api")
		wait(time.Minute)
		for i, s := range sinks {
			if i == 1 {
				l.cancel(&s.ticket) // its offer was of the old one
				continue
			}
			if !l.use(&s.ticket) {
				t.Fatalf("%d is not admitted after the adoption", i)
			}
			l.release(&s.ticket)
		}
		if s := l.Limits()[0]; s.Used != 2 || s.Waiting != 0 || s.UnderWay != 0 {
			t.Errorf("limits %+v", s)
		}
	})
}

// A limit that is not configured any more when it is released leaves nothing.
func TestReleaseOfALimitThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		l, _ := newNode(t, store, Limit{Name: "api", Requests: 10, Per: time.Minute, Burst: 10}, Limit{Name: "unused", Requests: 1, Per: time.Minute})
		mustAdopt(t, l, "api", "unused")
		takeAll(t, l, "api", 2)
		l.Apply(nil)
		mustRelease(t, l, "api", "unused")
		if b := store.get("api"); len(b.Spent) == 0 || b.Reserved != 0 {
			t.Errorf("saved %+v", b)
		}
		if len(l.limits) != 0 || len(l.adopted) != 0 {
			t.Errorf("left: %v, %v", l.limits, l.adopted)
		}
		names := []string{}
		for name := range store.saved {
			names = append(names, name)
		}
		if !slices.Equal(names, []string{"api"}) {
			t.Errorf("saved %v", names)
		}
	})
}

// A release whose time is up waits for no request, but for a save that is under way:
// else that might be written over what comes after another adoption.
func TestReleaseWaitsForASave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, store := newOwner(t, 64)
		release, err := l.Take(t.Context(), "api", 1)
		if err != nil {
			t.Fatal(err)
		}
		defer release() // it takes longer than all of this
		store.mu.Lock()
		store.delay = 9 * time.Second
		store.mu.Unlock()
		l.Pause("api", time.Now().Add(time.Minute))
		wait(time.Second) // the save has begun
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		err = l.Release(ctx, []string{"api"})
		if took := time.Since(begun); !errors.Is(err, context.DeadlineExceeded) || took < 7*time.Second || took > 8*time.Second+gatherTime {
			t.Errorf("released after %v: %v", took, err)
		}
		store.mu.Lock()
		saves := store.saves
		store.mu.Unlock()
		wait(time.Minute)
		store.mu.Lock()
		defer store.mu.Unlock()
		if store.saves != saves {
			t.Error("something was saved after the release")
		}
		store.delay = 0
	})
}
