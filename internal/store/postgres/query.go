package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// begin bounds what a transaction may wait for, and how long the server keeps one
	// whose client has gone silent: others wait for what it has locked.
	begin = `BEGIN; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '30s'; SET LOCAL idle_in_transaction_session_timeout = '5s'`
	// holdLeases locks those of the leases that are under their epochs, so that none
	// gets another owner until the transaction has ended.
	holdLeases = `SELECT l.resource FROM leases l JOIN unnest($2::text[], $3::bigint[]) AS held (resource, epoch)
		ON l.resource = held.resource AND l.epoch = held.epoch WHERE l.node = $1 FOR SHARE OF l`
)

// list runs a query and returns what scan makes of each row. It never returns nil
// rows without an error.
func list[T any](ctx context.Context, s *Store, scan func(pgx.Rows) (T, error), query string, args ...any) ([]T, error) {
	return listOf(ctx, s, s.pool, scan, query, args...)
}

// listOf is list by the connections of a pool.
func listOf[T any](ctx context.Context, s *Store, pool *pgxpool.Pool, scan func(pgx.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := pool.Query(ctx, query, args...)
	if err != nil {
		return nil, s.failure(ctx, err)
	}
	found, err := collect(rows, scan)
	return found, s.failure(ctx, err)
}

// collect reads all rows and closes them.
func collect[T any](rows pgx.Rows, scan func(pgx.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	found := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	return found, rows.Err()
}

// selectRows runs a query within a transaction and returns what scan makes of each row.
func selectRows[T any](ctx context.Context, tx pgx.Tx, scan func(pgx.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, scan)
}

// writeSome is write for what is left out where its lease is not held: held says
// of which resources it is. Where it is of none, nothing is run.
func (s *Store) writeSome(ctx context.Context, resources []string, step func(ctx context.Context, tx pgx.Tx, held func(resource string) bool) error) error {
	node := s.tenant.Load()
	if node == nil {
		return s.write(ctx, nil, func(ctx context.Context, tx pgx.Tx) error {
			return step(ctx, tx, func(string) bool { return true })
		})
	}
	h := &holding{node: node.node}
	for _, resource := range resources {
		if epoch, ok := node.fence.Epoch(resource); ok {
			h.resources, h.epochs = append(h.resources, resource), append(h.epochs, epoch)
		}
	}
	if len(h.resources) == 0 {
		return nil
	}
	return s.write(ctx, nil, func(ctx context.Context, tx pgx.Tx) error {
		locked, err := h.lockSome(ctx, tx)
		if err != nil {
			return err
		}
		return step(ctx, tx, func(resource string) bool { return locked[resource] })
	})
}

// write runs steps in one transaction under the leases of resources, all of which
// this node must hold; of none where there are no nodes. It returns when that is on
// disk. A step must not be run twice by it: what fails is given to the caller.
func (s *Store) write(ctx context.Context, resources []string, step func(ctx context.Context, tx pgx.Tx) error) error {
	if s.readOnly {
		return store.ErrReadOnly
	}
	held, err := s.held(resources)
	if err != nil {
		return err
	}
	return s.failure(ctx, pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
		if err := held.lock(ctx, tx); err != nil {
			return err
		}
		return step(ctx, tx)
	}))
}

// holding are leases that a write is under.
type holding struct {
	node      string
	resources []string
	epochs    []int64
}

// held returns under which epochs this node holds resources, or fails with
// store.ErrNotHeld. The epochs are those of now: who waits until he is written
// must have asked before he began to wait.
func (s *Store) held(resources []string) (*holding, error) {
	t := s.tenant.Load()
	if t == nil || len(resources) == 0 {
		return nil, nil
	}
	h := &holding{node: t.node, resources: resources, epochs: make([]int64, len(resources))}
	for i, resource := range resources {
		epoch, ok := t.fence.Epoch(resource)
		if !ok {
			return nil, fmt.Errorf("%s: %w", resource, store.ErrNotHeld)
		}
		h.epochs[i] = epoch
	}
	return h, nil
}

// lock locks the leases until the transaction ends, or fails with store.ErrNotHeld
// where one of them has another owner by now.
func (h *holding) lock(ctx context.Context, tx pgx.Tx) error {
	if h == nil {
		return nil
	}
	have, err := h.lockSome(ctx, tx)
	if err != nil {
		return err
	}
	for _, resource := range h.resources {
		if !have[resource] {
			return fmt.Errorf("%s: %w", resource, store.ErrNotHeld)
		}
	}
	return nil
}

// lockSome locks those of the leases that are under their epochs until the
// transaction ends, and returns them.
func (h *holding) lockSome(ctx context.Context, tx pgx.Tx) (map[string]bool, error) {
	found, err := selectRows(ctx, tx, scanName, holdLeases, h.node, texts(h.resources), h.epochs)
	if err != nil {
		return nil, err
	}
	locked := make(map[string]bool, len(found))
	for _, resource := range found {
		locked[resource] = true
	}
	return locked, nil
}

// scanID and scanName read rows of one column.
func scanID(rows pgx.Rows) (id int64, err error) {
	err = rows.Scan(&id)
	return id, err
}

func scanName(rows pgx.Rows) (name string, err error) {
	err = rows.Scan((*stored)(&name))
	return name, err
}
