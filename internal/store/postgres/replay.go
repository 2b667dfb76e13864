package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	selectReplay = `SELECT id, endpoint, source, since, until, dead, first, start, reached, last, told, created_at, finished_at,
		(SELECT count(*) FROM deliveries d WHERE d.endpoint = r.endpoint AND d.state = 'waiting' AND d.replay = 1) FROM replays r`

	insertReplay = `INSERT INTO replays (id, endpoint, source, since, until, dead, first, start, reached, last, told, created_at, finished_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	// insertFirst leaves out one of an endpoint that has one. What tells nothing but
	// what comes begins, and ends, where the log does.
	insertFirst = `INSERT INTO replays (id, endpoint, source, since, until, dead, first, start, reached, last, told, created_at, finished_at)
		SELECT $1, $2, $3, $4, $5, $6, $7, CASE WHEN $13::bigint > 0 THEN h.position ELSE $8 END, CASE WHEN $13::bigint > 0 THEN h.position ELSE $9 END,
			CASE WHEN $13::bigint > 0 THEN h.position ELSE $10 END, $11, $12, $13
		FROM log_head h WHERE h.id = 1
		ON CONFLICT (id, endpoint) DO NOTHING RETURNING start, reached, last`
)

func scanReplay(rows pgx.Rows) (store.Replay, error) {
	var r store.Replay
	err := rows.Scan((*stored)(&r.ID), (*stored)(&r.Endpoint), (*stored)(&r.Source), (*moment)(&r.Since), (*moment)(&r.Until),
		(*flag)(&r.Dead), (*flag)(&r.First), &r.Start, &r.Reached, &r.Last, &r.Told, (*moment)(&r.CreatedAt), (*moment)(&r.FinishedAt),
		&r.Waiting)
	return r, err
}

// ReplaysByID returns the replays of an ID, by endpoint.
func (s *Store) ReplaysByID(ctx context.Context, id string) ([]store.Replay, error) {
	found, err := list(ctx, s, scanReplay, selectReplay+" WHERE id = $1 ORDER BY endpoint", text(id))
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read replay %q: %w", id, err)
	}
	return found, nil
}

// OpenReplays returns those that are not finished, oldest first.
func (s *Store) OpenReplays(ctx context.Context) ([]store.Replay, error) {
	found, err := list(ctx, s, scanReplay, selectReplay+" WHERE finished_at = 0 ORDER BY created_at, id, endpoint")
	if err != nil {
		return nil, fmt.Errorf("read open replays: %w", err)
	}
	return found, nil
}

// AddReplays saves replays that begin. Where they begin and end is looked for
// before, and once for all that ask for the same: in a long log it takes longer
// than a transaction should.
func (s *Store) AddReplays(ctx context.Context, replays []store.Replay) error {
	if len(replays) == 0 {
		return nil
	}
	added := slices.Clone(replays)
	if err := store.BoundReplays(ctx, added, s.bounds); err != nil {
		return fmt.Errorf("add replays: %w", err)
	}
	err := s.writeForAll(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for i := range added {
			if err := addReplay(ctx, tx, &added[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add replays: %w", err)
	}
	copy(replays, added)
	return nil
}

func addReplay(ctx context.Context, tx pgx.Tx, r *store.Replay) error {
	values := []any{
		text(r.ID), text(r.Endpoint), text(r.Source), store.Micros(r.Since), store.Micros(r.Until), number(r.Dead), number(r.First),
		r.Start, r.Reached, r.Last, r.Told, store.Micros(r.CreatedAt), store.Micros(r.FinishedAt),
	}
	if !r.First {
		_, err := tx.Exec(ctx, insertReplay, values...)
		return err
	}
	scan := func(rows pgx.Rows) (none struct{}, err error) {
		err = rows.Scan(&r.Start, &r.Reached, &r.Last)
		return none, err
	}
	_, err := selectRows(ctx, tx, scan, insertFirst, values...)
	return err
}

// Where in the log, or in what is dead for an endpoint, a replay starts and ends:
// at the end of the log where it tells nothing. Each finds its own end of an
// index.
const (
	logBounds = `SELECT coalesce((SELECT min(position) - 1 FROM events), position), coalesce((SELECT max(position) FROM events), position)
		FROM log_head WHERE id = 1`
	timeBounds = `SELECT coalesce(found.first - 1, position), coalesce(found.last, position) FROM log_head,
		(SELECT min(position) AS first, max(position) AS last FROM (SELECT position FROM events WHERE time >= $1 AND time < $2 OFFSET 0) e) found
		WHERE id = 1`
	deadBounds = `SELECT coalesce((SELECT min(id) - 1 FROM deliveries WHERE state = 'dead' AND endpoint = $1), 0),
		coalesce((SELECT max(id) FROM deliveries WHERE state = 'dead' AND endpoint = $1), 0)`
)

// bounds is a store.BoundsFinder.
func (s *Store) bounds(ctx context.Context, r *store.Replay, since, until int64) ([2]int64, error) {
	query, args := timeBounds, []any{since, until}
	switch {
	case r.Dead:
		query, args = deadBounds, []any{text(r.Endpoint)}
	case r.Since.IsZero() && r.Until.IsZero():
		query, args = logBounds, nil
	}
	scan := func(rows pgx.Rows) (b [2]int64, err error) {
		err = rows.Scan(&b[0], &b[1])
		return b, err
	}
	found, err := list(ctx, s, scan, query, args...)
	if err == nil && len(found) == 0 {
		err = store.ErrDamaged
	}
	if err != nil {
		return [2]int64{}, err
	}
	return found[0], nil
}

const (
	inReplay = "($3 = '' OR e.source = $3) AND e.time >= $4 AND e.time < $5"
	// findReplayed follows the log, findDead what is dead of an endpoint.
	findReplayed = "SELECT e.position, " + eventColumns + ` FROM events e
		WHERE e.position > $1 AND e.position <= $2 AND ` + inReplay + " ORDER BY e.position LIMIT $6"
	findDead = "SELECT d.id, " + eventColumns + ` FROM deliveries d JOIN events e ON e.position = d.event
		WHERE d.state = 'dead' AND d.endpoint = $7 AND d.id > $1 AND d.id <= $2 AND ` + inReplay + " ORDER BY d.id LIMIT $6"
)

// ReplayEvents returns the events that a replay comes to next.
func (s *Store) ReplayEvents(ctx context.Context, r *store.Replay, limit int) ([]store.Replayed, error) {
	last, since, until := r.Ahead()
	query, args := findReplayed, []any{r.Reached, last, text(r.Source), since, until, max(limit, 0)}
	if r.Dead {
		query, args = findDead, append(args, text(r.Endpoint))
	}
	found, err := list(ctx, s, s.scanReplayed, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read events of replay %q: %w", r.ID, err)
	}
	return found, nil
}

func (s *Store) scanReplayed(rows pgx.Rows) (r store.Replayed, err error) {
	r.Event, err = s.scanEventBehind(rows, &r.At)
	return r, err
}
