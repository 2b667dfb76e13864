package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

// What changes who lives makes others look, in the same statement.
const (
	join = `WITH joined AS (
			INSERT INTO nodes (id, name, host, pid, version, config, started_at, configured_at, leaving, clock_ahead, seen_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp())
			ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at
		)
		UPDATE cluster SET generation = generation + 1 WHERE id = 1`
	joinTimeline = join + " RETURNING " + thisTimeline
	// beat makes others look only where that is new, so that as a rule it writes one
	// row, which nobody else does.
	beat = `WITH news AS (SELECT id FROM nodes WHERE id = $1 AND leaving <> $4),
		told AS (UPDATE cluster SET generation = generation + 1 WHERE id = 1 AND EXISTS (SELECT id FROM news))
		UPDATE nodes SET config = $2, configured_at = $3, leaving = $4, clock_ahead = $5, seen_at = clock_timestamp() WHERE id = $1`
	beatOn = beat + " AND $6 = " + thisTimeline
	leave  = `WITH gone AS (DELETE FROM nodes WHERE id = $1 RETURNING id)
		UPDATE cluster SET generation = generation + 1 WHERE id = 1 AND EXISTS (SELECT id FROM gone)`
	// bury is refused to one that was silent itself: it may have been asked by it long
	// ago.
	bury = `WITH gone AS (
			DELETE FROM nodes WHERE id = ANY ($3::text[]) AND seen_at < clock_timestamp() - $2 * interval '1 microsecond'
			AND EXISTS (SELECT id FROM nodes AS me WHERE me.id = $1 AND me.seen_at > clock_timestamp() - $4 * interval '1 microsecond')
			RETURNING id
		),
		told AS (UPDATE cluster SET generation = generation + 1 WHERE id = 1 AND EXISTS (SELECT id FROM gone))
		SELECT id FROM gone`
	members = `SELECT id, name, host, pid, version, config, started_at, configured_at, leaving, clock_ahead, seen_at,
		CAST(EXTRACT(EPOCH FROM clock_timestamp() - seen_at) * 1000000 AS bigint) FROM nodes ORDER BY id`
)

// Join adds a node, seen now; one that is there already is seen now. What the store
// writes from then on is under the leases of that node.
func (s *Store) Join(ctx context.Context, m store.Member) error {
	if s.readOnly {
		return store.ErrReadOnly
	}
	args := []any{
		m.ID, text(m.Name), text(m.Host), m.PID, text(m.Version), text(m.Config),
		store.Micros(m.StartedAt), store.Micros(m.ConfiguredAt), number(m.Leaving), m.ClockAhead.Microseconds(),
	}
	var timeline string
	var err error
	if s.timelines {
		err = s.vital.QueryRow(ctx, joinTimeline, args...).Scan(&timeline)
	} else {
		_, err = s.vital.Exec(ctx, join, args...)
	}
	if err != nil {
		return s.failure(ctx, err)
	}
	if t := s.tenant.Load(); t != nil {
		s.tenant.Store(&tenant{node: m.ID, fence: t.fence, timeline: timeline})
	}
	return nil
}

// Beat says that a node lives, and what is new of it; false where it was buried, and
// store.ErrNewTimeline where the database is on another timeline than the one on which
// it joined.
func (s *Store) Beat(ctx context.Context, m store.Member) (alive bool, err error) {
	if s.readOnly {
		return false, store.ErrReadOnly
	}
	query, args := beat, []any{m.ID, text(m.Config), store.Micros(m.ConfiguredAt), number(m.Leaving), m.ClockAhead.Microseconds()}
	if t := s.tenant.Load(); t != nil && t.node == m.ID && t.timeline != "" {
		query, args = beatOn, append(args, t.timeline)
	}
	tag, err := s.vital.Exec(ctx, query, args...)
	if err == nil && tag.RowsAffected() == 0 {
		err = s.onTimeline(ctx, m.ID)
	}
	return tag.RowsAffected() > 0, s.failure(ctx, err)
}

// Leave removes a node, so that its leases are free.
func (s *Store) Leave(ctx context.Context, id string) error {
	if s.readOnly {
		return store.ErrReadOnly
	}
	_, err := s.vital.Exec(ctx, leave, id)
	return s.failure(ctx, err)
}

// Bury removes those of the nodes that were silent for so long, and returns which.
func (s *Store) Bury(ctx context.Context, by string, silence time.Duration, ids []string) (buried []string, err error) {
	if s.readOnly {
		return nil, store.ErrReadOnly
	}
	return listOf(ctx, s, s.vital, scanName, bury, by, silence.Microseconds(), ids, (silence / 2).Microseconds())
}

// Members returns all nodes, by ID.
func (s *Store) Members(ctx context.Context) ([]store.Member, error) {
	return listOf(ctx, s, s.vital, scanMember, members)
}

func scanMember(rows pgx.Rows) (m store.Member, err error) {
	var age, ahead int64
	err = rows.Scan(&m.ID, (*stored)(&m.Name), (*stored)(&m.Host), &m.PID, (*stored)(&m.Version), (*stored)(&m.Config),
		(*moment)(&m.StartedAt), (*moment)(&m.ConfiguredAt), (*flag)(&m.Leaving), &ahead, &m.SeenAt, &age)
	m.SeenAt, m.Age = m.SeenAt.UTC(), time.Duration(age)*time.Microsecond
	m.ClockAhead = time.Duration(ahead) * time.Microsecond
	return m, err
}
