package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// beginClaim bounds how long a claim waits for who writes under a lease. What is
	// claimed at a time is little of a table that the server knows hardly anything of
	// at the first start, when it would rather read all of it each time.
	beginClaim = beginCommitted + `; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL enable_seqscan = off`
	// addLeases adds the rows of resources that have none, in an order in which no two
	// nodes wait for each other.
	addLeases = `INSERT INTO leases (resource, node, epoch, since)
		SELECT r, '', 0, clock_timestamp() FROM unnest($1::text[]) AS r
		WHERE NOT EXISTS (SELECT resource FROM leases WHERE resource = r) ORDER BY r ON CONFLICT DO NOTHING`
	lockLeases = `SELECT l.resource, l.node, l.epoch, l.since FROM unnest($1::text[]) AS w (resource)
		JOIN leases AS l ON l.resource = w.resource ORDER BY l.resource FOR UPDATE OF l`
	liveNodes   = `SELECT id FROM nodes`
	claimLeases = `UPDATE leases AS l SET node = $1, epoch = l.epoch + 1, since = clock_timestamp()
		FROM unnest($2::text[]) AS w (resource) WHERE l.resource = w.resource RETURNING l.resource, l.node, l.epoch, l.since`
	// freeLeases makes others look after it has updated the leases, not before: it
	// may have to wait for them.
	freeLeases = `WITH freed AS (
			UPDATE leases SET node = '', since = clock_timestamp()
			FROM unnest($1::text[], $2::text[], $3::bigint[]) AS f (resource, node, epoch)
			WHERE leases.resource = f.resource AND leases.node = f.node AND leases.epoch = f.epoch RETURNING leases.resource
		)
		UPDATE cluster SET generation = generation + 1 WHERE id = 1 AND (SELECT count(*) FROM freed) > 0`
	newLeases = `SELECT resource, node, epoch, since FROM leases WHERE since >= $1`
	// freeBatch bounds the rows of a statement.
	freeBatch = 5000
)

// Claim gives a node those groups of resources that are free as a whole, and
// returns their leases under their next epochs. What others hold locked is tried a
// second time on its own, so that who writes under it holds up nothing else.
func (s *Store) Claim(ctx context.Context, node string, groups [][]string) ([]store.Lease, error) {
	if s.readOnly {
		return nil, store.ErrReadOnly
	}
	claimed, locked, err := s.claim(ctx, node, groups, lockLeases+" SKIP LOCKED")
	if err != nil || len(locked) == 0 {
		return claimed, err
	}
	more, _, err := s.claim(ctx, node, locked, lockLeases)
	if errors.Is(err, store.ErrBusy) {
		err = nil // still written under: they are left out
	}
	return append(claimed, more...), err
}

// claim claims groups whose rows it can lock. Locked are those of which it could
// not lock all, and the others are free.
func (s *Store) claim(ctx context.Context, node string, groups [][]string, lock string) (claimed []store.Lease, locked [][]string, err error) {
	var all []string
	for _, g := range groups {
		all = append(all, g...)
	}
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: beginClaim}, func(tx pgx.Tx) error {
		// Who lives is asked after the rows are locked: a node that is in one of them
		// was there before.
		rows, alive, err := lockFor(ctx, tx, lock, texts(all))
		if err != nil || !alive[node] {
			return err
		}
		var free []string
		free, locked = whole(groups, rows, func(holder string) bool { return holder == "" || holder == node || !alive[holder] })
		if len(free) == 0 {
			return nil
		}
		updated, err := tx.Query(ctx, claimLeases, node, texts(free))
		if err != nil {
			return err
		}
		claimed, err = collect(updated, scanLease)
		return err
	})
	if err != nil {
		return nil, nil, s.failure(ctx, err)
	}
	return claimed, locked, nil
}

// lockFor locks the rows of resources, and returns those that it could lock, by
// resource, and which nodes live.
func lockFor(ctx context.Context, tx pgx.Tx, lock string, resources []string) (rows map[string]store.Lease, alive map[string]bool, err error) {
	rows, alive = make(map[string]store.Lease, len(resources)), make(map[string]bool)
	var b pgx.Batch
	b.Queue(addLeases, resources)
	b.Queue(lock, resources).Query(func(r pgx.Rows) error {
		leases, err := collect(r, scanLease)
		for _, l := range leases {
			rows[l.Resource] = l
		}
		return err
	})
	b.Queue(liveNodes).Query(func(r pgx.Rows) error {
		nodes, err := collect(r, scanName)
		for _, id := range nodes {
			alive[id] = true
		}
		return err
	})
	return rows, alive, tx.SendBatch(ctx, &b).Close()
}

// whole returns the resources of the groups whose rows are all there and free, and
// those groups of which none is known to be held, but not all are there.
func whole(groups [][]string, rows map[string]store.Lease, isFree func(node string) bool) (free []string, partial [][]string) {
	for _, g := range groups {
		found, held := 0, false
		for _, r := range g {
			if row, ok := rows[r]; ok {
				found++
				held = held || !isFree(row.Node)
			}
		}
		switch {
		case held:
		case found == len(g):
			free = append(free, g...)
		default:
			partial = append(partial, g)
		}
	}
	return free, partial
}

// Free ends leases, as far as they are still as they are given.
func (s *Store) Free(ctx context.Context, leases []store.Lease) error {
	if s.readOnly {
		return store.ErrReadOnly
	}
	for len(leases) > 0 {
		k := min(len(leases), freeBatch)
		resources, nodes, epochs := make([]string, k), make([]string, k), make([]int64, k)
		for i, l := range leases[:k] {
			resources[i], nodes[i], epochs[i] = text(l.Resource), l.Node, l.Epoch
		}
		if _, err := s.pool.Exec(ctx, freeLeases, resources, nodes, epochs); err != nil {
			return s.failure(ctx, err)
		}
		leases = leases[k:]
	}
	return nil
}

// Leases returns all leases that became what they are at that time or later.
func (s *Store) Leases(ctx context.Context, since time.Time) ([]store.Lease, error) {
	return list(ctx, s, scanLease, newLeases, since)
}

func scanLease(rows pgx.Rows) (l store.Lease, err error) {
	err = rows.Scan((*stored)(&l.Resource), &l.Node, &l.Epoch, &l.Since)
	l.Since = l.Since.UTC()
	return l, err
}
