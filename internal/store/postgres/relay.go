package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

// A relayed request has the status 0 until it is taken, and that of its answer in
// the end. Each of the statements is a transaction of its own.
const (
	relayTaken = -1
	// ask leaves out a request to a node that does not live, and takes away what both
	// sides have given up long ago.
	ask = `WITH old AS (DELETE FROM relayed WHERE created_at < clock_timestamp() - interval '10 minutes'),
		asked AS (
			INSERT INTO relayed (id, node, method, path, body, created_at)
			SELECT $1, $2, $3, $4, $5, clock_timestamp() WHERE EXISTS (SELECT id FROM nodes WHERE id = $2)
			RETURNING id
		)
		UPDATE cluster SET generation = generation + 1 WHERE id = 1 AND EXISTS (SELECT id FROM asked)`
	// pending takes requests, oldest first. One that was withdrawn is not there.
	pending = `UPDATE relayed SET status = -1 WHERE status = 0 AND id IN (
			SELECT id FROM relayed WHERE node = $1 AND status = 0 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
		) RETURNING id, node, method, path, body`
	answered = `UPDATE relayed SET status = $2, answer = $3 WHERE id = $1 AND status = -1`
	await    = `SELECT status, answer FROM relayed WHERE id = $1`
	withdraw = `DELETE FROM relayed WHERE id = $1 AND status = 0`
	forget   = `DELETE FROM relayed WHERE id = $1`
)

// Ask leaves a request for another node, which is made to look. It fails with
// store.ErrNotFound where that node does not live.
func (s *Store) Ask(ctx context.Context, r *store.Relayed) error {
	n, err := s.affect(ctx, ask, r.ID, r.Node, r.Method, r.Path, bytesOf(r.Body))
	if err == nil && n == 0 {
		return fmt.Errorf("node %s: %w", r.Node, store.ErrNotFound)
	}
	return err
}

// Pending takes requests that were left for a node, the oldest first. Each is
// returned once, to whoever asks first.
func (s *Store) Pending(ctx context.Context, node string, limit int) ([]store.Relayed, error) {
	if s.readOnly {
		return nil, store.ErrReadOnly
	}
	taken, err := list(ctx, s, scanRelayed, pending, node, limit)
	// What an UPDATE returns has no order.
	slices.SortFunc(taken, func(a, b store.Relayed) int { return strings.Compare(a.ID, b.ID) })
	return taken, err
}

func scanRelayed(rows pgx.Rows) (r store.Relayed, err error) {
	err = rows.Scan(&r.ID, &r.Node, &r.Method, &r.Path, &r.Body)
	return r, err
}

// Answer answers a request that was taken. Where nobody waits for it any more
// nothing happens.
func (s *Store) Answer(ctx context.Context, id string, status int, body []byte) error {
	_, err := s.affect(ctx, answered, id, status, bytesOf(body))
	return err
}

// Await returns how far a request is, at once, and forgets it where it is answered.
// One that is not there fails with store.ErrNotFound.
func (s *Store) Await(ctx context.Context, id string) (store.RelayedAnswer, error) {
	found, err := list(ctx, s, scanAnswer, await, id)
	switch {
	case err != nil:
		return store.RelayedAnswer{}, err
	case len(found) == 0:
		return store.RelayedAnswer{}, fmt.Errorf("request to another node: %w", store.ErrNotFound)
	}
	if found[0].Status > 0 {
		// What cannot be taken away now is with the next request that is left.
		_, _ = s.affect(ctx, forget, id)
	}
	return found[0], nil
}

func scanAnswer(rows pgx.Rows) (a store.RelayedAnswer, err error) {
	if err = rows.Scan(&a.Status, &a.Body); a.Status == relayTaken {
		a.Status, a.Taken = 0, true
	}
	return a, err
}

// Withdraw takes back a request that nobody has taken; false where somebody has, or
// has answered it.
func (s *Store) Withdraw(ctx context.Context, id string) (withdrawn bool, err error) {
	n, err := s.affect(ctx, withdraw, id)
	return n > 0, err
}

// affect runs a statement that writes, under no lease, and returns how many rows it
// has changed.
func (s *Store) affect(ctx context.Context, statement string, args ...any) (int64, error) {
	if s.readOnly {
		return 0, store.ErrReadOnly
	}
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	tag, err := s.pool.Exec(bounded, statement, args...)
	return tag.RowsAffected(), s.failure(ctx, err)
}

// bytesOf is nothing as a value, where a NULL is none.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
