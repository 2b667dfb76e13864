package poller

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newNode returns a limiter of one of several nodes, which has adopted nothing.
func newNode(t *testing.T, store *memoryBudgets, limits ...Limit) (*Limiter, *leasedBudgets) {
	t.Helper()
	lease := &leasedBudgets{memoryBudgets: store}
	lease.held.Store(true)
	l := NewLimiter(LimiterOptions{Store: lease, Leased: true, Lost: func(err error) bool { return errors.Is(err, errNotHeld) }})
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Apply(limits)
	t.Cleanup(func() {
		if err := l.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return l, lease
}

// newOwner is a node that has adopted the limit api of so many requests an hour, all
// of which may go at once.
func newOwner(t *testing.T, requests int) (*Limiter, *memoryBudgets) {
	t.Helper()
	store := newMemoryBudgets()
	l, _ := newNode(t, store, Limit{Name: "api", Requests: requests, Per: time.Hour, Burst: requests})
	mustAdopt(t, l, "api")
	return l, store
}

func mustAdopt(t *testing.T, l *Limiter, names ...string) {
	t.Helper()
	if err := l.Adopt(t.Context(), names); err != nil {
		t.Fatal(err)
	}
}

func mustRelease(t *testing.T, l *Limiter, names ...string) {
	t.Helper()
	if err := l.Release(t.Context(), names); err != nil {
		t.Fatal(err)
	}
}

// A limit admits between its adoption and its release, and not else; who waits for
// one that is released is told so.
func TestLimitAdmitsWhereItWasAdopted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		api := Limit{Name: "api", Requests: 10, Per: time.Minute, Burst: 10}
		l, _ := newNode(t, store, api)
		if _, err := l.Take(t.Context(), "api", 1); !errors.Is(err, ErrElsewhere) {
			t.Errorf("take before the adoption: %v", err)
		}
		if s := l.Limits(); len(s) != 0 {
			t.Errorf("limits %+v before the adoption", s)
		}
		waiting := &sink{}
		waiting.ticket.owner = waiting
		l.enqueue("api", 1, &waiting.ticket)
		mustAdopt(t, l, "api", "later")
		mustAdopt(t, l, "api") // does no harm
		mustAdopt(t, l)
		wait(time.Millisecond)
		if waiting.offers.Load() != 1 || !l.use(&waiting.ticket) {
			t.Error("who came before the adoption was not admitted")
		}
		l.release(&waiting.ticket)
		takeAll(t, l, "api", 9)
		l.Apply([]Limit{api, {Name: "later", Requests: 1, Per: time.Minute}})
		takeAll(t, l, "later", 1)
		taken := make(chan error)
		go func() {
			_, err := l.Take(t.Context(), "api", 1)
			taken <- err
		}()
		synctest.Wait()
		mustRelease(t, l, "api", "unknown")
		mustRelease(t, l, "api")
		if err := <-taken; !errors.Is(err, ErrElsewhere) {
			t.Errorf("take while it is released: %v", err)
		}
		if got, want := store.get("api"), (Budget{Limit: "api", Spent: []Spend{{At: time.Now().UTC(), Count: 10}}}); !cmp.Equal(got, want) {
			t.Errorf("saved %+v, want %+v", got, want)
		}
		l.Pause("api", time.Now().Add(time.Hour))
		l.Heed(t.Context(), &Source{Name: "a", Limit: "api"}, 429, answerOf("Retry-After", "100"))
		mustAdopt(t, l, "api")
		if s := l.Limits()[0]; s.Name != "api" || s.Used != 10 || !s.PausedUntil.IsZero() {
			t.Errorf("adopted again: %+v", s)
		}
	})
}

// sink is told of its ticket.
type sink struct {
	ticket ticket
	offers atomic.Int64
}

func (s *sink) admitted() { s.offers.Add(1) }

// The heir goes on where the owner stopped, pauses included, and where that did not
// say where it was, it counts all that was reserved as spent now.
func TestHeirOfALimit(t *testing.T) {
	t.Parallel()
	for _, graceful := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			store := newMemoryBudgets()
			api := Limit{Name: "api", Requests: 320, Per: time.Hour, Burst: 320}
			one, lease := newNode(t, store, api)
			two, _ := newNode(t, store, api)
			mustAdopt(t, one, "api", "source/lone")
			takeAll(t, one, "api", 3)
			lone := &Source{Name: "lone", Retry: Retry{MaxRetryAfter: time.Hour}}
			one.Heed(t.Context(), lone, 429, answerOf("Retry-After", "3000"))
			wait(30 * time.Minute)
			used := 10
			if graceful {
				mustRelease(t, one, "api", "source/lone")
				used = 3
			} else {
				lease.held.Store(false)
			}
			mustAdopt(t, two, "api", "source/lone")
			if s := two.Limits()[0]; s.Used != used {
				t.Errorf("%d used, want %d", s.Used, used)
			}
			if left := time.Until(two.PausedUntil(lone)); left != 20*time.Minute+clockSkew {
				t.Errorf("paused for %v", left)
			}
			wait(30 * time.Minute)
			if s := two.Limits()[0]; s.Used != used {
				t.Errorf("%d used when the window has passed by this clock, want %d", s.Used, used)
			}
			wait(clockSkew)
			if graceful {
				used = 0
			}
			if s := two.Limits()[0]; s.Used != used {
				t.Errorf("%d used half an hour later, want %d", s.Used, used)
			}
			if !graceful {
				takeAll(t, two, "api", 5)
				mustRelease(t, one, "api", "source/lone") // what it saves is refused
				if b := store.get("api"); b.Reserved == 0 {
					t.Errorf("the old owner wrote %+v", b)
				}
			}
			if until := one.PausedUntil(lone); !until.IsZero() {
				t.Errorf("paused until %v where it was released", until)
			}
		})
	}
}

// A limit that is another node's is noticed by a save, and admits nothing more; the
// others of that save go on.
func TestLostLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		mine, theirs := Limit{Name: "mine", Requests: 64, Per: time.Hour, Burst: 64}, Limit{Name: "theirs", Requests: 64, Per: time.Hour, Burst: 64}
		var log bytes.Buffer
		l, lease := newNode(t, store, mine, theirs)
		l.logger = slog.New(slog.NewTextHandler(&log, nil))
		mustAdopt(t, l, "mine", "theirs")
		takeAll(t, l, "mine", 1)
		takeAll(t, l, "theirs", 1)
		lease.others = []string{"theirs"}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		admitted := 1
		for {
			release, err := l.Take(ctx, "theirs", 1)
			if err != nil {
				if !errors.Is(err, ErrElsewhere) {
					t.Errorf("take: %v", err)
				}
				break
			}
			release()
			admitted++
		}
		if reserved := store.get("theirs").Reserved; admitted > reserved {
			t.Errorf("%d admitted of %d reserved", admitted, reserved)
		}
		takeAll(t, l, "mine", 20)
		if text := log.String(); strings.Count(text, "another node") != 1 || strings.Contains(text, "ERROR") {
			t.Errorf("logged:\n%s", text)
		}
		if names := l.Limits(); len(names) != 1 || names[0].Name != "mine" {
			t.Errorf("limits %+v", names)
		}
		mustRelease(t, l, "mine", "theirs")
		if b := store.get("mine"); b.Reserved != 0 {
			t.Errorf("saved %+v", b)
		}
		lease.others = nil
		mustAdopt(t, l, "theirs")
		if s := l.Limits()[0]; s.Used != store.get("theirs").Reserved && s.Used == 0 {
			t.Errorf("adopted again: %+v", s)
		}
	})
}

// With an error nothing is adopted; a release that could not save says so, and has
// released nevertheless.
func TestLimitLeaseErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		api := Limit{Name: "api", Requests: 10, Per: time.Minute, Burst: 10}
		l, _ := newNode(t, store, api)
		store.loadFail = errDisk
		if err := l.Adopt(t.Context(), []string{"api"}); !errors.Is(err, errDisk) {
			t.Errorf("adopt: %v", err)
		}
		if _, err := l.Take(t.Context(), "api", 1); !errors.Is(err, ErrElsewhere) {
			t.Errorf("take: %v", err)
		}
		store.loadFail = nil
		mustAdopt(t, l, "api")
		takeAll(t, l, "api", 1)
		store.setFail(errDisk)
		if err := l.Release(t.Context(), []string{"api"}); !errors.Is(err, errDisk) {
			t.Errorf("release: %v", err)
		}
		if _, err := l.Take(t.Context(), "api", 1); !errors.Is(err, ErrElsewhere) {
			t.Errorf("take after the release: %v", err)
		}
		store.setFail(nil)
		if err := l.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := l.Adopt(t.Context(), []string{"api"}); !errors.Is(err, ErrNotRunning) {
			t.Errorf("adopt after the stop: %v", err)
		}
	})
}

// Clocks of nodes differ, so that the heir keeps in the window what the owner has
// seen leave it. What the owner sent into the room that it had is not known, and must
// be counted all the same.
func TestHeirOfAFullLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemoryBudgets()
		api := Limit{Name: "api", Requests: 320, Per: time.Minute, Burst: 320}
		one, lease := newNode(t, store, api)
		two, _ := newNode(t, store, api)
		mustAdopt(t, one, "api")
		var sent []time.Time
		take := func(l *Limiter, most int, d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			for range most {
				release, err := l.Take(ctx, "api", 1)
				if err != nil {
					return
				}
				sent = append(sent, time.Now())
				release()
			}
		}
		begun := time.Now()
		take(one, 20, time.Second)
		wait(3 * time.Second)
		take(one, 300, time.Second)
		wait(time.Until(begun.Add(api.Per))) // the first 20 have left
		store.setFail(errDisk)
		take(one, 20, time.Millisecond) // what is reserved
		lease.held.Store(false)
		store.setFail(nil)
		if len(sent) <= 320 {
			t.Fatalf("%d were sent", len(sent))
		}
		mustAdopt(t, two, "api")
		take(two, 400, api.Per)
		for i := range sent[320:] {
			if window := sent[i+320].Sub(sent[i]); window < api.Per {
				t.Fatalf("321 were sent within %v", window)
			}
		}
	})
}
