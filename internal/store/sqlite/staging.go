package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

const (
	selectPageRefs = "SELECT id, hash, generation FROM pages WHERE id IN "
	// settlePage keeps a page as its difference from the one that replaced it,
	// unless either has gone meanwhile.
	settlePage = `UPDATE pages SET base = ?1, encoding = ?2, body = ?3 WHERE id = ?4 AND base = 0 AND length(body) > ?5
		AND EXISTS (SELECT 1 FROM pages WHERE id = ?1)`
)

// stage writes the pages of a commit's snapshot. What it wrote is in r.Staging after
// an error too.
func (s *Store) stage(ctx context.Context, c *store.Commit, r *commitRows) error {
	return r.Stage(ctx, s.codec, c, s.lastPages, (*pageWriter)(s))
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
	if _, err := list(ctx, s.reader, scanSnapshot(last), listedPages, src.Name, src.Version); err != nil {
		return nil, nil
	}
	known := make(map[int64]blob.PageRef)
	scan := func(rows *sql.Rows) (struct{}, error) {
		var ref blob.PageRef
		var hash []byte
		err := rows.Scan(&ref.ID, &hash, &ref.Generation)
		ref.Hash = toHash(hash)
		known[ref.ID] = ref
		return struct{}{}, err
	}
	for args := range chunks(last.Pages()) {
		if _, err := list(ctx, s.reader, scan, selectPageRefs+"("+placeholders(len(args))+")", args...); err != nil {
			return nil, nil
		}
	}
	refs := make([]blob.PageRef, len(last.Pages()))
	for i, id := range last.Pages() {
		refs[i] = known[id] // none of a page that is missing
	}
	return refs, nil
}

// pageWriter is a store as pages are staged in it.
type pageWriter Store

var _ blob.PageWriter = (*pageWriter)(nil)

// NumberPage gives the next page its number.
func (w *pageWriter) NumberPage(context.Context, int) (int64, error) { return w.lastPage.Add(1), nil }

// WritePages writes pages in one transaction, as loose ones.
func (w *pageWriter) WritePages(ctx context.Context, pages []blob.StagedPage, size int) error {
	insertLoose := bulk{into: "INSERT INTO loose_pages (id)", columns: 1}
	insertPages := bulk{into: "INSERT INTO pages (id, hash, generation, base, encoding, body)", columns: 6}
	var loose, values []any
	for i := range pages {
		p := &pages[i]
		loose = append(loose, p.ID)
		values = append(values, p.ID, p.Hash[:], p.Generation, 0, int64(p.Encoding), p.Blob)
	}
	return (*Store)(w).write(ctx, size, func(s *session) error {
		if err := s.insert(&insertLoose, loose); err != nil {
			return err
		}
		return s.insert(&insertPages, values)
	})
}

// settle keeps pages as their differences, in one transaction.
func (s *Store) settle(ctx context.Context, deltas []blob.PageDelta, size int) error {
	return s.write(ctx, size, func(s *session) error {
		for _, d := range deltas {
			if _, err := s.exec(settlePage, d.Newer, int64(d.Encoding), d.Blob, d.Older, len(d.Blob)); err != nil {
				return err
			}
		}
		return nil
	})
}
