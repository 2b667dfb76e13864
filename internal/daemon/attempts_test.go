package daemon

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

// attemptReader answers with what it is told to, and notes what it was asked.
type attemptReader struct {
	store.DeliveryLog
	stats []store.AttemptStats
	err   error
	since []time.Time
}

func (r *attemptReader) AttemptStats(_ context.Context, since time.Time, _ int) ([]store.AttemptStats, error) {
	r.since = append(r.since, since)
	return r.stats, r.err
}

func TestRecentAttemptsAreReadOnceInAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recentAttempts
		reader := &attemptReader{err: errors.New("disk")}
		if _, err := r.read(t.Context(), reader); !errors.Is(err, reader.err) {
			t.Errorf("a read that fails: %v", err)
		}
		// A failure is not kept.
		reader.err = nil
		oldest := time.Now().Add(-time.Hour)
		reader.stats = []store.AttemptStats{{
			Endpoint: "ops", Attempts: 4, Failed: 1, Oldest: oldest, P50: 1500 * time.Microsecond, P95: 2 * time.Second,
		}}
		for range 3 {
			all, err := r.read(t.Context(), reader)
			if err != nil {
				t.Fatal(err)
			}
			want := &server.AttemptStats{Since: oldest.UTC(), Count: 4, Failed: 1, P50MS: 1, P95MS: 2000}
			if d := cmp.Diff(want, attemptsOf(all, "ops")); d != "" {
				t.Error(d)
			}
			if got := attemptsOf(all, "crm"); got != nil {
				t.Errorf("of an endpoint without any: %+v", got)
			}
		}
		<-time.After(attemptsAge)
		if _, err := r.read(t.Context(), reader); err != nil || len(reader.since) != 3 {
			t.Errorf("read %d times, want 3 (%v)", len(reader.since), err)
		}
		if want := time.Now().Add(-24 * time.Hour); !reader.since[2].Equal(want) {
			t.Errorf("since %s, want %s", reader.since[2], want)
		}
	})
}
