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
		SELECT h.delivery - cardinality($1::bigint[]) + t.n, t.event, $2, t.lane, t.key, 'waiting', 0, 0, 0, t.replay, $6
		FROM log_head h, unnest($1::bigint[], $3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY AS t (event, lane, key, replay, n)
		WHERE h.id = 1 RETURNING id`

	// advanceReplay ends a first one where the log does. Whoever adds to the log waits
	// for this, since the head of the log is locked before.
	advanceReplay = `UPDATE replays r SET reached = $3, told = told + $4,
			last = CASE WHEN r.first = 0 THEN r.last WHEN e.reached THEN $3 ELSE r.last END,
			finished_at = CASE WHEN r.first = 0 AND $5 OR r.first = 1 AND e.reached THEN $6::bigint ELSE 0 END
		FROM (SELECT coalesce(max(position), 0) <= $3 AS reached FROM events) e
		WHERE r.id = $1 AND r.endpoint = $2 RETURNING r.last, r.told, r.finished_at`

	selectEnded = "SELECT endpoint, lane, event FROM deliveries WHERE id = $1"
)

// AdvanceReplay writes what one step of a replay did.
func (s *Store) AdvanceReplay(ctx context.Context, r *store.Replay, step store.ReplayStep) error {
	own, now := *r, store.Micros(time.Now())
	err := s.write(ctx, []string{store.EndpointResource(r.Endpoint)}, func(ctx context.Context, tx pgx.Tx) error {
		known, err := selectRows(ctx, tx, scanID, lockReplay, text(r.ID), text(r.Endpoint), r.Reached)
		if err != nil {
			return err
		}
		if len(known) == 0 {
			return store.ErrConflict
		}
		tell, err := s.chooseTellable(ctx, tx, r.Endpoint, step.Tell)
		if err != nil {
			return err
		}
		var last pgx.Batch
		queueTelling(&last, r.Endpoint, tell, now, known[0] != 0, nil)
		last.Queue(advanceReplay, text(r.ID), text(r.Endpoint), step.Reached, len(tell), step.End, now).
			Query(func(rows pgx.Rows) error {
				defer rows.Close()
				for rows.Next() {
					if err := rows.Scan(&own.Last, &own.Told, (*moment)(&own.FinishedAt)); err != nil {
						return err
					}
				}
				return rows.Err()
			})
		return tx.SendBatch(ctx, &last).Close()
	})
	if err != nil {
		return fmt.Errorf("advance replay %q to endpoint %s: %w", r.ID, r.Endpoint, err)
	}
	r.Reached, r.Last, r.Told, r.FinishedAt = step.Reached, own.Last, own.Told, own.FinishedAt
	return nil
}

// chooseTellable locks the events that are to be told and returns those deliveries
// that are left: of events that are there and do not wait for the endpoint.
func (s *Store) chooseTellable(ctx context.Context, tx pgx.Tx, endpoint string, tell []notify.Delivery) ([]notify.Delivery, error) {
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

// queueTelling adds to the last statements of a transaction those by which events
// are told again. The head of the log is locked by the first of them, where there is
// something to tell or it is asked for. given gets the IDs of the deliveries.
func queueTelling(last *pgx.Batch, endpoint string, tell []notify.Delivery, now int64, head bool, given *[]int64) {
	if len(tell) == 0 {
		if head {
			last.Queue(takeDeliveries, 0)
		}
		return
	}
	positions, replays := make([]int64, len(tell)), make([]int64, len(tell))
	lanes, keys := make([]string, len(tell)), make([]string, len(tell))
	for i, d := range tell {
		positions[i], lanes[i], keys[i], replays[i] = d.Position, text(d.Lane), text(d.Key), number(d.Replay)
	}
	last.Queue(supersede, positions, text(endpoint))
	last.Queue(takeDeliveries, len(tell))
	last.Queue(tellAgain, positions, text(endpoint), lanes, keys, replays, now).Query(func(rows pgx.Rows) error {
		ids, err := collect(rows, scanID)
		if given != nil {
			*given = ids
		}
		return err
	})
}

// Retell adds another delivery of the event of one that has ended.
func (s *Store) Retell(ctx context.Context, delivery int64) (notify.Delivery, error) {
	var again notify.Delivery
	now := store.Micros(time.Now())
	err := s.write(ctx, nil, func(ctx context.Context, tx pgx.Tx) (err error) {
		again, err = s.retell(ctx, tx, delivery, now)
		return err
	})
	if err != nil {
		return notify.Delivery{}, fmt.Errorf("tell delivery %d again: %w", delivery, err)
	}
	return again, nil
}

func (s *Store) retell(ctx context.Context, tx pgx.Tx, delivery, now int64) (notify.Delivery, error) {
	scan := func(rows pgx.Rows) (d notify.Delivery, err error) {
		err = rows.Scan((*stored)(&d.Endpoint), (*stored)(&d.Lane), &d.Position)
		return d, err
	}
	found, err := selectRows(ctx, tx, scan, selectEnded, delivery)
	if err != nil {
		return notify.Delivery{}, err
	}
	if len(found) == 0 {
		return notify.Delivery{}, store.ErrNotFound
	}
	d := found[0]
	d.Lane, d.Replay = notify.ReplayLane(d.Lane), true
	tell, err := s.chooseTellable(ctx, tx, d.Endpoint, []notify.Delivery{d})
	if err != nil {
		return notify.Delivery{}, err
	}
	if len(tell) == 0 {
		return notify.Delivery{}, store.ErrConflict
	}
	var last pgx.Batch
	var ids []int64
	queueTelling(&last, d.Endpoint, tell, now, false, &ids)
	if err := tx.SendBatch(ctx, &last).Close(); err != nil {
		return notify.Delivery{}, err
	}
	d.ID = ids[0]
	return d, nil
}
