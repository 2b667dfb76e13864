package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
)

// Snapshot returns the last snapshot of a source, or store.ErrNotFound.
func (s *Store) Snapshot(ctx context.Context, source string) (store.Snapshot, error) {
	found, err := list(ctx, s.reader, s.scanSnapshot,
		"SELECT version, at, format, encoding, body FROM snapshots WHERE source = ? ORDER BY version DESC LIMIT 1", source)
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("read snapshot of source %s: %w", source, err)
	}
	return found[0], nil
}

func (s *Store) scanSnapshot(rows *sql.Rows) (store.Snapshot, error) {
	var snap store.Snapshot
	var at int64
	var enc encoding
	var body []byte
	if err := rows.Scan(&snap.Version, &at, &snap.Format, &enc, &body); err != nil {
		return snap, err
	}
	snap.At = fromMicros(at)
	var err error
	snap.Body, err = s.codec.decode(enc, body)
	return snap, err
}
