package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pollwire/pollwire/notify"
)

// EndpointStates returns the state of every endpoint that has one saved, by name.
func (s *Store) EndpointStates(ctx context.Context) ([]notify.EndpointState, error) {
	found, err := list(ctx, s.reader, scanEndpointState,
		"SELECT name, disabled, reason, since, paused_until FROM endpoint_states ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("read endpoint states: %w", err)
	}
	return found, nil
}

// SaveEndpointState replaces the state of one endpoint.
func (s *Store) SaveEndpointState(ctx context.Context, e notify.EndpointState) error {
	err := s.write(ctx, 0, func(s *session) error {
		_, err := s.exec("REPLACE INTO endpoint_states (name, disabled, reason, since, paused_until) VALUES (?, ?, ?, ?, ?)",
			e.Name, e.Disabled, e.Reason, micros(e.Since), micros(e.PausedUntil))
		return err
	})
	if err != nil {
		return fmt.Errorf("save state of endpoint %s: %w", e.Name, err)
	}
	return nil
}

func scanEndpointState(rows *sql.Rows) (notify.EndpointState, error) {
	var e notify.EndpointState
	var since, paused int64
	err := rows.Scan(&e.Name, &e.Disabled, &e.Reason, &since, &paused)
	e.Since, e.PausedUntil = fromMicros(since), fromMicros(paused)
	return e, err
}
