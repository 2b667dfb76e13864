package bridge

import (
	"context"
	"errors"
	"log/slog"
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
	at      []time.Time
	asked   []store.Retention
	expired []notify.Delivery // given once
	err     error
}

func (p *pruner) Prune(_ context.Context, r store.Retention) (store.Pruned, error) {
	p.at, p.asked = append(p.at, time.Now()), append(p.asked, r)
	expired := p.expired
	p.expired = nil
	return store.Pruned{Expired: expired, Events: 1}, p.err
}

// runJanitor lets a janitor work for a while.
func runJanitor(t *testing.T, p *pruner, log *strings.Builder, d time.Duration) (expired []notify.Delivery) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	NewJanitor(JanitorOptions{
		Store: p, Events: 30 * 24 * time.Hour, Waiting: 90 * 24 * time.Hour,
		Expired: func(_ context.Context, d []notify.Delivery) { expired = append(expired, d...) },
		Logger:  slog.New(slog.NewTextHandler(log, nil)),
	}).Run(ctx)
	return expired
}

// TestJanitorWaitsAnHourAfterTheStart: nobody knows what the clock did before.
func TestJanitorWaitsAnHourAfterTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, log := &pruner{expired: []notify.Delivery{{ID: 1}, {ID: 2}}}, new(strings.Builder)
		expired := runJanitor(t, p, log, 59*time.Minute)
		if len(p.at) != 0 || len(expired) != 0 {
			t.Errorf("pruned at %v", p.at)
		}
		start := time.Now()
		expired = runJanitor(t, p, log, 2*time.Hour+time.Minute)
		if len(p.at) != 7 || p.at[0].Sub(start) != time.Hour {
			t.Errorf("pruned at %v", p.at)
		}
		if len(expired) != 2 {
			t.Errorf("%d expired deliveries were told, want each once", len(expired))
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
	j := NewJanitor(JanitorOptions{Store: p, Logger: slog.New(slog.DiscardHandler)})
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

// TestJanitorGoesOnAfterAnError, and tells what expired before it.
func TestJanitorGoesOnAfterAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, log := &pruner{expired: []notify.Delivery{{ID: 1}}, err: errors.New("disk full")}, new(strings.Builder)
		expired := runJanitor(t, p, log, 95*time.Minute)
		if len(expired) != 1 || len(p.at) != 4 || strings.Count(log.String(), "disk full") != 4 {
			t.Errorf("%d expired, pruned at %v, log\n%s", len(expired), p.at, log)
		}
	})
}

// TestJanitorExpiresRealDeliveries on a real database, under a clock of its own.
func TestJanitorExpiresRealDeliveries(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.others = r.others[:1] // nobody whose own deliveries would expire
		r.restart()
		r.mustPoll(isUp)
		r.mustPoll(isDown)
		if len(r.waiting("you")) != 1 {
			t.Fatal("nothing waits")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Hour)
		defer cancel()
		NewJanitor(JanitorOptions{
			Store: r.store, Events: 4 * time.Hour, Waiting: 2 * time.Hour,
			Expired: r.bridge.Expired, Logger: slog.New(slog.DiscardHandler),
		}).Run(ctx)
		if len(r.waiting("you")) != 0 {
			t.Error("a delivery still waits")
		}
		events := r.news()
		r.wantStory(events, "endpoint.failing") // once; the change itself is pruned
		if d := dataOf(events[0]); d.Name != "you" || d.Count != 1 {
			t.Errorf("data %s", events[0].Data)
		}
	})
}
