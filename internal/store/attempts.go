package store

import (
	"slices"
	"time"
)

// AttemptStats is what came of the attempts of an endpoint's deliveries.
type AttemptStats struct {
	Endpoint string
	// Attempts counts them, Failed those that were not answered with a 2xx.
	Attempts, Failed int
	// Oldest is when the first of them was made.
	Oldest time.Time
	// P50 and P95 are how long half of them took at most, and 95 of a hundred.
	P50, P95 time.Duration
}

// NewAttemptStats makes the statistics of attempts that took so long. It sorts
// the durations.
func NewAttemptStats(endpoint string, failed int, oldest time.Time, durations []time.Duration) AttemptStats {
	slices.Sort(durations)
	return AttemptStats{
		Endpoint: endpoint, Attempts: len(durations), Failed: failed, Oldest: oldest,
		P50: percentile(durations, 50), P95: percentile(durations, 95),
	}
}

// percentile is the least of sorted durations that so many percent of them do
// not exceed; 0 where there are none.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*percent+99)/100-1]
}
