package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

const selectDeparted = "SELECT key, at, encoding, item FROM departed"

// Departed returns those of the keys that are departed items of the source, by key.
func (s *Store) Departed(ctx context.Context, source string, keys []string) ([]store.Departed, error) {
	var found []store.Departed
	for args := range chunks(keys) {
		part, err := list(ctx, s.reader, s.scanDeparted,
			selectDeparted+" WHERE source = ? AND key IN ("+placeholders(len(args))+") ORDER BY key",
			append([]any{source}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("read departed items of source %s: %w", source, err)
		}
		found = append(found, part...)
	}
	return found, nil
}

// AllDeparted returns all departed items of the source, by key.
func (s *Store) AllDeparted(ctx context.Context, source string) ([]store.Departed, error) {
	found, err := list(ctx, s.reader, s.scanDeparted, selectDeparted+" WHERE source = ? ORDER BY key", source)
	if err != nil {
		return nil, fmt.Errorf("read departed items of source %s: %w", source, err)
	}
	return found, nil
}

func (s *Store) scanDeparted(rows *sql.Rows) (store.Departed, error) {
	var d store.Departed
	var at int64
	var enc blob.Encoding
	var item []byte
	if err := rows.Scan(&d.Key, &at, &enc, &item); err != nil {
		return d, err
	}
	d.At = store.FromMicros(at)
	var err error
	d.Item, err = s.codec.Decode(enc, item)
	return d, err
}
