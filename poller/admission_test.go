package poller

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestMissingLimit: that a limit is not configured is told once, however many wait
// for it and come again, and once more when it has been there in between.
func TestMissingLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := NewLimiter(LimiterOptions{Store: newMemoryBudgets(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err := l.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		miss := func() {
			for range 5 {
				w := &taker{ready: make(chan struct{}, 1)}
				w.ticket.owner = w
				l.enqueue("api", 1, &w.ticket)
				l.cancel(&w.ticket)
			}
		}
		miss()
		l.Apply([]Limit{{Name: "api", Requests: 1, Per: time.Hour}})
		takeAll(t, l, "api", 1)
		l.Apply(nil)
		miss()
		if err := l.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), "not configured"); n != 2 {
			t.Errorf("told %d times:\n%s", n, log.String())
		}
	})
}
