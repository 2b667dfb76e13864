package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

func TestJumpsForwardAreNoticed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wall, up time.Duration
		want     bool
	}{
		"at once":          {0, 0, false},
		"as time passes":   {10 * time.Minute, 10 * time.Minute, false},
		"a long time":      {100 * time.Hour, 100 * time.Hour, false},
		"set back":         {-24 * time.Hour, 10 * time.Minute, false},
		"a little forward": {10*time.Minute + clockSlack, 10 * time.Minute, false},
		"forward":          {10*time.Minute + clockSlack + 1, 10 * time.Minute, true},
		"a year forward":   {365 * 24 * time.Hour, 10 * time.Minute, true},
		"after a suspend":  {8 * time.Hour, time.Minute, true}, // as good as a jump
	} {
		last := reading{wall: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), up: 5 * time.Hour}
		c := caution{last: last}
		now := reading{wall: last.wall.Add(test.wall), up: last.up + test.up}
		if got := c.jumped(now); got != test.want || c.trusts(now) == got {
			t.Errorf("%s: jumped %t, trusts %t", name, got, c.trusts(now))
		}
		if c.jumped(now) {
			t.Errorf("%s: noticed twice", name)
		}
	}
}

// pruner is a store that notes when it was pruned, and how.
type pruner struct {
	at    []time.Time
	asked []store.Retention
	err   error
	// overdue is what waits, since when; told what was saved.
	overdue map[string]time.Time
	told    []string
	saves   int
}

func (p *pruner) Prune(_ context.Context, r store.Retention) (store.Pruned, error) {
	p.at, p.asked = append(p.at, time.Now()), append(p.asked, r)
	before := len(p.overdue)
	maps.DeleteFunc(p.overdue, func(_ string, since time.Time) bool { return since.Before(r.Waiting) })
	return store.Pruned{Expired: int64(before - len(p.overdue)), Events: 1}, p.err
}

func (p *pruner) Overdue(_ context.Context, before time.Time) (found []store.Overdue, err error) {
	for _, name := range slices.Sorted(maps.Keys(p.overdue)) {
		if since := p.overdue[name]; since.Before(before) {
			found = append(found, store.Overdue{Endpoint: name, Count: 1, Since: since, Told: slices.Contains(p.told, name)})
		}
	}
	return found, p.err
}

func (p *pruner) SaveOverdueTold(_ context.Context, endpoints []string) error {
	p.told = endpoints
	p.saves++
	return nil
}

// crier is told what waits for too long.
type crier struct {
	// heard are the names, with a cross for what is dead.
	heard []string
	at    []time.Time
	dead  time.Time
	err   error
}

func (c *crier) hear(word string) error {
	if c.err == nil {
		c.heard, c.at = append(c.heard, word), append(c.at, time.Now())
	}
	return c.err
}

func (c *crier) Overdue(_ context.Context, o store.Overdue, dead time.Time) error {
	c.dead = dead
	return c.hear(o.Endpoint)
}

func (c *crier) Expiring(_ context.Context, o store.Overdue) error { return c.hear(o.Endpoint + "+") }

// runJanitor lets a janitor work for a while, one that keeps the log for 30
// days and lets deliveries wait for 90.
func runJanitor(t *testing.T, p *pruner, c *crier, log *strings.Builder, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	NewJanitor(JanitorOptions{
		Store: p, Events: 30 * 24 * time.Hour, Waiting: 90 * 24 * time.Hour,
		Teller: c, Logger: slog.New(slog.NewTextHandler(log, nil)),
	}).Run(ctx)
}

// TestJanitorWaitsAnHourAfterTheStart: nobody knows what the clock did before.
func TestJanitorWaitsAnHourAfterTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, c, log := &pruner{overdue: map[string]time.Time{"ops": time.Now().AddDate(0, -4, 0)}}, &crier{}, new(strings.Builder)
		runJanitor(t, p, c, log, 59*time.Minute)
		if len(p.at) != 0 || len(c.heard) != 0 {
			t.Errorf("pruned at %v, told %v", p.at, c.heard)
		}
		start := time.Now()
		runJanitor(t, p, c, log, 2*time.Hour+time.Minute)
		if len(p.at) != 7 || p.at[0].Sub(start) != time.Hour {
			t.Errorf("pruned at %v", p.at)
		}
		if want := []string{"ops", "ops+"}; !slices.Equal(c.heard, want) {
			t.Errorf("told %v, want %v", c.heard, want)
		}
		want := store.Retention{Events: p.at[0].AddDate(0, 0, -30), Waiting: p.at[0].AddDate(0, 0, -90)}
		if got := p.asked[0]; !got.Events.Equal(want.Events) || !got.Waiting.Equal(want.Waiting) {
			t.Errorf("pruned with %+v, want %+v", got, want)
		}
	})
}

// TestJanitorWaitsAnHourAfterAJump, look by look.
func TestJanitorWaitsAnHourAfterAJump(t *testing.T) {
	t.Parallel()
	p := &pruner{}
	j := NewJanitor(JanitorOptions{Store: p, Teller: &crier{}, Logger: slog.New(slog.DiscardHandler)})
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := newCaution(reading{wall: start})
	var pruned []int
	for look := 1; look <= 24; look++ {
		now := reading{wall: start.Add(time.Duration(look) * pruneInterval), up: time.Duration(look) * pruneInterval}
		if look >= 10 && look < 20 { // the clock is a year ahead
			now.wall = now.wall.AddDate(1, 0, 0)
		}
		if j.look(t.Context(), &c, now); len(p.at) > len(pruned) {
			pruned = append(pruned, look)
		}
	}
	if want := []int{6, 7, 8, 9, 16, 17, 18, 19, 20, 21, 22, 23, 24}; !slices.Equal(pruned, want) {
		t.Errorf("pruned at looks %v, want %v", pruned, want)
	}
}

// TestJanitorGoesOnAfterAnError with what needs no alert.
func TestJanitorGoesOnAfterAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, log := &pruner{err: errors.New("disk full")}, new(strings.Builder)
		runJanitor(t, p, &crier{}, log, 95*time.Minute)
		if len(p.at) != 4 || strings.Count(log.String(), "level=ERROR") != 1 || !strings.Contains(log.String(), "disk full") {
			t.Errorf("pruned at %v, log\n%s", p.at, log)
		}
	})
}

// TestJanitorLeavesItToOthers while they have what it takes: it does nothing then,
// says nothing, and trusts nothing of what it knew before.
func TestJanitorLeavesItToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, log := &pruner{overdue: map[string]time.Time{"ops": time.Now().AddDate(0, -2, 0)}}, new(strings.Builder)
		begun := time.Now()
		held := func() bool {
			if time.Since(begun) < 2*time.Hour-time.Minute {
				return true
			}
			if time.Since(begun) < 4*time.Hour-time.Minute {
				return false
			}
			p.err = fmt.Errorf("prune: %w", store.ErrNotHeld)
			return true
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Hour-time.Minute)
		defer cancel()
		NewJanitor(JanitorOptions{
			Store: p, Events: 30 * 24 * time.Hour, Waiting: 90 * 24 * time.Hour, Teller: &crier{},
			Holds: held, Logger: slog.New(slog.NewTextHandler(log, nil)),
		}).Run(ctx)
		if len(p.at) != 12 || p.at[6].Sub(p.at[5]) != 2*time.Hour+10*time.Minute || p.saves != 1 {
			t.Errorf("pruned at %v, saved %d times", p.at, p.saves)
		}
		if strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("log\n%s", log)
		}
	})
}

// TestJanitorExpiresRealDeliveries on a real database, under a clock of its own:
// first they are told of, then they are dead, told of and there to be seen.
func TestJanitorExpiresRealDeliveries(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.others = []Endpoint{{Name: "you", Order: notify.OrderSource}} // nobody whose own deliveries would expire
		r.restart()
		r.mustPoll(isUp)
		r.mustPoll(isDown)
		if len(r.waiting("you")) != 1 {
			t.Fatal("nothing waits")
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Hour)
		defer cancel()
		NewJanitor(JanitorOptions{
			Store: r.store, Events: 4 * time.Hour, Waiting: 3 * time.Hour,
			Teller: r.bridge, Logger: slog.New(slog.DiscardHandler),
		}).Run(ctx)
		if len(r.waiting("you")) != 0 {
			t.Error("a delivery still waits")
		}
		r.seen = 0
		events := r.news()
		r.wantStory(events, "updated 1", "endpoint.failing", "endpoint.failing")
		for i, want := range []string{"1 deliveries wait for long; the oldest will be dead on ", "1 deliveries waited longer than "} {
			d := dataOf(events[i+1])
			if d.Name != "you" || d.Count != 1 || !strings.HasPrefix(d.Reason, want) || d.Since.Sub(start).Abs() > time.Second {
				t.Errorf("data %s, want %q", events[i+1].Data, want)
			}
		}
	})
}

// TestRetentionCanBeChanged: it holds from the next time on.
func TestRetentionCanBeChanged(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := &pruner{overdue: map[string]time.Time{"slow": now.Add(-3 * time.Hour)}}
	c := &crier{}
	j := NewJanitor(JanitorOptions{Store: p, Events: 10 * time.Hour, Waiting: 10 * time.Hour, Teller: c, Logger: slog.New(slog.DiscardHandler)})
	j.prune(t.Context(), now)
	j.Keep(time.Hour, 2*time.Hour)
	j.prune(t.Context(), now)
	want := []store.Retention{
		{Events: now.Add(-10 * time.Hour)},
		{Events: now.Add(-time.Hour), Waiting: now.Add(-2 * time.Hour)},
	}
	if !slices.Equal(p.asked, want) {
		t.Errorf("pruned by %+v, want %+v", p.asked, want)
	}
}
