package store_test

import (
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// TestPercentiles are by the nearest rank: always one of what was measured.
func TestPercentiles(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][2]time.Duration{0: {0, 0}, 1: {1, 1}, 2: {1, 2}, 3: {2, 3}, 20: {10, 19}, 21: {11, 20}, 100: {50, 95}, 101: {51, 96}} {
		durations := make([]time.Duration, n)
		for i := range durations {
			durations[i] = time.Duration(n - i)
		}
		s := store.NewAttemptStats("ops", 1, time.Time{}, durations)
		if got := [2]time.Duration{s.P50, s.P95}; got != want || s.Attempts != n || s.Failed != 1 {
			t.Errorf("of %d: %v, want %v (%+v)", n, got, want, s)
		}
	}
}
