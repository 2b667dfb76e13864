package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// lockTimeout is how long a statement waits for what another one has locked:
	// longer than the server waits for a client that has gone silent.
	lockTimeout = 10 * time.Second
	// statementTimeout bounds what the server does for one statement.
	statementTimeout = 30 * time.Second
	// idleTimeout is how long the server waits for the next word of a client within a
	// transaction: others wait for what it has locked. It is less than the time after
	// which a node that has gone silent is replaced.
	idleTimeout = 5 * time.Second
	// callTimeout bounds a call to the server, however that ends.
	callTimeout = lockTimeout + idleTimeout
	// readTimeout and writeTimeout bound a read, which may bring much, and a write of
	// several statements.
	readTimeout  = statementTimeout
	writeTimeout = statementTimeout + lockTimeout

	// beginCommitted begins a transaction in which a statement sees what was committed
	// before it, whatever the user or the database has as default_transaction_isolation:
	// who has waited for a lock must see why.
	beginCommitted = "BEGIN ISOLATION LEVEL READ COMMITTED"

	// holdLeases locks those of the leases that are under their epochs, so that none
	// gets another owner until the transaction has ended; holdLeasesOn does where the
	// database is on a timeline.
	holdLeases   = findLeases + lockFound
	holdLeasesOn = findLeases + " AND $4 = " + thisTimeline + lockFound
	findLeases   = `SELECT l.resource FROM leases l JOIN unnest($2::text[], $3::bigint[]) AS held (resource, epoch)
		ON l.resource = held.resource AND l.epoch = held.epoch WHERE l.node = $1`
	lockFound = " ORDER BY l.resource FOR SHARE OF l"
)

// beginning begins a transaction that waits so long for its client. What is
// acknowledged is on the server's disk, whatever its settings say.
func beginning(idle time.Duration) string {
	return fmt.Sprintf(beginCommitted+`; SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d;
		SET LOCAL idle_in_transaction_session_timeout = %d;
		SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`,
		lockTimeout.Milliseconds(), statementTimeout.Milliseconds(), idle.Milliseconds())
}

// list runs a query and returns what scan makes of each row. It never returns nil
// rows without an error.
func list[T any](ctx context.Context, s *Store, scan func(pgx.Rows) (T, error), query string, args ...any) ([]T, error) {
	return listOf(ctx, s, s.pool, scan, query, args...)
}

// listOf is list by the connections of a pool.
func listOf[T any](ctx context.Context, s *Store, pool *pgxpool.Pool, scan func(pgx.Rows) (T, error), query string, args ...any) ([]T, error) {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	// Named statements belong to a session, which a pooler in transaction mode gives to
	// another client at any time. What is described is remembered here instead.
	rows, err := pool.Query(bounded, query, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
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
	h := &holding{node: node.node, timeline: node.timeline}
	for _, resource := range resources {
		if epoch, ok := node.fence.Epoch(resource); ok {
			h.resources, h.epochs = append(h.resources, resource), append(h.epochs, epoch)
		}
	}
	if len(h.resources) == 0 && !s.readOnly {
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
	bounded, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return s.failure(ctx, pgx.BeginTxFunc(bounded, s.pool, pgx.TxOptions{BeginQuery: beginning(idleTimeout)}, func(tx pgx.Tx) error {
		if err := held.lock(bounded, tx); err != nil {
			return err
		}
		return step(bounded, tx)
	}))
}

// exec runs one statement that is a transaction of its own, under no lease.
func (s *Store) exec(ctx context.Context, statement string, args ...any) error {
	if s.readOnly {
		return store.ErrReadOnly
	}
	bounded, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	_, err := s.pool.Exec(bounded, statement, args...)
	return s.failure(ctx, err)
}

// holding are leases that a write is under.
type holding struct {
	// timeline is where they are, empty for any.
	node, timeline string
	resources      []string
	epochs         []int64
}

// held returns under which epochs this node holds resources, or fails with
// store.ErrNotHeld. The epochs are those of now: who waits until he is written
// must have asked before he began to wait.
func (s *Store) held(resources []string) (*holding, error) {
	t := s.tenant.Load()
	if t == nil || len(resources) == 0 {
		return nil, nil
	}
	h := &holding{node: t.node, timeline: t.timeline, resources: resources, epochs: make([]int64, len(resources))}
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
	query, args := holdLeases, []any{h.node, texts(h.resources), h.epochs}
	if h.timeline != "" {
		query, args = holdLeasesOn, append(args, h.timeline)
	}
	found, err := selectRows(ctx, tx, scanName, query, args...)
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
