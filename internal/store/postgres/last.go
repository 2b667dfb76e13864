package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pollwire/pollwire/internal/store"
)

// writeLast is write for what locks a row that many write, such as the end of the
// log. A step adds the statements that do so to a script, which goes to the server
// in one message with the COMMIT: so nobody ever waits for this node with that row
// locked. It returns what they gave.
func (s *Store) writeLast(ctx context.Context, resources []string, step func(ctx context.Context, tx pgx.Tx, last *script) error) (results, error) {
	if s.readOnly {
		return nil, store.ErrReadOnly
	}
	held, err := s.held(resources)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	conn, err := s.pool.Acquire(bounded)
	if err != nil {
		return nil, s.failure(ctx, err)
	}
	defer conn.Release()
	tx, err := conn.BeginTx(bounded, pgx.TxOptions{BeginQuery: beginning(idleTimeout)})
	if err != nil {
		return nil, s.failure(ctx, err)
	}
	var last script
	var found results
	if err = held.lock(bounded, tx); err == nil {
		err = step(bounded, tx, &last)
	}
	if err == nil {
		found, err = s.finish(bounded, conn, &last)
	}
	if err != nil {
		_ = tx.Rollback(bounded) // without it the connection is thrown away
	}
	return found, s.failure(ctx, err)
}

// writeForAll is write, under no lease, of what all nodes must look at. That they must
// is said last: all who say so wait for each other.
func (s *Store) writeForAll(ctx context.Context, step func(ctx context.Context, tx pgx.Tx) error) error {
	_, err := s.writeLast(ctx, nil, func(ctx context.Context, tx pgx.Tx, last *script) error {
		last.add(stir)
		return step(ctx, tx)
	})
	return err
}

// finish sends the last statements of a transaction with its COMMIT, and returns what
// they gave.
func (s *Store) finish(ctx context.Context, conn *pgxpool.Conn, last *script) (results, error) {
	last.add("COMMIT")
	found, err := s.run(ctx, conn, last)
	if err != nil {
		return nil, err
	}
	if tag := found[len(found)-1].CommandTag.String(); tag != "COMMIT" {
		return nil, fmt.Errorf("the transaction ended with %s", tag)
	}
	return found, nil
}
