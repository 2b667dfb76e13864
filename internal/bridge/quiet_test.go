package bridge

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// lines counts those of a log that have all the parts.
func lines(log string, parts ...string) (n int) {
next:
	for line := range strings.Lines(log) {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue next
			}
		}
		n++
	}
	return n
}

// TestJanitorThatCannotPruneIsQuiet: a day in which the store fails is one error,
// whose end is told.
func TestJanitorThatCannotPruneIsQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, log := &pruner{err: errors.New("disk")}, new(strings.Builder)
		j := NewJanitor(JanitorOptions{
			Store: p, Events: time.Hour, Waiting: time.Hour, Teller: &crier{},
			Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		for range 100 {
			j.prune(t.Context(), time.Now())
		}
		const failed, over = "could not be pruned", "is pruned again"
		if loud, quiet := lines(log.String(), "level=ERROR", failed), lines(log.String(), "level=DEBUG", failed); loud != 1 || quiet != 99 {
			t.Errorf("%d errors, %d at the debug level", loud, quiet)
		}
		p.err = nil
		j.prune(t.Context(), time.Now())
		j.prune(t.Context(), time.Now())
		if n := lines(log.String(), "level=INFO", over); n != 1 {
			t.Errorf("its end was told %d times", n)
		}
		p.err = errors.New("disk")
		j.prune(t.Context(), time.Now())
		if loud := lines(log.String(), "level=ERROR", failed); loud != 2 {
			t.Errorf("%d errors after it came again", loud)
		}
	})
}

// TestJanitorSaysWhatItHasTold: what waits is logged when others were told of it,
// and not each time that they could not be.
func TestJanitorSaysWhatItHasTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, c, log := &pruner{overdue: map[string]time.Time{"ops": time.Now()}}, &crier{err: errors.New("disk")}, new(strings.Builder)
		j := NewJanitor(JanitorOptions{Store: p, Events: time.Hour, Waiting: 100 * time.Hour, Teller: c, Logger: slog.New(slog.NewTextHandler(log, nil))})
		<-time.After(60 * time.Hour)
		for range 10 {
			j.prune(t.Context(), time.Now())
		}
		if n := lines(log.String(), "deliveries wait for long"); n != 0 {
			t.Errorf("logged %d times what could not be told", n)
		}
		c.err = nil
		j.prune(t.Context(), time.Now())
		if n := lines(log.String(), "deliveries wait for long"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
}

// TestFailureThatCannotBeToldIsQuiet: a source that fails while the store does is
// one error, whose end is told.
func TestFailureThatCannotBeToldIsQuiet(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		log := new(strings.Builder)
		r.logging = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		r.restart()
		r.mustPoll(isUp)
		r.store.before = 20
		r.fail(22)
		if loud, quiet := lines(log.String(), "level=ERROR", "not told"), lines(log.String(), "level=DEBUG", "not told"); loud != 1 || quiet != 19 {
			t.Errorf("%d errors, %d at the debug level:\n%s", loud, quiet, log)
		}
		r.fail(1)
		if lines(log.String(), "level=INFO", "are told again") != 1 || lines(log.String(), "level=ERROR", "source is failing") != 1 {
			t.Errorf("its end was not told:\n%s", log)
		}
	})
}
