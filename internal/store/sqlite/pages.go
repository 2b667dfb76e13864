package sqlite

import (
	"context"
	"database/sql"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

const (
	selectPageSizes = "SELECT id, length(body) FROM pages WHERE id IN "
	// selectPage selects what a page is rebuilt from: the one that is whole
	// first, then each difference from the one before it, down to the page
	// itself. A difference is always from a page with a higher number.
	selectPage = `SELECT id, base, encoding, body FROM pages WHERE id IN (
		WITH RECURSIVE way (id) AS (SELECT ?1 UNION ALL
			SELECT p.base FROM way JOIN pages p ON p.id = way.id WHERE p.base > p.id)
		SELECT id FROM way) ORDER BY id DESC`
)

// page reads the page of a number, or fails with store.ErrNotFound. Meanwhile
// memory holds the page, and one of those that it is rebuilt from.
func (s *Store) page(ctx context.Context, id int64) ([]byte, error) {
	way := s.codec.Chain()
	scan := func(rows *sql.Rows) (struct{}, error) {
		var this, base int64
		var enc blob.Encoding
		var packed []byte
		err := rows.Scan(&this, &base, &enc, &packed)
		if err == nil {
			err = way.Add(this, base, enc, packed)
		}
		return struct{}{}, err
	}
	_, err := list(ctx, s.reader, scan, selectPage, id)
	if err == nil && way.Number != id {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return way.Body, nil
}
