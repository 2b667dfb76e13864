package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const beatHeart = "INSERT INTO heartbeat (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at"

// Ping writes one row and returns when it is on disk.
func (s *Store) Ping(ctx context.Context) error {
	err := s.write(ctx, nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, beatHeart, store.Micros(time.Now()))
		return err
	})
	if err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	return nil
}

// Survey finds nothing: where the server keeps what is written, and how full that
// is, only the server sees.
func (s *Store) Survey() store.Survey { return store.Survey{} }
