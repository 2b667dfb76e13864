package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const selectReplay = `SELECT id, endpoint, source, since, until, dead, first, start, reached, last, told, created_at, finished_at,
	(SELECT count(*) FROM deliveries d WHERE d.endpoint = r.endpoint AND d.state = 'waiting' AND d.replay = 1) FROM replays r`

func scanReplay(rows *sql.Rows) (store.Replay, error) {
	var r store.Replay
	var since, until, created, finished int64
	err := rows.Scan(&r.ID, &r.Endpoint, &r.Source, &since, &until, &r.Dead, &r.First, &r.Start, &r.Reached, &r.Last,
		&r.Told, &created, &finished, &r.Waiting)
	r.Since, r.Until, r.CreatedAt, r.FinishedAt = store.FromMicros(since), store.FromMicros(until), store.FromMicros(created), store.FromMicros(finished)
	return r, err
}

// ReplaysByID returns the replays of an ID, by endpoint.
func (s *Store) ReplaysByID(ctx context.Context, id string) ([]store.Replay, error) {
	found, err := list(ctx, s.reader, scanReplay, selectReplay+" WHERE id = ? ORDER BY endpoint", id)
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
	found, err := list(ctx, s.reader, scanReplay,
		selectReplay+" INDEXED BY replays_open WHERE finished_at = 0 ORDER BY created_at, id, endpoint")
	if err != nil {
		return nil, fmt.Errorf("read open replays: %w", err)
	}
	return found, nil
}

// AddReplays saves replays that begin. Where they begin and end is looked for
// before, and once for all that ask for the same: in a long log it takes longer
// than other writes may wait.
func (s *Store) AddReplays(ctx context.Context, replays []store.Replay) error {
	if len(replays) == 0 {
		return nil
	}
	added := append([]store.Replay(nil), replays...)
	if err := store.BoundReplays(ctx, added, s.bounds); err != nil {
		return fmt.Errorf("add replays: %w", err)
	}
	err := s.write(ctx, 256*len(added), func(s *session) error {
		for i := range added {
			if err := addReplay(s, &added[i]); err != nil {
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

func addReplay(s *session, r *store.Replay) error {
	if r.First {
		known, err := selectRows(s, scanReplay, selectReplay+" WHERE id = ? AND endpoint = ?", r.ID, r.Endpoint)
		if err != nil || len(known) > 0 {
			return err
		}
	}
	if r.First && !r.FinishedAt.IsZero() {
		r.Start, r.Reached, r.Last = s.ids.position, s.ids.position, s.ids.position
	}
	_, err := s.exec(`INSERT INTO replays (id, endpoint, source, since, until, dead, first, start, reached, last,
		told, created_at, finished_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Endpoint, r.Source, store.Micros(r.Since), store.Micros(r.Until), r.Dead, r.First, r.Start, r.Reached, r.Last,
		r.Told, store.Micros(r.CreatedAt), store.Micros(r.FinishedAt))
	return err
}

// Where in the log, or in what is dead for an endpoint, a replay starts and ends:
// at the end of the log where it tells nothing. Each finds its own end of an
// index, which one query for both would pass from one to the other.
const (
	logBounds = `SELECT coalesce((SELECT min(position) - 1 FROM events), seq), coalesce((SELECT max(position) FROM events), seq)
		FROM (SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) AS seq)`
	timeBounds = `SELECT coalesce(min(position) - 1, seq), coalesce(max(position), seq)
		FROM (SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) AS seq)
		LEFT JOIN events ON time >= ? AND time < ?`
	deadBounds = `SELECT coalesce((SELECT min(id) - 1 FROM deliveries WHERE state = 'dead' AND endpoint = ?1), 0),
		coalesce((SELECT max(id) FROM deliveries WHERE state = 'dead' AND endpoint = ?1), 0)`
)

// bounds is a store.BoundsFinder.
func (s *Store) bounds(ctx context.Context, r *store.Replay, since, until int64) ([2]int64, error) {
	query, args := timeBounds, []any{since, until}
	switch {
	case r.Dead:
		query, args = deadBounds, []any{r.Endpoint}
	case r.Since.IsZero() && r.Until.IsZero():
		query, args = logBounds, nil
	}
	found, err := list(ctx, s.reader, scanBounds, query, args...)
	if err != nil {
		return [2]int64{}, err
	}
	return found[0], nil
}

func scanBounds(rows *sql.Rows) (b [2]int64, err error) {
	err = rows.Scan(&b[0], &b[1])
	return b, err
}

const (
	inReplay = "(?3 = '' OR e.source = ?3) AND e.time >= ?4 AND e.time < ?5"
	// findReplayed follows the log, findDead what is dead of an endpoint.
	findReplayed = "SELECT e.position, " + eventColumns + ` FROM events e
		WHERE e.position > ?1 AND e.position <= ?2 AND ` + inReplay + " ORDER BY e.position LIMIT ?6"
	findDead = "SELECT d.id, " + eventColumns + ` FROM deliveries d INDEXED BY deliveries_dead CROSS JOIN events e ON e.position = d.event
		WHERE d.state = 'dead' AND d.endpoint = ?7 AND d.id > ?1 AND d.id <= ?2 AND ` + inReplay + " ORDER BY d.id LIMIT ?6"
)

// ReplayEvents returns the events that a replay comes to next.
func (s *Store) ReplayEvents(ctx context.Context, r *store.Replay, limit int) ([]store.Replayed, error) {
	last, since, until := r.Ahead()
	query, args := findReplayed, []any{r.Reached, last, r.Source, since, until, max(limit, 0)}
	if r.Dead {
		query, args = findDead, append(args, r.Endpoint)
	}
	found, err := list(ctx, s.reader, s.scanReplayed, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read events of replay %q: %w", r.ID, err)
	}
	return found, nil
}

func (s *Store) scanReplayed(rows *sql.Rows) (r store.Replayed, err error) {
	r.Event, err = s.scanEventBehind(rows, &r.At)
	return r, err
}

// AdvanceReplay writes what one step of a replay did.
func (s *Store) AdvanceReplay(ctx context.Context, r *store.Replay, step store.ReplayStep) error {
	// The step may run on after ctx has ended, so that it needs all of its own.
	own, now := *r, time.Now()
	tell := append([]notify.Delivery(nil), step.Tell...)
	for i := range tell {
		tell[i].Endpoint = own.Endpoint
	}
	err := s.write(ctx, 256*(1+len(tell)), func(s *session) error {
		return advanceReplay(s, &own, step.Reached, tell, step.End, now)
	})
	if err != nil {
		return fmt.Errorf("advance replay %q to endpoint %s: %w", r.ID, r.Endpoint, err)
	}
	r.Reached, r.Last, r.Told, r.FinishedAt = own.Reached, own.Last, own.Told, own.FinishedAt
	return nil
}

func advanceReplay(s *session, r *store.Replay, reached int64, tell []notify.Delivery, end bool, now time.Time) error {
	told, err := tellAgain(s, tell, store.Micros(now))
	if err != nil {
		return err
	}
	before := r.Reached
	r.Reached, r.Told = reached, r.Told+int64(len(told))
	if r.First {
		// Nothing can come between the end of the log and the end of the replay:
		// commits wait for this one.
		if end, err = atEnd(s, reached); err != nil {
			return err
		}
		if end {
			r.Last = reached
		}
	}
	if end {
		r.FinishedAt = store.FromMicros(store.Micros(now))
	}
	n, err := s.change(`UPDATE replays SET reached = ?, last = ?, told = told + ?, finished_at = ?
		WHERE id = ? AND endpoint = ? AND reached = ? AND finished_at = 0`,
		r.Reached, r.Last, len(told), store.Micros(r.FinishedAt), r.ID, r.Endpoint, before)
	if err != nil || n == 0 {
		return errOr(err, store.ErrConflict)
	}
	return nil
}

func atEnd(s *session, position int64) (bool, error) {
	after, err := selectRows(s, scanID, "SELECT position FROM events WHERE position > ? LIMIT 1", position)
	return len(after) == 0, err
}

// tellable finds an event that is there and does not wait for an endpoint.
// supersede ends what is dead of it. An event has few deliveries, an endpoint can
// have very many.
const (
	tellable = `SELECT e.position FROM events e WHERE e.position = ?1 AND NOT EXISTS
		(SELECT 1 FROM deliveries d INDEXED BY deliveries_event WHERE d.event = ?1 AND d.endpoint = ?2 AND d.state = 'waiting')`
	supersede = "UPDATE deliveries INDEXED BY deliveries_event SET state = ? WHERE event = ? AND endpoint = ? AND state = 'dead'"
)

// tellAgain adds deliveries of events of the log, except of those that are gone
// or wait already, and lets them take the place of dead ones. It returns those
// that it has added.
func tellAgain(s *session, tell []notify.Delivery, now int64) ([]notify.Delivery, error) {
	insert := bulk{
		into:    "INSERT INTO deliveries (id, event, endpoint, lane, key, state, posts, attempts, not_before, replay, created_at)",
		columns: 11,
	}
	var told []notify.Delivery
	var values []any
	for _, d := range tell {
		found, err := selectRows(s, scanID, tellable, d.Position, d.Endpoint)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			continue
		}
		if _, err := s.exec(supersede, string(notify.Superseded), d.Position, d.Endpoint); err != nil {
			return nil, err
		}
		s.ids.delivery++
		d.ID = s.ids.delivery
		told = append(told, d)
		values = append(values, d.ID, d.Position, d.Endpoint, d.Lane, d.Key, string(notify.Waiting), 0, 0, 0, d.Replay, now)
	}
	return told, s.insert(&insert, values)
}

// Retell adds another delivery of the event of one that has ended.
func (s *Store) Retell(ctx context.Context, delivery int64) (notify.Delivery, error) {
	var again notify.Delivery
	now := store.Micros(time.Now())
	err := s.write(ctx, 256, func(s *session) (err error) {
		again, err = retell(s, delivery, now)
		return err
	})
	if err != nil {
		return notify.Delivery{}, fmt.Errorf("tell delivery %d again: %w", delivery, err)
	}
	return again, nil
}

func retell(s *session, delivery, now int64) (notify.Delivery, error) {
	scan := func(rows *sql.Rows) (d notify.Delivery, err error) {
		err = rows.Scan(&d.Endpoint, &d.Lane, &d.Position)
		return d, err
	}
	found, err := selectRows(s, scan, "SELECT endpoint, lane, event FROM deliveries WHERE id = ?", delivery)
	if err != nil || len(found) == 0 {
		return notify.Delivery{}, errOr(err, store.ErrNotFound)
	}
	d := found[0]
	d.Lane, d.Replay = notify.ReplayLane(d.Lane), true
	told, err := tellAgain(s, []notify.Delivery{d}, now)
	if err != nil || len(told) == 0 {
		return notify.Delivery{}, errOr(err, store.ErrConflict)
	}
	return told[0], nil
}

// pruneReplays removes replays that were finished before a time. Those of new
// endpoints stay: they say that these are not new any more.
func (s *Store) pruneReplays(ctx context.Context, before int64) error {
	return s.write(ctx, 256, func(s *session) error {
		_, err := s.exec("DELETE FROM replays WHERE first = 0 AND finished_at > 0 AND finished_at < ?", before)
		return err
	})
}
