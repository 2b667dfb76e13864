package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	lockReplay = `SELECT first FROM replays WHERE id = $1 AND endpoint = $2 AND reached = $3 AND finished_at = 0 FOR UPDATE`
	// lockEvents keeps retention from removing events that are about to be told, and
	// others from telling them at the same time. All lock them in this order.
	lockEvents = `SELECT position FROM events WHERE position = ANY($1) ORDER BY position FOR UPDATE`
	// tellable finds those of the locked events that do not wait for an endpoint, of
	// which supersede ends what is dead. An event has few deliveries, an endpoint can
	// have very many.
	tellable = `SELECT e.position FROM unnest($1::bigint[]) AS e (position) WHERE NOT EXISTS
		(SELECT 1 FROM deliveries d WHERE d.event = e.position AND d.endpoint = $2 AND d.state = 'waiting')`
	supersede = `UPDATE deliveries SET state = 'superseded' WHERE event = ANY($1) AND endpoint = $2 AND state = 'dead'`

	takeDeliveries = `UPDATE log_head SET delivery = delivery + $1 WHERE id = 1`
	// tellAgain comes after takeDeliveries has taken as many numbers.
	tellAgain = `INSERT INTO deliveries (id, event, endpoint, lane, key, state, posts, attempts, not_before, replay, created_at)
		SELECT h.delivery - cardinality($1) + t.n, t.event, $2, t.lane, t.key, 'waiting', 0, 0, 0, t.replay, $6
		FROM log_head h, unnest($1, $3, $4, $5) WITH ORDINALITY AS t (event, lane, key, replay, n)
		WHERE h.id = 1 RETURNING id`

	// advanceReplay ends a first one where the log does. Whoever adds to the log waits
	// for this, since the head of the log is locked before.
	advanceReplay = `UPDATE replays r SET reached = $3, told = told + $4,
			last = CASE WHEN r.first = 0 THEN r.last WHEN e.reached THEN $3 ELSE r.last END,
			finished_at = CASE WHEN r.first = 0 AND $5 = 1 OR r.first = 1 AND e.reached THEN $6::bigint ELSE 0 END
		FROM (SELECT coalesce(max(position), 0) <= $3 AS reached FROM events) e
		WHERE r.id = $1 AND r.endpoint = $2 RETURNING r.last, r.told, r.finished_at`

	selectEnded = "SELECT endpoint, lane, event FROM deliveries WHERE id = $1"
)

// AdvanceReplay writes what one step of a replay did.
func (s *Store) AdvanceReplay(ctx context.Context, r *store.Replay, step store.ReplayStep) error {
	own, now := *r, store.Micros(time.Now())
	var advanced int
	found, err := s.writeLast(ctx, []string{store.EndpointResource(own.Endpoint)}, func(ctx context.Context, tx pgx.Tx, last *script) error {
		known, err := selectRows(ctx, tx, scanID, lockReplay, text(own.ID), text(own.Endpoint), own.Reached)
		if err != nil {
			return err
		}
		if len(known) == 0 {
			return store.ErrConflict
		}
		tell, err := chooseTellable(ctx, tx, own.Endpoint, step.Tell)
		if err != nil {
			return err
		}
		addTelling(last, own.Endpoint, tell, now)
		if len(tell) == 0 && known[0] != 0 {
			last.add(takeDeliveries, int64(0))
		}
		advanced = last.add(advanceReplay, own.ID, own.Endpoint, step.Reached, int64(len(tell)), number(step.End), now)
		return nil
	})
	if err != nil {
		return fmt.Errorf("advance replay %q to endpoint %s: %w", r.ID, r.Endpoint, err)
	}
	row := found[advanced].Rows[0] // it was locked
	r.Reached, r.Last, r.Told, r.FinishedAt = step.Reached, integer(row[0]), integer(row[1]), store.FromMicros(integer(row[2]))
	return nil
}

// chooseTellable locks the events that are to be told and returns those deliveries
// that are left: of events that are there and do not wait for the endpoint.
func chooseTellable(ctx context.Context, tx pgx.Tx, endpoint string, tell []notify.Delivery) ([]notify.Delivery, error) {
	if len(tell) == 0 {
		return nil, nil
	}
	positions := make([]int64, len(tell))
	for i := range tell {
		positions[i] = tell[i].Position
	}
	there, err := selectRows(ctx, tx, scanID, lockEvents, positions)
	if err != nil {
		return nil, err
	}
	// A statement of its own: it sees what those have done that were waited for.
	found, err := selectRows(ctx, tx, scanID, tellable, there, text(endpoint))
	if err != nil {
		return nil, err
	}
	free := make(map[int64]bool, len(found))
	for _, position := range found {
		free[position] = true
	}
	var left []notify.Delivery
	for _, d := range tell {
		if free[d.Position] {
			free[d.Position] = false
			d.Endpoint = endpoint
			left = append(left, d)
		}
	}
	return left, nil
}

// addTelling adds to the last statements of a transaction those by which events are
// told again, and returns the place of the IDs of the deliveries.
func addTelling(last *script, endpoint string, tell []notify.Delivery, now int64) (ids int) {
	if len(tell) == 0 {
		return -1
	}
	positions, replays := make([]int64, len(tell)), make([]int64, len(tell))
	lanes, keys := make([]string, len(tell)), make([]string, len(tell))
	for i, d := range tell {
		positions[i], lanes[i], keys[i], replays[i] = d.Position, d.Lane, d.Key, number(d.Replay)
	}
	last.add(supersede, positions, endpoint)
	last.add(takeDeliveries, int64(len(tell)))
	return last.add(tellAgain, positions, endpoint, lanes, keys, replays, now)
}

// Retell adds another delivery of the event of one that has ended.
func (s *Store) Retell(ctx context.Context, delivery int64) (notify.Delivery, error) {
	var again notify.Delivery
	var ids int
	now := store.Micros(time.Now())
	found, err := s.writeLast(ctx, nil, func(ctx context.Context, tx pgx.Tx, last *script) error {
		tell, err := retell(ctx, tx, delivery)
		if err == nil {
			again, ids = tell[0], addTelling(last, tell[0].Endpoint, tell, now)
		}
		return err
	})
	if err != nil {
		return notify.Delivery{}, fmt.Errorf("tell delivery %d again: %w", delivery, err)
	}
	again.ID = integer(found[ids].Rows[0][0])
	return again, nil
}

// retell returns the one delivery by which the event of another one is told again.
func retell(ctx context.Context, tx pgx.Tx, delivery int64) ([]notify.Delivery, error) {
	scan := func(rows pgx.Rows) (d notify.Delivery, err error) {
		err = rows.Scan((*stored)(&d.Endpoint), (*stored)(&d.Lane), &d.Position)
		return d, err
	}
	found, err := selectRows(ctx, tx, scan, selectEnded, delivery)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, store.ErrNotFound
	}
	d := found[0]
	d.Lane, d.Replay = notify.ReplayLane(d.Lane), true
	tell, err := chooseTellable(ctx, tx, d.Endpoint, []notify.Delivery{d})
	if err == nil && len(tell) == 0 {
		err = store.ErrConflict
	}
	return tell, err
}
