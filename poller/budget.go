package poller

import (
	"context"
	"time"
)

// Limit is a request budget that sources share by its name.
type Limit struct {
	Name string
	// Requests is the most in any sliding window of length Per.
	Requests int
	Per      time.Duration
	// Reserve are those of Requests that are left to others who use the same
	// budget; less than Requests.
	Reserve int
	// Burst requests may follow each other at once; beyond it they are paced
	// evenly over Per. At least 1. A request that costs more than the burst is
	// sent when the burst is whole.
	Burst int
	// Concurrency is the most requests under way at once; 0 for no bound.
	Concurrency int
}

// Budget is what must survive of a limit. Requests are reserved in a saved
// Budget before they are sent, so after a crash all of Reserved counts as spent
// at the moment of the restart.
type Budget struct {
	Limit string
	// Spent are the requests of the last window, oldest first; requests close
	// to each other may be merged into the later time.
	Spent []Spend
	// Reserved requests may have been sent since Spent was saved, or were under
	// way then.
	Reserved int
	// PausedUntil is when the limit may be used again; zero when not paused.
	PausedUntil time.Time
}

// Spend is a number of requests at a time.
type Spend struct {
	At    time.Time
	Count int
}

// BudgetStore keeps budgets across restarts.
type BudgetStore interface {
	// Budgets returns what was saved of the named limits, each once; of all without
	// a name.
	Budgets(ctx context.Context, limits ...string) ([]Budget, error)
	// SaveBudgets replaces those of the same limits and returns when they are durable,
	// or with an error within a time of its own.
	SaveBudgets(ctx context.Context, budgets []Budget) error
}

// RunStore keeps the next run time of each source across restarts. Losing the
// last second of it costs a poll, never a change.
type RunStore interface {
	// NextRuns returns what was saved of the named sources, by source; of all without
	// a name.
	NextRuns(ctx context.Context, sources ...string) (map[string]time.Time, error)
	// SaveNextRuns adds to and replaces what was saved.
	SaveNextRuns(ctx context.Context, next map[string]time.Time) error
}
