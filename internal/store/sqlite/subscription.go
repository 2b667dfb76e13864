package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// endBatch bounds the deliveries that one transaction of an end makes dead, so
// that other writes never wait long for it.
const endBatch = 1000

const (
	// endWaiting makes the first deliveries that wait for an endpoint dead.
	endWaiting = `UPDATE deliveries SET state = 'dead', not_before = ?3 WHERE id IN
		(SELECT id FROM deliveries WHERE state = 'waiting' AND endpoint = ?1 ORDER BY id LIMIT ?2)`

	// selectEndpointNames goes from name to name in the index of what waits,
	// however much that is.
	selectEndpointNames = `WITH RECURSIVE waiting (name) AS (
			SELECT min(endpoint) FROM deliveries WHERE state = 'waiting' AND endpoint >= ?1 AND endpoint < ?1 || char(0x10FFFF)
			UNION ALL
			SELECT (SELECT min(endpoint) FROM deliveries WHERE state = 'waiting' AND endpoint > name AND endpoint < ?1 || char(0x10FFFF))
			FROM waiting WHERE name IS NOT NULL
		)
		SELECT name FROM waiting WHERE name IS NOT NULL
		UNION SELECT name FROM endpoint_states WHERE name >= ?1 AND name < ?1 || char(0x10FFFF)
		ORDER BY name`

	// renameSubscribed puts one name of a source in the place of another.
	renameSubscribed = `UPDATE subscriptions
		SET sources = (SELECT json_group_array(CASE value WHEN ?2 THEN ?1 ELSE value END) FROM json_each(sources))
		WHERE EXISTS (SELECT 1 FROM json_each(sources) WHERE value = ?2)`
)

// AddSubscription saves a subscription and returns when it is durable.
func (s *Store) AddSubscription(ctx context.Context, sub store.Subscription) error {
	values, err := subscriptionRow(&sub)
	if err != nil {
		return fmt.Errorf("add subscription: %w", err)
	}
	err = s.write(ctx, 512+len(sub.Sealed), func(s *session) error {
		n, err := s.change(`INSERT INTO subscriptions (id, sealed, sources, events, filter, created_at)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, values...)
		if err == nil && n == 0 {
			err = store.ErrConflict
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("add subscription: %w", err)
	}
	return nil
}

// subscriptionRow are the columns of a subscription, with memory of their own.
func subscriptionRow(sub *store.Subscription) ([]any, error) {
	sources, events, err := sub.EncodeLists()
	if err != nil {
		return nil, err
	}
	sealed := append([]byte{}, sub.Sealed...)
	return []any{sub.ID, sealed, sources, events, sub.Filter, store.Micros(sub.CreatedAt)}, nil
}

// Subscriptions returns all subscriptions, by ID.
func (s *Store) Subscriptions(ctx context.Context) ([]store.Subscription, error) {
	found, err := list(ctx, s.reader, scanSubscription,
		"SELECT id, sealed, sources, events, filter, created_at FROM subscriptions ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	return found, nil
}

func scanSubscription(rows *sql.Rows) (store.Subscription, error) {
	var sub store.Subscription
	var sources, events string
	var created int64
	if err := rows.Scan(&sub.ID, &sub.Sealed, &sources, &events, &sub.Filter, &created); err != nil {
		return sub, err
	}
	sub.CreatedAt = store.FromMicros(created)
	return sub, sub.DecodeLists(sources, events)
}

// EndSubscription removes a subscription and all that waits for its endpoint.
// The row goes with the first deliveries: what a crash leaves of the others has
// no subscription any more, by which it is found.
func (s *Store) EndSubscription(ctx context.Context, id string) (dead int64, err error) {
	dead, err = store.EndInSteps(endBatch, func(first bool) (found, ended int64, err error) {
		err = s.write(ctx, 256*endBatch, func(s *session) (err error) {
			ended, err = endSubscription(s, id, first)
			return err
		})
		return ended, ended, err
	})
	if err != nil {
		err = fmt.Errorf("end subscription %s: %w", id, err)
	}
	return dead, err
}

// endSubscription removes what there is but once, if it is the first step, and
// makes the next deliveries dead.
func endSubscription(s *session, id string, first bool) (dead int64, err error) {
	if first {
		for _, query := range []string{
			"DELETE FROM subscriptions WHERE id = ?",
			"DELETE FROM endpoint_states WHERE name = ?",
			"DELETE FROM budgets WHERE name = 'endpoint/' || ?",
			"DELETE FROM replays WHERE endpoint = ? AND (first OR finished_at = 0)",
		} {
			if _, err := s.exec(query, id); err != nil {
				return 0, err
			}
		}
	}
	return s.change(endWaiting, id, endBatch, store.Micros(time.Now()))
}

// EndpointNames returns the names with a prefix of endpoints of which something
// is kept that is not over, in order.
func (s *Store) EndpointNames(ctx context.Context, prefix string) ([]string, error) {
	found, err := list(ctx, s.reader, scanName, selectEndpointNames, prefix)
	if err != nil {
		return nil, fmt.Errorf("read names of endpoints: %w", err)
	}
	return found, nil
}
