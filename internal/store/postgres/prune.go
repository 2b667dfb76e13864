package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// pruneBatch bounds the events that one transaction of a retention run looks at,
	// endBatch the deliveries that it removes.
	pruneBatch = 200

	// findOld leaves out the events that a waiting delivery still needs.
	findOld = `SELECT e.time, e.position FROM events e WHERE e.time < $1 AND (e.time, e.position) > ($2, $3)
		AND NOT EXISTS (SELECT 1 FROM deliveries w WHERE w.event = e.position AND w.state = 'waiting')
		ORDER BY e.time, e.position LIMIT $4`
	// deleteFinished removes the finished deliveries of events that no waiting one needs.
	// A dead one stays to be seen for as long as an event does, from when it died, which
	// its not_before tells.
	deleteFinished = `DELETE FROM deliveries WHERE id = ANY(ARRAY(
			SELECT d.id FROM deliveries d WHERE d.event = ANY($1) AND d.state <> 'waiting' AND (d.state <> 'dead' OR d.not_before < $2)
			AND NOT EXISTS (SELECT 1 FROM deliveries w WHERE w.event = d.event AND w.state = 'waiting') LIMIT $3
		)) RETURNING id`
	deleteAttempts = `DELETE FROM attempts WHERE delivery = ANY($1)`
	deleteEvents   = `DELETE FROM events e WHERE e.position = ANY($1) AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.position)`
	// deleteDeparted passes over what a commit is at.
	deleteDeparted = `WITH old AS MATERIALIZED (SELECT source, key FROM departed WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)
		DELETE FROM departed d USING old WHERE d.source = old.source AND d.key = old.key`
	deleteReplays = "DELETE FROM replays WHERE first = 0 AND finished_at > 0 AND finished_at < $1"
	// deleteLeases removes leases that nobody has had for long, of what is not there
	// any more. Where it is, the next claim makes the lease anew. Its epochs begin
	// anew then, and mean something else: a node has had none of them for so long that
	// nothing that it wrote under one can still be under way.
	deleteLeases = `WITH old AS MATERIALIZED (SELECT l.resource FROM leases l WHERE l.since < clock_timestamp() - $1 * interval '1 microsecond'
			AND (l.node = '' OR NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = l.node)) LIMIT $2 FOR UPDATE OF l SKIP LOCKED)
		DELETE FROM leases l USING old WHERE l.resource = old.resource`
	// freeFor is for how long a lease was free that is removed.
	freeFor = 24 * time.Hour
)

// Prune removes what retention allows to, in transactions of bounded length.
// What is old is looked for by reading, and looked at again in the transaction
// that removes it.
func (s *Store) Prune(ctx context.Context, r store.Retention) (store.Pruned, error) {
	var done store.Pruned
	for _, step := range []func() error{
		func() error { return s.expire(ctx, store.Micros(r.Waiting), &done) },
		func() error { return s.pruneEvents(ctx, store.Micros(r.Events), &done) },
		func() error { return s.pruneDeparted(ctx, store.Micros(r.Events), &done) },
		func() error { return s.pruneReplays(ctx, store.Micros(r.Events)) },
		func() error { return s.pruneLeases(ctx) },
		func() error { return s.sweepOrphans(ctx) },
	} {
		if err := step(); err != nil {
			return done, fmt.Errorf("prune: %w", err)
		}
	}
	return done, nil
}

// prune runs a step of a retention run under its lease.
func (s *Store) prune(ctx context.Context, step func(ctx context.Context, tx pgx.Tx) error) error {
	return s.write(ctx, []string{store.TaskPrune}, step)
}

// pruneEvents removes the finished deliveries of old events, with their attempts,
// and then the events that have no deliveries any more.
func (s *Store) pruneEvents(ctx context.Context, before int64, done *store.Pruned) error {
	type place struct{ time, position int64 }
	scan := func(rows pgx.Rows) (p place, err error) {
		err = rows.Scan(&p.time, &p.position)
		return p, err
	}
	for last := (place{time: -1 << 62}); ; {
		old, err := list(ctx, s, scan, findOld, before, last.time, last.position, pruneBatch)
		if err != nil || len(old) == 0 {
			return err
		}
		last = old[len(old)-1]
		positions := make([]int64, len(old))
		for i, p := range old {
			positions[i] = p.position
		}
		for removed := endBatch; removed == endBatch; {
			if removed, err = s.pruneSome(ctx, positions, before, done); err != nil {
				return err
			}
		}
	}
}

// pruneSome removes up to endBatch deliveries of old events, and where there are no
// more of them, the events.
func (s *Store) pruneSome(ctx context.Context, positions []int64, before int64, done *store.Pruned) (removed int, err error) {
	var events int64
	err = s.prune(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// Nothing is told again of what is locked here, and what was is seen by the
		// statements that follow.
		locked, err := selectRows(ctx, tx, scanID, lockEvents, positions)
		if err != nil {
			return err
		}
		deliveries, err := selectRows(ctx, tx, scanID, deleteFinished, locked, before, endBatch)
		if err != nil {
			return err
		}
		removed = len(deliveries)
		if removed > 0 {
			if _, err := tx.Exec(ctx, deleteAttempts, deliveries); err != nil {
				return err
			}
		}
		if removed == endBatch {
			return nil
		}
		tag, err := tx.Exec(ctx, deleteEvents, locked)
		events = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, err
	}
	done.Deliveries += int64(removed)
	done.Events += events
	return removed, nil
}

// pruneDeparted removes departed items that left before a time.
func (s *Store) pruneDeparted(ctx context.Context, before int64, done *store.Pruned) error {
	for {
		var removed int64
		err := s.prune(ctx, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, deleteDeparted, before, pruneBatch)
			removed = tag.RowsAffected()
			return err
		})
		if err != nil {
			return err
		}
		done.Departed += removed
		if removed < pruneBatch {
			return nil
		}
	}
}

// pruneReplays removes replays that were finished before a time. Those of new
// endpoints stay: they say that these are not new any more.
func (s *Store) pruneReplays(ctx context.Context, before int64) error {
	return s.prune(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, deleteReplays, before)
		return err
	})
}

// pruneLeases removes leases that nobody has any more: of subscriptions, mostly,
// which come and go without end.
func (s *Store) pruneLeases(ctx context.Context) error {
	for removed := int64(pruneBatch); removed == pruneBatch; {
		err := s.prune(ctx, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, deleteLeases, freeFor.Microseconds(), pruneBatch)
			removed = tag.RowsAffected()
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
