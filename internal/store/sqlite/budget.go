package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

const selectBudgets = "SELECT name, spent, reserved, paused_until FROM budgets"

// ofLimits leaves out those of endpoints, which are read one by one.
const ofLimits = " WHERE name < 'endpoint/' OR name >= 'endpoint0'"

// replaceBudgets returns the INSERT of budgets, which replaces those of the same limits.
func replaceBudgets() *bulk {
	return &bulk{into: "REPLACE INTO budgets (name, spent, reserved, paused_until)", columns: 4}
}

// Budgets returns what was saved of the named limits, by name; of all without a
// name.
func (s *Store) Budgets(ctx context.Context, limits ...string) ([]poller.Budget, error) {
	if len(limits) == 0 {
		found, err := list(ctx, s.reader, scanBudget, selectBudgets+ofLimits+" ORDER BY name")
		if err != nil {
			return nil, fmt.Errorf("read budgets: %w", err)
		}
		return found, nil
	}
	limits = slices.Compact(slices.Sorted(slices.Values(limits)))
	var found []poller.Budget
	for args := range chunks(limits) {
		part, err := list(ctx, s.reader, scanBudget, selectBudgets+" WHERE name IN ("+placeholders(len(args))+") ORDER BY name", args...)
		if err != nil {
			return nil, fmt.Errorf("read budgets: %w", err)
		}
		found = append(found, part...)
	}
	return found, nil
}

// SaveBudgets replaces those of the same limits and returns when they are durable.
func (s *Store) SaveBudgets(ctx context.Context, budgets []poller.Budget) error {
	var values []any
	size := 0
	for _, b := range budgets {
		spent, err := store.EncodeSpent(b.Spent)
		if err != nil {
			return fmt.Errorf("save budget of limit %s: %w", b.Limit, err)
		}
		values = append(values, b.Limit, spent, b.Reserved, store.Micros(b.PausedUntil))
		size += len(spent)
	}
	if len(values) == 0 {
		return nil
	}
	if err := s.write(ctx, size, func(s *session) error { return s.insert(replaceBudgets(), values) }); err != nil {
		return fmt.Errorf("save budgets: %w", err)
	}
	return nil
}

func scanBudget(rows *sql.Rows) (poller.Budget, error) {
	var b poller.Budget
	var spent string
	var paused int64
	if err := rows.Scan(&b.Limit, &spent, &b.Reserved, &paused); err != nil {
		return b, err
	}
	b.PausedUntil = store.FromMicros(paused)
	var err error
	b.Spent, err = store.DecodeSpent(spent)
	return b, err
}
