package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

// endBatch bounds the deliveries that one transaction of an end makes dead, so
// that other writes never wait long for it.
const endBatch = 1000

const (
	selectSubscriptions = "SELECT id, sealed, sources, events, filter, created_at FROM subscriptions"
	insertSubscription  = `INSERT INTO subscriptions (id, sealed, sources, events, filter, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`

	findWaiting = "SELECT id FROM deliveries WHERE state = 'waiting' AND endpoint = $1 ORDER BY id LIMIT $2"
	// endWaiting leaves alone what has ended since it was found.
	endWaiting = "UPDATE deliveries SET state = 'dead', not_before = $2 WHERE state = 'waiting' AND id = ANY($1)"

	// selectEndpointNames goes from name to name in the index of what waits,
	// however much that is.
	selectEndpointNames = `WITH RECURSIVE waiting (name) AS (
			SELECT min(endpoint) FROM deliveries WHERE state = 'waiting' AND endpoint >= $1 AND endpoint < $2
			UNION ALL
			SELECT (SELECT min(endpoint) FROM deliveries WHERE state = 'waiting' AND endpoint > name AND endpoint < $2)
			FROM waiting WHERE name IS NOT NULL
		)
		SELECT name FROM waiting WHERE name IS NOT NULL
		UNION SELECT name FROM endpoint_states WHERE name >= $1 AND name < $2
		ORDER BY name`
	// afterPrefix, behind a prefix, is greater than all that begins with it.
	afterPrefix = "\U0010FFFF"
)

// AddSubscription saves a subscription and returns when it is durable.
func (s *Store) AddSubscription(ctx context.Context, sub store.Subscription) error {
	values, err := subscriptionRow(&sub)
	if err != nil {
		return fmt.Errorf("add subscription: %w", err)
	}
	err = s.writeForAll(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, insertSubscription, values...)
		if err == nil && tag.RowsAffected() == 0 {
			err = store.ErrConflict
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("add subscription: %w", err)
	}
	return nil
}

// subscriptionRow are the columns of a subscription.
func subscriptionRow(sub *store.Subscription) ([]any, error) {
	sources, events, err := sub.EncodeLists()
	if err != nil {
		return nil, err
	}
	sealed := append([]byte{}, sub.Sealed...)
	return []any{text(sub.ID), sealed, text(sources), text(events), text(sub.Filter), store.Micros(sub.CreatedAt)}, nil
}

// Subscriptions returns all subscriptions, by ID.
func (s *Store) Subscriptions(ctx context.Context) ([]store.Subscription, error) {
	found, err := list(ctx, s, scanSubscription, selectSubscriptions+" ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	return found, nil
}

func scanSubscription(rows pgx.Rows) (store.Subscription, error) {
	var sub store.Subscription
	var sources, events string
	err := rows.Scan((*stored)(&sub.ID), &sub.Sealed, (*stored)(&sources), (*stored)(&events), (*stored)(&sub.Filter), (*moment)(&sub.CreatedAt))
	if err != nil {
		return sub, err
	}
	return sub, sub.DecodeLists(sources, events)
}

// EndSubscription removes a subscription and all that waits for its endpoint.
// The row goes with the first deliveries: what a crash leaves of the others has
// no subscription any more, by which it is found.
func (s *Store) EndSubscription(ctx context.Context, id string) (dead int64, err error) {
	dead, err = store.EndInSteps(endBatch, func(first bool) (found, ended int64, err error) {
		err = s.writeForAll(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
			found, ended, err = endSubscription(ctx, tx, text(id), first)
			return err
		})
		return found, ended, err
	})
	if err != nil {
		err = fmt.Errorf("end subscription %s: %w", id, err)
	}
	return dead, err
}

// endSubscription removes what there is but once, if it is the first step, and
// makes the next deliveries dead.
func endSubscription(ctx context.Context, tx pgx.Tx, id string, first bool) (found, dead int64, err error) {
	waiting, err := selectRows(ctx, tx, scanID, findWaiting, id, endBatch)
	if err != nil {
		return 0, 0, err
	}
	tag, err := tx.Exec(ctx, endWaiting, waiting, store.Micros(time.Now()))
	if err != nil || !first {
		return int64(len(waiting)), tag.RowsAffected(), err
	}
	for _, query := range []string{
		"DELETE FROM subscriptions WHERE id = $1",
		"DELETE FROM endpoint_states WHERE name = $1",
		"DELETE FROM budgets WHERE name = 'endpoint/' || $1::text",
		"DELETE FROM replays WHERE endpoint = $1 AND (first = 1 OR finished_at = 0)",
	} {
		if _, err := tx.Exec(ctx, query, id); err != nil {
			return 0, 0, err
		}
	}
	return int64(len(waiting)), tag.RowsAffected(), nil
}

// EndpointNames returns the names with a prefix of endpoints of which something
// is kept that is not over, in order.
func (s *Store) EndpointNames(ctx context.Context, prefix string) ([]string, error) {
	found, err := list(ctx, s, scanName, selectEndpointNames, text(prefix), text(prefix)+afterPrefix)
	if err != nil {
		return nil, fmt.Errorf("read names of endpoints: %w", err)
	}
	return found, nil
}
