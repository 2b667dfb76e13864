package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

const selectDeparted = "SELECT key, at, encoding, item FROM departed WHERE source = $1"

// Departed returns those of the keys that are departed items of the source, by key.
func (s *Store) Departed(ctx context.Context, source string, keys []string) ([]store.Departed, error) {
	found, err := list(ctx, s, s.scanDeparted, selectDeparted+" AND key = ANY($2) ORDER BY key", text(source), texts(keys))
	if err != nil {
		return nil, fmt.Errorf("read departed items of source %s: %w", source, err)
	}
	return found, nil
}

// AllDeparted returns all departed items of the source, by key.
func (s *Store) AllDeparted(ctx context.Context, source string) ([]store.Departed, error) {
	found, err := list(ctx, s, s.scanDeparted, selectDeparted+" ORDER BY key", text(source))
	if err != nil {
		return nil, fmt.Errorf("read departed items of source %s: %w", source, err)
	}
	return found, nil
}

func (s *Store) scanDeparted(rows pgx.Rows) (store.Departed, error) {
	var d store.Departed
	var enc blob.Encoding
	var item []byte
	err := rows.Scan((*stored)(&d.Key), (*moment)(&d.At), &enc, &item)
	if err != nil {
		return d, err
	}
	d.Item, err = s.codec.Decode(enc, item)
	return d, err
}
