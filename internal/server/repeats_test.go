package server

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRepeatsOfRequests: a page that asks every few seconds makes one error of a
// database that is away, however long that lasts; another failure is another one.
func TestRepeatsOfRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		rp := newRepeats(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
		away := errors.New("the database is away")
		count := func(level string) int { return strings.Count(log.String(), "level="+level) }
		for range 1000 {
			rp.tell(t.Context(), slog.LevelError, "request failed", away, "path", "/v1/sources")
			<-time.After(5 * time.Second)
		}
		if count("ERROR") != 1 || count("DEBUG") != 999 || !strings.Contains(log.String(), `path=/v1/sources err="the database is away"`) {
			t.Errorf("%d errors, %d at the debug level", count("ERROR"), count("DEBUG"))
		}
		rp.tell(t.Context(), slog.LevelError, "request failed", errors.New("something else"))
		rp.tell(t.Context(), slog.LevelWarn, "stream ended", away)
		if count("ERROR") != 2 || count("WARN") != 1 {
			t.Errorf("%d errors, %d warnings", count("ERROR"), count("WARN"))
		}
		<-time.After(2 * repeatInterval)
		rp.tell(t.Context(), slog.LevelError, "request failed", away)
		if count("ERROR") != 3 {
			t.Error("after a while it is news again")
		}
		for n := range 10 * maxRepeats {
			rp.met(fmt.Sprint(n), time.Now())
		}
		if len(rp.last) > maxRepeats {
			t.Errorf("%d failures are kept", len(rp.last))
		}
	})
}
