package poller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var errDisk = errors.New("disk is full")

// memoryBudgets is a BudgetStore in memory. A handle stands for one process:
// what a handle has saved is seen by the next one.
type memoryBudgets struct {
	mu    sync.Mutex
	saved map[string]Budget
	// delay is how long a save takes.
	delay time.Duration
	// fail is returned by saves, each time or every so often; with durable they
	// are on disk nevertheless, as after a lost connection.
	fail      error
	failEvery int
	durable   bool
	// loadFail is returned by loads.
	loadFail error
	saves    int
}

func newMemoryBudgets() *memoryBudgets { return &memoryBudgets{saved: map[string]Budget{}} }

func (m *memoryBudgets) Budgets(_ context.Context, limits ...string) ([]Budget, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Budget
	for name, b := range m.saved {
		if len(limits) == 0 || slices.Contains(limits, name) {
			all = append(all, b)
		}
	}
	return all, m.loadFail
}

func (m *memoryBudgets) SaveBudgets(ctx context.Context, budgets []Budget) error {
	m.mu.Lock()
	delay := m.delay
	m.mu.Unlock()
	if delay > 0 {
		if err := pause(ctx, delay); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saves++
	err := m.fail
	if m.failEvery > 0 && m.saves%m.failEvery == 0 {
		err = errDisk
	}
	if err == nil || m.durable {
		for _, b := range budgets {
			m.saved[b.Limit] = b
		}
	}
	return err
}

func (m *memoryBudgets) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

func (m *memoryBudgets) setDelay(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.delay = d
}

func (m *memoryBudgets) get(name string) Budget {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saved[name]
}

// crash returns the store as the next process finds it. Nothing that the old
// process still saves arrives there.
func (m *memoryBudgets) crash() *memoryBudgets {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := newMemoryBudgets()
	maps.Copy(next.saved, m.saved)
	next.delay, next.failEvery, next.durable = m.delay, m.failEvery, m.durable
	m.fail, m.durable = errDisk, false
	return next
}

// errNotHeld is what a store says of what is another node's.
var errNotHeld = errors.New("another node holds the lease")

// leasedBudgets are those of one of several nodes. What is saved without the lease
// of all of it is refused as a whole.
type leasedBudgets struct {
	*memoryBudgets
	held atomic.Bool
	// others are limits that are another node's though the rest is not.
	others []string
}

func (l *leasedBudgets) SaveBudgets(ctx context.Context, budgets []Budget) error {
	held := l.held.Load() // as it is when the save is asked for
	for _, b := range budgets {
		held = held && !slices.Contains(l.others, b.Limit)
	}
	if !held {
		return fmt.Errorf("save budgets: %w", errNotHeld)
	}
	return l.memoryBudgets.SaveBudgets(ctx, budgets)
}

// memoryRuns is a RunStore in memory.
type memoryRuns struct {
	mu    sync.Mutex
	saved map[string]time.Time
	saves int
	fail  error
	// loading, where not nil, blocks loads until it is closed.
	loading chan struct{}
}

func newMemoryRuns() *memoryRuns { return &memoryRuns{saved: map[string]time.Time{}} }

func (m *memoryRuns) NextRuns(ctx context.Context, sources ...string) (map[string]time.Time, error) {
	if m.loading != nil {
		if err := waitFor(ctx, m.loading); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := maps.Clone(m.saved)
	if len(sources) > 0 {
		maps.DeleteFunc(next, func(name string, _ time.Time) bool { return !slices.Contains(sources, name) })
	}
	return next, m.fail
}

func (m *memoryRuns) SaveNextRuns(_ context.Context, next map[string]time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saves++
	if m.fail == nil {
		maps.Copy(m.saved, next)
	}
	return m.fail
}

func (m *memoryRuns) get(name string) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saved[name]
}

func (m *memoryRuns) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saves
}

func (m *memoryRuns) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// mustStartLimiter starts a limiter that the test stops.
func mustStartLimiter(t testing.TB, store BudgetStore, limits ...Limit) *Limiter {
	t.Helper()
	l := NewLimiter(LimiterOptions{Store: store})
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Apply(limits)
	t.Cleanup(func() {
		if err := l.Stop(context.WithoutCancel(t.Context())); err != nil && !errors.Is(err, errDisk) {
			t.Error(err)
		}
	})
	return l
}

// wait lets the time of the bubble go on.
func wait(d time.Duration) { <-time.After(d) }
