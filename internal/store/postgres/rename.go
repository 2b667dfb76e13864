package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

const (
	// selectKnown selects which of two names have a row, selectPaused the one of which
	// is kept that it is paused. Where the rows are locked, of two that rename at once
	// one finds that the other has.
	selectKnown  = "SELECT name FROM sources WHERE name IN ($1, $2) ORDER BY name"
	selectPaused = "SELECT source FROM paused_sources WHERE source = $1"
	// copySource makes the row of one name that of another. Its number is the last one
	// that the log has under the new name, where that is more.
	copySource = `INSERT INTO sources (name, request_key, rules_key, version, sequence, etag, last_modified, raw_hash, cursor,
		alert_since, alert_failures, alert_reason, alert_told_at, accept_removal)
		SELECT $1, request_key, rules_key, version,
		greatest(sequence, (SELECT coalesce(max(sequence), 0) FROM events WHERE source = $1 AND sequence > 0)),
		etag, last_modified, raw_hash, cursor, alert_since, alert_failures, alert_reason, alert_told_at, accept_removal
		FROM sources WHERE name = $2`
	lockSubscribed = "SELECT id, sources FROM subscriptions WHERE sources <> '[]' ORDER BY id FOR UPDATE"
	// The names of lanes and the keys of items begin with a source, which ends there
	// or before a NUL.
	renameColumn = `UPDATE deliveries SET %[1]s = $1 || substr(%[1]s, length($2) + 1) WHERE ` + ofOldName
	ofOldName    = `state = 'waiting' AND (%[1]s = $2 OR %[1]s >= $2 || $3 AND %[1]s < $2 || $4)`
	// selectTellers are the endpoints for which something waits under an old name.
	selectTellers = `SELECT DISTINCT endpoint FROM deliveries WHERE (` + ofOldName + `) AND $1 <> ''`
	// takeLeases takes leases from whoever has them: what he writes under them from
	// then on is refused. They are locked in an order in which no two wait for each
	// other.
	takeLeases = `WITH held AS (SELECT resource FROM leases WHERE resource = ANY ($1::text[]) ORDER BY resource FOR UPDATE)
		UPDATE leases SET node = '', epoch = epoch + 1, since = clock_timestamp() WHERE resource IN (SELECT resource FROM held)`
)

// Rename gives what is kept of a source to another name. Whoever has the source, or
// an endpoint for which something of it waits, loses it, and whoever takes it next
// reads anew what it is called by now.
func (s *Store) Rename(ctx context.Context, from, to string) error {
	err := s.writeForAll(ctx, func(ctx context.Context, tx pgx.Tx) error { return rename(ctx, tx, from, to) })
	if err != nil {
		return fmt.Errorf("rename source %s to %s: %w", from, to, err)
	}
	return nil
}

// rename locks what it needs in the order in which all others do: leases first, of
// all kinds together, and then rows. It looks before, since a source that has been
// renamed already is not to be taken from whoever has it.
func rename(ctx context.Context, tx pgx.Tx, from, to string) error {
	if err := mayRename(ctx, tx, selectKnown, from, to); err != nil {
		return err
	}
	if err := takeRenamed(ctx, tx, from, to); err != nil {
		return err
	}
	if err := mayRename(ctx, tx, selectKnown+" FOR UPDATE", from, to); err != nil {
		return err
	}
	old, name := text(from), text(to)
	// The new row first and the old one last, so that what belongs to a source
	// has one at every moment.
	for _, query := range []string{
		copySource,
		"UPDATE snapshots SET source = $1 WHERE source = $2",
		"UPDATE departed SET source = $1 WHERE source = $2",
		"UPDATE details SET source = $1 WHERE source = $2",
		replaceRow("next_runs", "at"),
		replaceRow("paused_sources", "since"),
	} {
		if _, err := tx.Exec(ctx, query, name, old); err != nil {
			return err
		}
	}
	lanes, keys := fmt.Sprintf(renameColumn, "lane"), fmt.Sprintf(renameColumn, "key")
	for _, r := range []struct{ query, name, old string }{
		{lanes, name, old},
		{keys, name, old},
		{lanes, text(notify.ReplayLane(to)), text(notify.ReplayLane(from))},
	} {
		if _, err := tx.Exec(ctx, r.query, r.name, r.old, escapedNUL, escapedEscape); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "DELETE FROM sources WHERE name = $1", old); err != nil {
		return err
	}
	if err := renameSubscribed(ctx, tx, from, to); err != nil {
		return err
	}
	return renameBudget(ctx, tx, store.OwnLimit(from), store.OwnLimit(to))
}

// mayRename says whether there is something to rename, and nothing in its way.
func mayRename(ctx context.Context, tx pgx.Tx, query, from, to string) error {
	known, err := selectRows(ctx, tx, scanName, query, text(from), text(to))
	if err != nil {
		return err
	}
	paused, err := selectRows(ctx, tx, scanName, selectPaused, text(from))
	switch {
	case err != nil:
		return err
	case !slices.Contains(known, from) && len(paused) == 0:
		return store.ErrNotFound
	case from == to || slices.Contains(known, to):
		return store.ErrConflict
	}
	return nil
}

// takeRenamed takes the leases of a source under both of its names, so that nothing
// more comes of it, and those of the endpoints for which something of it waits. It
// looks again for what came until they were taken.
func takeRenamed(ctx context.Context, tx pgx.Tx, from, to string) error {
	taken := make(map[string]bool)
	for next := []string{store.SourceResource(from), store.SourceResource(to)}; ; next = nil {
		endpoints, err := tellersOf(ctx, tx, from, to)
		if err != nil {
			return err
		}
		for _, name := range endpoints {
			if resource := store.EndpointResource(name); !taken[resource] {
				next = append(next, resource)
				taken[resource] = true
			}
		}
		if len(next) == 0 {
			return nil
		}
		if _, err := tx.Exec(ctx, takeLeases, texts(next)); err != nil {
			return err
		}
	}
}

// tellersOf returns the endpoints for which something of a source waits under either
// of its names.
func tellersOf(ctx context.Context, tx pgx.Tx, from, to string) ([]string, error) {
	var endpoints []string
	for _, r := range []struct{ column, to, from string }{
		{"lane", to, from}, {"key", to, from}, {"lane", notify.ReplayLane(to), notify.ReplayLane(from)},
	} {
		found, err := selectRows(ctx, tx, scanName, fmt.Sprintf(selectTellers, r.column), text(r.to), text(r.from), escapedNUL, escapedEscape)
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, found...)
	}
	return endpoints, nil
}

// renameSubscribed puts one name of a source in the place of another.
func renameSubscribed(ctx context.Context, tx pgx.Tx, from, to string) error {
	type subscribed struct{ id, sources string }
	scan := func(rows pgx.Rows) (s subscribed, err error) {
		err = rows.Scan(&s.id, (*stored)(&s.sources)) // the id goes back as it came
		return s, err
	}
	all, err := selectRows(ctx, tx, scan, lockSubscribed)
	if err != nil {
		return err
	}
	for _, s := range all {
		var names []string
		if err := json.Unmarshal([]byte(s.sources), &names); err != nil {
			return fmt.Errorf("sources of subscription %s: %w: %w", s.id, store.ErrDamaged, err)
		}
		if !slices.Contains(names, from) {
			continue
		}
		for i, name := range names {
			if name == from {
				names[i] = to
			}
		}
		encoded, err := json.Marshal(names)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE subscriptions SET sources = $2 WHERE id = $1", s.id, text(string(encoded))); err != nil {
			return err
		}
	}
	return nil
}

// replaceRow gives the row of one name to another, and takes what that had.
func replaceRow(table, column string) string {
	return fmt.Sprintf(`WITH old AS (DELETE FROM %[1]s WHERE source = $2 RETURNING %[2]s)
		INSERT INTO %[1]s (source, %[2]s) SELECT $1, %[2]s FROM old ON CONFLICT (source) DO UPDATE SET %[2]s = excluded.%[2]s`, table, column)
}

// renameBudget adds what was spent of a source's own limit under its old name
// to what was under the new one: all of it went to the same server.
func renameBudget(ctx context.Context, tx pgx.Tx, from, to string) error {
	found, err := selectRows(ctx, tx, scanBudget, selectBudgetsOf, []string{text(from), text(to)})
	if err != nil || !slices.ContainsFunc(found, func(b poller.Budget) bool { return b.Limit == from }) {
		return err
	}
	rows, err := rowsOfBudgets([]poller.Budget{store.AddBudgets(to, found)})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM budgets WHERE name = $1", text(from)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, saveBudgets, rows...)
	return err
}
