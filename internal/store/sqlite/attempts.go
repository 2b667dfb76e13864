package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// selectRecentAttempts goes back from the newest delivery, by the keys of both
// tables: an index of attempts by time would cost each of them a write.
const selectRecentAttempts = `SELECT d.endpoint, a.at, a.duration, a.error <> ''
	FROM (SELECT id, endpoint FROM deliveries ORDER BY id DESC LIMIT ?) d JOIN attempts a ON a.delivery = d.id
	WHERE a.at >= ?`

// AttemptStats returns what came of the attempts since a time.
func (s *Store) AttemptStats(ctx context.Context, since time.Time, deliveries int) ([]store.AttemptStats, error) {
	type tally struct {
		failed    int
		oldest    int64
		durations []time.Duration
	}
	tallies := make(map[string]*tally)
	// Rows are counted as they are read: nothing is kept of them but a duration.
	count := func(rows *sql.Rows) (none struct{}, err error) {
		var endpoint string
		var at, duration int64
		var failed bool
		if err := rows.Scan(&endpoint, &at, &duration, &failed); err != nil {
			return none, err
		}
		t := tallies[endpoint]
		if t == nil {
			t = &tally{oldest: at}
			tallies[endpoint] = t
		}
		if failed {
			t.failed++
		}
		t.oldest = min(t.oldest, at)
		t.durations = append(t.durations, time.Duration(duration)*time.Microsecond)
		return none, nil
	}
	if _, err := list(ctx, s.reader, count, selectRecentAttempts, max(deliveries, 0), store.Micros(since)); err != nil {
		return nil, fmt.Errorf("read recent attempts: %w", err)
	}
	stats := make([]store.AttemptStats, 0, len(tallies))
	for endpoint, t := range tallies {
		stats = append(stats, store.NewAttemptStats(endpoint, t.failed, store.FromMicros(t.oldest), t.durations))
	}
	slices.SortFunc(stats, func(a, b store.AttemptStats) int { return strings.Compare(a.Endpoint, b.Endpoint) })
	return stats, nil
}
