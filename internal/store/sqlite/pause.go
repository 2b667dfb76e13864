package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// renamePause gives the pause of one name to another, which stays paused where
// it was.
const renamePause = "UPDATE OR REPLACE paused_sources SET source = ?1 WHERE source = ?2"

// PausedSources returns since when which sources are paused, by name.
func (s *Store) PausedSources(ctx context.Context) (map[string]time.Time, error) {
	paused := make(map[string]time.Time)
	scan := func(rows *sql.Rows) (struct{}, error) {
		var source string
		var since int64
		err := rows.Scan(&source, &since)
		paused[source] = store.FromMicros(since)
		return struct{}{}, err
	}
	if _, err := list(ctx, s.reader, scan, "SELECT source, since FROM paused_sources"); err != nil {
		return nil, fmt.Errorf("read paused sources: %w", err)
	}
	return paused, nil
}

// PauseSource holds a source back.
func (s *Store) PauseSource(ctx context.Context, source string, since time.Time) error {
	at := store.Micros(since)
	err := s.write(ctx, 0, func(s *session) error {
		_, err := s.exec("INSERT OR IGNORE INTO paused_sources (source, since) VALUES (?, ?)", source, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("pause source %s: %w", source, err)
	}
	return nil
}

// ResumeSource ends that.
func (s *Store) ResumeSource(ctx context.Context, source string) error {
	err := s.write(ctx, 0, func(s *session) error {
		_, err := s.exec("DELETE FROM paused_sources WHERE source = ?", source)
		return err
	})
	if err != nil {
		return fmt.Errorf("resume source %s: %w", source, err)
	}
	return nil
}
