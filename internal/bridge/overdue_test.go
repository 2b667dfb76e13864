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
)

const day = 24 * time.Hour

// TestWhatWaitsIsToldAheadOfTime, once for each endpoint, and again only after
// nothing of it had waited for so long, across restarts.
func TestWhatWaitsIsToldAheadOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p, c, log := &pruner{overdue: map[string]time.Time{"ops": start, "crm": start.Add(10 * day)}}, &crier{}, new(strings.Builder)
		runJanitor(t, p, c, log, 44*day)
		if len(c.heard) != 0 || p.saves > 1 {
			t.Errorf("told %v, saved %d times before anything is old", c.heard, p.saves)
		}
		runJanitor(t, p, c, log, 6*day)
		if want := []string{"ops"}; !slices.Equal(c.heard, want) || !c.dead.Equal(start.Add(90*day)) {
			t.Errorf("told %v, dead at %s", c.heard, c.dead)
		}
		if at := c.at[0].Sub(start); at < 45*day || at > 45*day+2*time.Hour {
			t.Errorf("told after %s", at)
		}
		runJanitor(t, p, c, log, 10*day)
		if want := []string{"ops", "crm"}; !slices.Equal(c.heard, want) {
			t.Errorf("told %v, want %v", c.heard, want)
		}
		delete(p.overdue, "ops") // it was told at last
		runJanitor(t, p, c, log, day)
		if want := []string{"crm"}; !slices.Equal(p.told, want) {
			t.Errorf("saved %v, want %v", p.told, want)
		}
		p.overdue["ops"] = time.Now()
		runJanitor(t, p, c, log, 46*day)
		if want := []string{"ops", "crm", "crm+", "ops"}; !slices.Equal(c.heard, want) {
			t.Errorf("told %v, want %v", c.heard, want)
		}
		if n := strings.Count(log.String(), "deliveries wait for long"); n != 3 {
			t.Errorf("%d warnings:\n%s", n, log)
		}
	})
}

// TestNothingExpiresUntold: were the alert lost, nobody would hear of it.
func TestNothingExpiresUntold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, c, log := &pruner{overdue: map[string]time.Time{"ops": time.Now().Add(-100 * day)}}, &crier{err: errors.New("disk full")}, new(strings.Builder)
		runJanitor(t, p, c, log, 2*day)
		if len(p.overdue) != 1 || len(p.told) != 0 || !strings.Contains(log.String(), "disk full") {
			t.Errorf("waiting %v, saved %v", p.overdue, p.told)
		}
		for _, r := range p.asked {
			if !r.Waiting.IsZero() || r.Events.IsZero() {
				t.Fatalf("pruned with %+v", r)
			}
		}
		c.err = nil
		runJanitor(t, p, c, log, 2*time.Hour)
		if want := []string{"ops", "ops+"}; !slices.Equal(c.heard, want) || len(p.overdue) != 0 {
			t.Errorf("told %v, waiting %v", c.heard, p.overdue)
		}
	})
}

// endless is a store where something becomes too old at every look.
type endless struct{ pruner }

func (e *endless) Overdue(_ context.Context, before time.Time) ([]store.Overdue, error) {
	return []store.Overdue{{Endpoint: "ops", Count: 1, Since: before.Add(-time.Second), Told: true}}, nil
}

// TestEndpointThatIsGoneIsToldOnceADay though its deliveries end all the time.
func TestEndpointThatIsGoneIsToldOnceADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &crier{}
		ctx, cancel := context.WithTimeout(t.Context(), 10*day)
		defer cancel()
		NewJanitor(JanitorOptions{Store: &endless{}, Events: 30 * day, Waiting: 90 * day, Teller: c, Logger: slog.New(slog.DiscardHandler)}).Run(ctx)
		if n := len(c.heard); n != 10 {
			t.Errorf("told %d times in ten days", n)
		}
	})
}
