package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

const (
	selectPageRefs = "SELECT id, hash, generation FROM pages WHERE id = ANY($1)"
	// takePageNumbers takes as many numbers, all of them higher than those of pages
	// that were there before.
	takePageNumbers = "UPDATE page_numbers SET last = last + $1 WHERE id = 1 RETURNING last - $1"
	stagePages      = `WITH loose AS (INSERT INTO loose_pages (id, node) SELECT u.id, $2 FROM unnest($1::bigint[]) AS u (id))
		INSERT INTO pages (id, hash, generation, base, encoding, body)
		SELECT u.id, u.hash, u.generation, 0, u.encoding, u.body
		FROM unnest($1::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bytea[]) AS u (id, hash, generation, encoding, body)`
	// settlePages keeps pages as their differences from those that replaced them,
	// unless either has gone meanwhile.
	settlePages = `UPDATE pages p SET base = u.newer, encoding = u.encoding, body = u.body
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[]) AS u (older, newer, encoding, body)
		WHERE p.id = u.older AND p.base = 0 AND length(p.body) > length(u.body)
		AND EXISTS (SELECT 1 FROM pages n WHERE n.id = u.newer)`
)

// stage writes the pages of a commit's snapshot. What it wrote is in c.Staging after
// an error too.
func (s *Store) stage(ctx context.Context, from *store.Commit, c *commit) error {
	return c.Stage(ctx, s.codec, from, s.lastPages, &pageWriter{store: s})
}

// lastPages returns the pages of a source's last version, none where it has
// one body. A stale commit ends here, before it has written anything. Whatever
// else cannot be read must not keep a change from being committed.
func (s *Store) lastPages(ctx context.Context, src *store.Source) ([]blob.PageRef, error) {
	now, err := s.Source(ctx, src.Name)
	if (err == nil || errors.Is(err, store.ErrNotFound)) && now.Version != src.Version {
		return nil, store.ErrConflict
	}
	last := s.codec.SnapshotChain()
	if _, err := list(ctx, s, scanSnapshot(last), listedPages, text(src.Name), src.Version); err == nil && len(last.Pages()) > 0 {
		return s.pageRefs(ctx, last.Pages()), nil
	}
	return nil, nil
}

// pageRefs returns what is known of pages; none where that cannot be read.
func (s *Store) pageRefs(ctx context.Context, ids []int64) []blob.PageRef {
	known := make(map[int64]blob.PageRef)
	scan := func(rows pgx.Rows) (struct{}, error) {
		var ref blob.PageRef
		var hash []byte
		err := rows.Scan(&ref.ID, &hash, &ref.Generation)
		ref.Hash = toHash(hash)
		known[ref.ID] = ref
		return struct{}{}, err
	}
	if _, err := list(ctx, s, scan, selectPageRefs, ids); err != nil {
		return nil
	}
	refs := make([]blob.PageRef, len(ids))
	for i, id := range ids {
		refs[i] = known[id] // none of a page that is missing
	}
	return refs
}

// pageWriter writes the pages of one commit.
type pageWriter struct {
	store *Store
	// next and end are the numbers that were taken for this commit and not given yet.
	// They are taken once the last version was read, so that each is higher than
	// those of the pages that it replaces, whichever node gave those theirs.
	next, end int64
}

var _ blob.PageWriter = (*pageWriter)(nil)

// NumberPage gives the next page its number. Where it has none left it takes some.
func (w *pageWriter) NumberPage(ctx context.Context, most int) (int64, error) {
	if w.next == w.end {
		last, err := w.store.takeNumbers(ctx, most)
		if err != nil {
			return 0, err
		}
		w.next, w.end = last, last+int64(most)
	}
	w.next++
	return w.next, nil
}

// takeNumbers takes numbers of pages, and returns the last one before them.
func (s *Store) takeNumbers(ctx context.Context, n int) (last int64, err error) {
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = s.pool.QueryRow(bounded, takePageNumbers, n).Scan(&last)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("no numbers for pages: the row of page_numbers is missing: %w", store.ErrDamaged)
	}
	return last, s.failure(ctx, err)
}

// WritePages writes pages in one statement, as loose ones.
func (w *pageWriter) WritePages(ctx context.Context, pages []blob.StagedPage, _ int) error {
	var id, generation, encoding []int64
	var hash, body [][]byte
	for i := range pages {
		p := &pages[i]
		id, hash, generation = append(id, p.ID), append(hash, p.Hash[:]), append(generation, p.Generation)
		encoding, body = append(encoding, int64(p.Encoding)), append(body, p.Blob)
	}
	return w.store.exec(ctx, stagePages, id, w.store.life(), hash, generation, encoding, body)
}

// settle keeps pages as their differences, in one statement.
func (s *Store) settle(ctx context.Context, deltas []blob.PageDelta, _ int) error {
	var older, newer, encoding []int64
	var body [][]byte
	for _, d := range deltas {
		older, newer = append(older, d.Older), append(newer, d.Newer)
		encoding, body = append(encoding, int64(d.Encoding)), append(body, d.Blob)
	}
	return s.exec(ctx, settlePages, older, newer, encoding, body)
}
