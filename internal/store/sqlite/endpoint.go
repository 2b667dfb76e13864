package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const endpointStateColumns = `name, disabled, reason, since, paused, paused_until, failures, failing_since, failed_at,
	open_until, cooldown, told, untold`

// saveEndpointState leaves alone what others keep in the same row.
const saveEndpointState = "INSERT INTO endpoint_states (" + endpointStateColumns + `)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT DO UPDATE SET disabled = excluded.disabled, reason = excluded.reason, since = excluded.since,
	paused = excluded.paused, paused_until = excluded.paused_until, failures = excluded.failures,
	failing_since = excluded.failing_since, failed_at = excluded.failed_at, open_until = excluded.open_until,
	cooldown = excluded.cooldown, told = excluded.told, untold = excluded.untold`

// EndpointStates returns the states that are saved of some endpoints, or of all, by
// name.
func (s *Store) EndpointStates(ctx context.Context, endpoints ...string) ([]notify.EndpointState, error) {
	const selectStates = "SELECT " + endpointStateColumns + " FROM endpoint_states"
	if len(endpoints) == 0 {
		found, err := list(ctx, s.reader, scanEndpointState, selectStates+" ORDER BY name")
		if err != nil {
			return nil, fmt.Errorf("read endpoint states: %w", err)
		}
		return found, nil
	}
	var found []notify.EndpointState
	for args := range chunks(slices.Compact(slices.Sorted(slices.Values(endpoints)))) {
		part, err := list(ctx, s.reader, scanEndpointState, selectStates+" WHERE name IN ("+placeholders(len(args))+") ORDER BY name", args...)
		if err != nil {
			return nil, fmt.Errorf("read endpoint states: %w", err)
		}
		found = append(found, part...)
	}
	return found, nil
}

// SaveEndpointState replaces the state of one endpoint.
func (s *Store) SaveEndpointState(ctx context.Context, e notify.EndpointState) error {
	err := s.write(ctx, 0, func(s *session) error {
		_, err := s.exec(saveEndpointState, e.Name, e.Disabled, e.Reason, store.Micros(e.Since), e.Paused, store.Micros(e.PausedUntil),
			e.Failures, store.Micros(e.FailingSince), store.Micros(e.FailedAt), store.Micros(e.OpenUntil), e.Cooldown.Microseconds(), e.Told, e.Untold)
		return err
	})
	if err != nil {
		return fmt.Errorf("save state of endpoint %s: %w", e.Name, err)
	}
	return nil
}

func scanEndpointState(rows *sql.Rows) (notify.EndpointState, error) {
	var e notify.EndpointState
	var since, pausedUntil, failingSince, failedAt, openUntil, cooldown int64
	err := rows.Scan(&e.Name, &e.Disabled, &e.Reason, &since, &e.Paused, &pausedUntil,
		&e.Failures, &failingSince, &failedAt, &openUntil, &cooldown, &e.Told, &e.Untold)
	e.Since, e.PausedUntil, e.OpenUntil = store.FromMicros(since), store.FromMicros(pausedUntil), store.FromMicros(openUntil)
	e.FailingSince, e.FailedAt = store.FromMicros(failingSince), store.FromMicros(failedAt)
	e.Cooldown = time.Duration(cooldown) * time.Microsecond
	return e, err
}
