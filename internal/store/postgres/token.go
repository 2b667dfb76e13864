package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const saveToken = `INSERT INTO tokens (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed`

// Token returns what was saved under a name, nil where nothing was.
func (s *Store) Token(ctx context.Context, name string) ([]byte, error) {
	scan := func(rows pgx.Rows) (sealed []byte, err error) {
		err = rows.Scan(&sealed)
		return sealed, err
	}
	found, err := list(ctx, s, scan, "SELECT sealed FROM tokens WHERE name = $1", text(name))
	if err != nil {
		return nil, fmt.Errorf("read token: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

// SaveToken replaces what was saved under a name and returns when it is durable.
func (s *Store) SaveToken(ctx context.Context, name string, sealed []byte) error {
	value := append([]byte{}, sealed...) // never nil
	err := s.write(ctx, []string{store.TokenResource(name)}, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, saveToken, text(name), value)
		return err
	})
	if err != nil {
		return fmt.Errorf("save token: %w", err)
	}
	return nil
}
