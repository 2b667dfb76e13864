package transfer

import (
	"context"
	"fmt"
	"slices"

	"github.com/pollwire/pollwire/internal/store"
)

// tables are those that are copied. What an engine has besides is about itself:
// its schema, its locks, its numbers.
var tables = []string{
	"sources", "snapshots", "pages", "loose_pages", "departed", "details",
	"events", "deliveries", "attempts", "endpoint_states", "overdue_told", "replays", "subscriptions",
	"budgets", "next_runs", "paused_sources", "tokens",
}

// common returns the tables with their columns, which both databases must have.
func common(ctx context.Context, from, to database) ([]store.Table, error) {
	found := make([]store.Table, len(tables))
	for i, name := range tables {
		have, err := from.Columns(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("read the schema of %s: %w", from.Name(), err)
		}
		want, err := to.Columns(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("read the schema of %s: %w", to.Name(), err)
		}
		if !same(have, want) {
			return nil, fmt.Errorf("table %s of %s has the columns %s, and of %s %s: bring both to the schema of one version of pollwire, with its pollwire migrate",
				name, from.Name(), list(have), to.Name(), list(want))
		}
		found[i] = store.Table{Name: name, Columns: have}
	}
	return found, nil
}

// same says whether columns are the same, in whatever order. A table without any
// is not there.
func same(a, b []store.Column) bool {
	if len(a) != len(b) || len(a) == 0 {
		return false
	}
	for _, c := range a {
		if !slices.Contains(b, c) {
			return false
		}
	}
	return true
}

// list names columns.
func list(columns []store.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	slices.Sort(names)
	return names
}
