package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

const (
	selectBudgets   = "SELECT name, spent, reserved, paused_until FROM budgets"
	selectBudgetsOf = selectBudgets + " WHERE name = ANY($1)"
	// selectLimits leaves out those of endpoints, which are read one by one.
	selectLimits = selectBudgets + " WHERE name < 'endpoint/' OR name >= 'endpoint0'"
	saveBudgets  = `INSERT INTO budgets (name, spent, reserved, paused_until)
		SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
		ON CONFLICT (name) DO UPDATE SET spent = excluded.spent, reserved = excluded.reserved, paused_until = excluded.paused_until`
)

// Budgets returns those of some limits that were saved, or of all, by limit.
func (s *Store) Budgets(ctx context.Context, limits ...string) ([]poller.Budget, error) {
	query, args := selectLimits, []any{}
	if len(limits) > 0 {
		query, args = selectBudgetsOf, []any{texts(limits)}
	}
	found, err := list(ctx, s, scanBudget, query+" ORDER BY name", args...)
	if err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	return found, nil
}

// SaveBudgets replaces those of the same limits and returns when they are durable.
// Where the lease of one of them is not held none is saved.
func (s *Store) SaveBudgets(ctx context.Context, budgets []poller.Budget) error {
	if len(budgets) == 0 {
		return nil
	}
	resources := make([]string, len(budgets))
	for i := range budgets {
		resources[i] = store.LimitResource(budgets[i].Limit)
	}
	rows, err := rowsOfBudgets(budgets)
	if err == nil {
		err = s.write(ctx, resources, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, saveBudgets, rows...)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("save budgets: %w", err)
	}
	return nil
}

// rowsOfBudgets gives budgets as the columns of saveBudgets.
func rowsOfBudgets(budgets []poller.Budget) ([]any, error) {
	names, spent := make([]string, len(budgets)), make([]string, len(budgets))
	reserved, paused := make([]int64, len(budgets)), make([]int64, len(budgets))
	for i, b := range budgets {
		encoded, err := store.EncodeSpent(b.Spent)
		if err != nil {
			return nil, fmt.Errorf("budget of limit %s: %w", b.Limit, err)
		}
		names[i], spent[i], reserved[i], paused[i] = text(b.Limit), text(encoded), int64(b.Reserved), store.Micros(b.PausedUntil)
	}
	return []any{names, spent, reserved, paused}, nil
}

func scanBudget(rows pgx.Rows) (poller.Budget, error) {
	var b poller.Budget
	var spent string
	if err := rows.Scan((*stored)(&b.Limit), (*stored)(&spent), &b.Reserved, (*moment)(&b.PausedUntil)); err != nil {
		return b, err
	}
	var err error
	b.Spent, err = store.DecodeSpent(spent)
	return b, err
}
