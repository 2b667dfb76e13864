package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pollwire/pollwire/diff"
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

// pages are those of a snapshot in the store, each read when it is asked for.
type pages struct {
	ctx   context.Context // of the call that returned the snapshot, as the contract has it
	store *Store
	ids   []int64
	// name is what they are pages of, for the words of an error.
	name string
}

var _ diff.Pages = (*pages)(nil)

// Len returns how many they are.
func (p *pages) Len() int { return len(p.ids) }

// Page reads one, counted from 0.
func (p *pages) Page(i int) ([]byte, error) {
	if i < 0 || i >= len(p.ids) {
		return nil, fmt.Errorf("read page %d of %s: it has %d", i+1, p.name, len(p.ids))
	}
	body, err := p.store.page(p.ctx, p.ids[i])
	if err != nil {
		return nil, fmt.Errorf("read page %d of %s: %w", i+1, p.name, err)
	}
	return body, nil
}

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
