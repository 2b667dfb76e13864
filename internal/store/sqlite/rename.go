package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// lastSequence selects the last number that the log has under a name, the
// first argument.
const lastSequence = "SELECT coalesce(max(sequence), 0) FROM events WHERE source = ?1 AND sequence > 0"

// selectKnown selects the first name where anything is kept of it, be it that it
// is paused, and the second where it has a row.
const selectKnown = `SELECT name FROM sources WHERE name IN (?1, ?2)
	UNION SELECT source FROM paused_sources WHERE source = ?1`

// copySource makes the row of one name that of another.
const copySource = `INSERT INTO sources (name, request_key, rules_key, version, sequence, etag, last_modified, raw_hash, cursor,
	alert_since, alert_failures, alert_reason, alert_told_at, accept_removal)
	SELECT ?1, request_key, rules_key, version, max(sequence, (` + lastSequence + `)),
	etag, last_modified, raw_hash, cursor, alert_since, alert_failures, alert_reason, alert_told_at, accept_removal
	FROM sources WHERE name = ?2`

// The names of lanes and the keys of items begin with a source, which ends there
// or before a NUL. SQLite's functions of text stop at a NUL, those of blobs do not.
const (
	ofOldName   = "state = 'waiting' AND (%[1]s = ?2 OR %[1]s >= ?2 || char(0) AND %[1]s < ?2 || char(1))"
	withNewName = "CAST(CAST(?1 AS BLOB) || substr(CAST(%[1]s AS BLOB), length(CAST(?2 AS BLOB)) + 1) AS TEXT)"
)

var (
	renameLanes = fmt.Sprintf("UPDATE deliveries SET lane = "+withNewName+" WHERE "+ofOldName, "lane")
	renameKeys  = fmt.Sprintf("UPDATE deliveries SET key = "+withNewName+" WHERE "+ofOldName, "key")
)

// Rename gives what is kept of a source to another name.
func (s *Store) Rename(ctx context.Context, from, to string) error {
	err := s.write(ctx, 0, func(s *session) error { return rename(s, from, to) })
	if err != nil {
		return fmt.Errorf("rename source %s to %s: %w", from, to, err)
	}
	return nil
}

func rename(s *session, from, to string) error {
	known, err := selectRows(s, scanName, selectKnown, from, to)
	switch {
	case err != nil:
		return err
	case !slices.Contains(known, from):
		return store.ErrNotFound
	case from == to || slices.Contains(known, to):
		return store.ErrConflict
	}
	// The new row first and the old one last, so that what belongs to a source
	// has one at every moment.
	for _, query := range []string{
		copySource,
		"UPDATE snapshots SET source = ?1 WHERE source = ?2",
		"UPDATE departed SET source = ?1 WHERE source = ?2",
		"UPDATE details SET source = ?1 WHERE source = ?2",
		"UPDATE OR REPLACE next_runs SET source = ?1 WHERE source = ?2",
		renamePause,
		renameLanes,
		renameKeys,
		renameSubscribed,
	} {
		if _, err := s.exec(query, to, from); err != nil {
			return err
		}
	}
	if _, err := s.exec(renameLanes, notify.ReplayLane(to), notify.ReplayLane(from)); err != nil {
		return err
	}
	if _, err := s.exec("DELETE FROM sources WHERE name = ?", from); err != nil {
		return err
	}
	return renameBudget(s, store.OwnLimit(from), store.OwnLimit(to))
}

// renameBudget adds what was spent of a source's own limit under its old name
// to what was under the new one: all of it went to the same server.
func renameBudget(s *session, from, to string) error {
	found, err := selectRows(s, scanBudget, selectBudgets+" WHERE name IN (?, ?)", from, to)
	if err != nil || !slices.ContainsFunc(found, func(b poller.Budget) bool { return b.Limit == from }) {
		return err
	}
	sum := store.AddBudgets(to, found)
	spent, err := store.EncodeSpent(sum.Spent)
	if err != nil {
		return err
	}
	if _, err := s.exec("DELETE FROM budgets WHERE name = ?", from); err != nil {
		return err
	}
	return s.insert(replaceBudgets(), []any{to, spent, sum.Reserved, store.Micros(sum.PausedUntil)})
}

// selectRows runs a query within a transaction and returns what scan makes of each row.
func selectRows[T any](s *session, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := s.query(query, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, scan)
}
