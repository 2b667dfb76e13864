package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

const (
	selectSeenDetails = "SELECT key, seen FROM details WHERE source = ?"
	selectDetails     = "SELECT key, seen, at, format, encoding, body FROM details WHERE source = ? AND key IN "
)

// SeenDetails returns for which items of the list the details of a source were
// fetched, by key.
func (s *Store) SeenDetails(ctx context.Context, source string) (map[string][32]byte, error) {
	seen := make(map[string][32]byte)
	scan := func(rows *sql.Rows) (struct{}, error) {
		var key string
		var hash []byte
		err := rows.Scan(&key, &hash)
		seen[key] = toHash(hash)
		return struct{}{}, err
	}
	if _, err := list(ctx, s.reader, scan, selectSeenDetails, source); err != nil {
		return nil, fmt.Errorf("read details of source %s: %w", source, err)
	}
	return seen, nil
}

// Details returns those of the keys that the source has details of.
func (s *Store) Details(ctx context.Context, source string, keys []string) ([]store.Detail, error) {
	var found []store.Detail
	for args := range chunks(keys) {
		part, err := list(ctx, s.reader, s.scanDetail, selectDetails+"("+placeholders(len(args))+") ORDER BY key",
			append([]any{source}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("read details of source %s: %w", source, err)
		}
		found = append(found, part...)
	}
	return found, nil
}

func (s *Store) scanDetail(rows *sql.Rows) (store.Detail, error) {
	var d store.Detail
	var at int64
	var enc blob.Encoding
	var hash, body []byte
	if err := rows.Scan(&d.Key, &hash, &at, &d.Format, &enc, &body); err != nil {
		return d, err
	}
	d.Seen, d.At = toHash(hash), store.FromMicros(at)
	var err error
	d.Body, err = s.codec.Decode(enc, body)
	return d, err
}

// toHash is a hash as it was stored.
func toHash(stored []byte) (hash [32]byte) {
	copy(hash[:], stored)
	return hash
}
