package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// Token returns what was saved under a name, nil where nothing was.
func (s *Store) Token(ctx context.Context, name string) ([]byte, error) {
	scan := func(rows *sql.Rows) (sealed []byte, err error) {
		err = rows.Scan(&sealed)
		return sealed, err
	}
	found, err := list(ctx, s.reader, scan, "SELECT sealed FROM tokens WHERE name = ?", name)
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
	value := append([]byte{}, sealed...) // never nil, and the writer's own
	err := s.write(ctx, len(value)+len(name), func(s *session) error {
		_, err := s.exec("REPLACE INTO tokens (name, sealed) VALUES (?, ?)", name, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("save token: %w", err)
	}
	return nil
}
