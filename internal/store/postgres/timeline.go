package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pollwire/pollwire/internal/store"
)

// A server that takes over from another one, or that is taken back to an earlier
// time, begins a new timeline, on which the last commits of the old one may be
// missing. Numbers of events, deliveries and epochs are given a second time there, so
// that what a node knows from the old one must not be written to the new one: neither
// that a delivery has arrived, which is another one now, nor anything under a lease.
// So a node is a member of the timeline on which it has joined.
const (
	// thisTimeline names the timeline and the database that a session is in; it is
	// empty on a standby.
	thisTimeline = `(SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' || oid::text END
		FROM pg_catalog.pg_database WHERE datname = current_database())`
	selectTimeline = "SELECT " + thisTimeline
	// sameTimeline fails by a division by zero on another timeline.
	sameTimeline = "SELECT 1 / CASE WHEN $1 = " + thisTimeline + " THEN 1 ELSE 0 END"
)

// findTimelines finds out whether the engine has timelines: those that only speak
// PostgreSQL's protocol may not, and fail over by other means.
func (s *Store) findTimelines(ctx context.Context) error {
	var name string
	err := s.pool.QueryRow(ctx, selectTimeline).Scan(&name)
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && (kindOf(answer) == nil || answer.Code == insufficientPrivilege) || errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	s.timelines = err == nil
	return s.failure(ctx, err)
}

// onTimeline fails with store.ErrNewTimeline where the database is on another timeline
// than the one on which a member has joined.
func (s *Store) onTimeline(ctx context.Context, member string) error {
	t := s.tenant.Load()
	if t == nil || t.node != member || t.timeline == "" {
		return nil
	}
	var now string
	if err := s.vital.QueryRow(ctx, selectTimeline).Scan(&now); err != nil {
		return err
	}
	if now == t.timeline {
		return nil
	}
	return fmt.Errorf("%w: it was on %s, and is on %s", store.ErrNewTimeline, t.timeline, now)
}

// stayOnTimeline lets the transaction fail where the leases of commits are on another
// timeline than the database.
func (s *sourceScript) stayOnTimeline(commits []*commit) {
	asked := make(map[string]bool)
	for _, c := range commits {
		if c.held != nil && c.held.timeline != "" && !asked[c.held.timeline] {
			asked[c.held.timeline] = true
			s.add(sameTimeline, c.held.timeline)
		}
	}
}
