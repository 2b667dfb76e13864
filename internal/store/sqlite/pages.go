package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
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
	var body []byte
	var last int64
	scan := func(rows *sql.Rows) (struct{}, error) {
		var this, base int64
		var enc blob.Encoding
		var blob []byte
		err := rows.Scan(&this, &base, &enc, &blob)
		switch {
		case err != nil:
		case !enc.IsDelta():
			body, err = s.codec.Decode(enc, blob)
		case last == 0 || base != last:
			err = fmt.Errorf("the page after it, from which it is rebuilt, is missing: %w", store.ErrDamaged)
		default:
			body, err = s.codec.Rebuild(enc, blob, body)
		}
		last = this
		return struct{}{}, err
	}
	_, err := list(ctx, s.reader, scan, selectPage, id)
	if err == nil && last != id {
		err = store.ErrNotFound
	}
	return body, err
}

// encodePages returns the numbers of pages as a snapshot lists them.
func encodePages(ids []int64) []byte {
	blob := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		blob = binary.AppendUvarint(blob, uint64(id))
	}
	return blob
}

var errPages = fmt.Errorf("damaged list of pages: %w", store.ErrDamaged)

// decodePages returns the numbers that encodePages was given, never nil.
func decodePages(blob []byte) ([]int64, error) {
	ids := []int64{}
	for len(blob) > 0 {
		id, n := binary.Uvarint(blob)
		if n <= 0 || int64(id) <= 0 {
			return nil, errPages
		}
		ids, blob = append(ids, int64(id)), blob[n:]
	}
	return ids, nil
}
