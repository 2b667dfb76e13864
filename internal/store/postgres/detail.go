package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

const (
	selectSeenDetails = "SELECT key, seen FROM details WHERE source = $1"
	selectDetails     = "SELECT key, seen, at, format, encoding, body FROM details WHERE source = $1 AND key = ANY($2) ORDER BY key"
)

// SeenDetails returns for which items of the list the details of a source were
// fetched, by key.
func (s *Store) SeenDetails(ctx context.Context, source string) (map[string][32]byte, error) {
	seen := make(map[string][32]byte)
	scan := func(rows pgx.Rows) (struct{}, error) {
		var key string
		var hash []byte
		err := rows.Scan((*stored)(&key), &hash)
		seen[key] = toHash(hash)
		return struct{}{}, err
	}
	if _, err := list(ctx, s, scan, selectSeenDetails, text(source)); err != nil {
		return nil, fmt.Errorf("read details of source %s: %w", source, err)
	}
	return seen, nil
}

// Details returns those of the keys that the source has details of.
func (s *Store) Details(ctx context.Context, source string, keys []string) ([]store.Detail, error) {
	found, err := list(ctx, s, s.scanDetail, selectDetails, text(source), texts(keys))
	if err != nil {
		return nil, fmt.Errorf("read details of source %s: %w", source, err)
	}
	return found, nil
}

func (s *Store) scanDetail(rows pgx.Rows) (store.Detail, error) {
	var d store.Detail
	var enc blob.Encoding
	var hash, body []byte
	err := rows.Scan((*stored)(&d.Key), &hash, (*moment)(&d.At), (*stored)(&d.Format), &enc, &body)
	if err != nil {
		return d, err
	}
	d.Seen = toHash(hash)
	d.Body, err = s.codec.Decode(enc, body)
	return d, err
}

// toHash is a hash as it was stored.
func toHash(stored []byte) (hash [32]byte) {
	copy(hash[:], stored)
	return hash
}
