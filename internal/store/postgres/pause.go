package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

// PausedSources returns since when which sources are paused, by name.
func (s *Store) PausedSources(ctx context.Context) (map[string]time.Time, error) {
	return s.times(ctx, "paused sources", "SELECT source, since FROM paused_sources")
}

// PauseSource holds a source back.
func (s *Store) PauseSource(ctx context.Context, source string, since time.Time) error {
	err := s.writeForAll(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO paused_sources (source, since) VALUES ($1, $2) ON CONFLICT DO NOTHING",
			text(source), store.Micros(since))
		return err
	})
	if err != nil {
		return fmt.Errorf("pause source %s: %w", source, err)
	}
	return nil
}

// ResumeSource ends that.
func (s *Store) ResumeSource(ctx context.Context, source string) error {
	err := s.writeForAll(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM paused_sources WHERE source = $1", text(source))
		return err
	})
	if err != nil {
		return fmt.Errorf("resume source %s: %w", source, err)
	}
	return nil
}

// times reads rows of a name and a time.
func (s *Store) times(ctx context.Context, what, query string, args ...any) (map[string]time.Time, error) {
	times := make(map[string]time.Time)
	scan := func(rows pgx.Rows) (struct{}, error) {
		var name string
		var at time.Time
		err := rows.Scan((*stored)(&name), (*moment)(&at))
		times[name] = at
		return struct{}{}, err
	}
	if _, err := list(ctx, s, scan, query, args...); err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return times, nil
}
