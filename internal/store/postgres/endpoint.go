package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const endpointStateColumns = `name, disabled, reason, since, paused, paused_until, failures, failing_since, failed_at,
	open_until, cooldown, told, untold`

// saveEndpointState leaves alone what others keep in the same row.
const saveEndpointState = "INSERT INTO endpoint_states (" + endpointStateColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
	ON CONFLICT (name) DO UPDATE SET disabled = excluded.disabled, reason = excluded.reason, since = excluded.since,
	paused = excluded.paused, paused_until = excluded.paused_until, failures = excluded.failures,
	failing_since = excluded.failing_since, failed_at = excluded.failed_at, open_until = excluded.open_until,
	cooldown = excluded.cooldown, told = excluded.told, untold = excluded.untold`

// EndpointStates returns the states that are saved of some endpoints, or of all, by
// name.
func (s *Store) EndpointStates(ctx context.Context, endpoints ...string) ([]notify.EndpointState, error) {
	query, args := "SELECT "+endpointStateColumns+" FROM endpoint_states", []any{}
	if len(endpoints) > 0 {
		query, args = query+" WHERE name = ANY($1)", []any{texts(endpoints)}
	}
	found, err := list(ctx, s, scanEndpointState, query+" ORDER BY name", args...)
	if err != nil {
		return nil, fmt.Errorf("read endpoint states: %w", err)
	}
	return found, nil
}

// SaveEndpointState replaces the state of one endpoint.
func (s *Store) SaveEndpointState(ctx context.Context, e notify.EndpointState) error {
	err := s.write(ctx, []string{store.EndpointResource(e.Name)}, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, saveEndpointState, text(e.Name), number(e.Disabled), text(e.Reason), store.Micros(e.Since),
			number(e.Paused), store.Micros(e.PausedUntil), e.Failures, store.Micros(e.FailingSince), store.Micros(e.FailedAt),
			store.Micros(e.OpenUntil), e.Cooldown.Microseconds(), number(e.Told), text(e.Untold))
		return err
	})
	if err != nil {
		return fmt.Errorf("save state of endpoint %s: %w", e.Name, err)
	}
	return nil
}

func scanEndpointState(rows pgx.Rows) (notify.EndpointState, error) {
	var e notify.EndpointState
	err := rows.Scan((*stored)(&e.Name), (*flag)(&e.Disabled), (*stored)(&e.Reason), (*moment)(&e.Since), (*flag)(&e.Paused),
		(*moment)(&e.PausedUntil), &e.Failures, (*moment)(&e.FailingSince), (*moment)(&e.FailedAt), (*moment)(&e.OpenUntil),
		(*span)(&e.Cooldown), (*flag)(&e.Told), (*stored)(&e.Untold))
	return e, err
}
