package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

// stageBytes is about how much of a snapshot's pages one transaction writes,
// and so what memory holds of them beside the page that is read.
const stageBytes = 1 << 20

const (
	selectPageRefs = "SELECT id, hash, generation FROM pages WHERE id IN "
	// settlePage keeps a page as its difference from the one that replaced it,
	// unless either has gone meanwhile.
	settlePage = `UPDATE pages SET base = ?1, encoding = ?2, body = ?3 WHERE id = ?4 AND base = 0 AND length(body) > ?5
		AND EXISTS (SELECT 1 FROM pages WHERE id = ?1)`
)

// staging are the pages of a snapshot that is being committed. They are written
// before the commit, as loose pages in transactions of bounded size; the
// commit then only lists them, and takes from the loose ones what it lists.
type staging struct {
	// ids are the numbers of all pages, in order.
	ids []int64
	// staged are those that were written for this commit.
	staged []int64
	// replaced are pages of the last version whose place another has taken.
	replaced []replacement
}

// replacement is a page and the newer one in its place.
type replacement struct{ older, newer int64 }

// pageRef is what is known of a page without its body.
type pageRef struct {
	id, generation int64
	hash           [32]byte
}

// stage writes the pages of a commit's snapshot, except those that are the same
// in the last version. What it wrote is in r.staging after an error too.
func (s *Store) stage(ctx context.Context, c *store.Commit, r *commitRows) error {
	if c.Snapshot == nil || c.Snapshot.Pages == nil {
		return nil
	}
	r.staging = &staging{}
	last, err := s.lastPages(ctx, c.Source)
	if err != nil {
		return err
	}
	b := &pageBatch{store: s, staging: r.staging}
	for i := range c.Snapshot.Pages.Len() {
		var before pageRef
		if i < len(last) {
			before = last[i]
		}
		if err := b.add(ctx, c.Snapshot.Pages, i, before, r.Keep > 1); err != nil {
			return err
		}
	}
	if err := b.flush(ctx); err != nil {
		return err
	}
	r.Snapshot.Encoding, r.Snapshot.Blob = blob.Listed, blob.EncodePages(r.staging.ids)
	r.Size += len(r.Snapshot.Blob) + 64*len(r.staging.staged)
	return nil
}

// lastPages returns the pages of a source's last version, none where it has
// one body. A stale commit ends here, before it has written anything. Whatever
// else cannot be read must not keep a change from being committed.
func (s *Store) lastPages(ctx context.Context, src *store.Source) ([]pageRef, error) {
	now, err := s.Source(ctx, src.Name)
	if (err == nil || errors.Is(err, store.ErrNotFound)) && now.Version != src.Version {
		return nil, store.ErrConflict
	}
	last := rebuild{chain: s.codec.Chain()}
	if _, err := list(ctx, s.reader, last.scan, listedPages, src.Name, src.Version); err != nil {
		return nil, nil
	}
	known := make(map[int64]pageRef)
	scan := func(rows *sql.Rows) (struct{}, error) {
		var ref pageRef
		var hash []byte
		err := rows.Scan(&ref.id, &hash, &ref.generation)
		ref.hash = toHash(hash)
		known[ref.id] = ref
		return struct{}{}, err
	}
	for args := range chunks(last.chain.Pages) {
		if _, err := list(ctx, s.reader, scan, selectPageRefs+"("+placeholders(len(args))+")", args...); err != nil {
			return nil, nil
		}
	}
	refs := make([]pageRef, len(last.chain.Pages))
	for i, id := range last.chain.Pages {
		refs[i] = known[id] // none of a page that is missing
	}
	return refs, nil
}

// pageBatch are pages that the next transaction writes.
type pageBatch struct {
	store   *Store
	staging *staging
	loose   []any
	values  []any
	size    int
}

// add reads a page and stages it, or takes the one before it where that is the same.
func (b *pageBatch) add(ctx context.Context, from diff.Pages, i int, before pageRef, history bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	body, err := from.Page(i)
	if err != nil {
		return err
	}
	st, hash := b.staging, sha256.Sum256(body)
	if before.id != 0 && hash == before.hash {
		st.ids = append(st.ids, before.id)
		return nil
	}
	id, generation := b.store.lastPage.Add(1), int64(0)
	if before.id != 0 {
		generation = before.generation + 1
		if history && generation%blob.WholeEvery != 0 {
			st.replaced = append(st.replaced, replacement{older: before.id, newer: id})
		}
	}
	st.ids, st.staged = append(st.ids, id), append(st.staged, id)
	enc, blob := b.store.codec.Encode(body)
	b.loose = append(b.loose, id)
	b.values = append(b.values, id, hash[:], generation, 0, int64(enc), blob)
	b.size += len(blob) + 256
	if b.size < stageBytes {
		return nil
	}
	return b.flush(ctx)
}

// flush writes what was added.
func (b *pageBatch) flush(ctx context.Context) error {
	if len(b.loose) == 0 {
		return nil
	}
	insertLoose := bulk{into: "INSERT INTO loose_pages (id)", columns: 1}
	insertPages := bulk{into: "INSERT INTO pages (id, hash, generation, base, encoding, body)", columns: 6}
	loose, values, size := b.loose, b.values, b.size
	b.loose, b.values, b.size = nil, nil, 0
	return b.store.write(ctx, size, func(s *session) error {
		if err := s.insert(&insertLoose, loose); err != nil {
			return err
		}
		return s.insert(&insertPages, values)
	})
}

// settle keeps the pages that a commit has replaced as their differences from
// those in their place. It runs when the commit is durable: until then the
// last version must stay readable without the new one. A page that it does not
// come to stays whole, so it has no error.
func (s *Store) settle(ctx context.Context, replaced []replacement) {
	var values [][]any
	size := 0
	flush := func() error {
		updates := values
		err := s.write(ctx, size, func(s *session) error {
			for _, args := range updates {
				if _, err := s.exec(settlePage, args...); err != nil {
					return err
				}
			}
			return nil
		})
		values, size = nil, 0
		return err
	}
	for _, r := range replaced {
		enc, blob, ok := s.pageDelta(ctx, r)
		if !ok {
			continue
		}
		values, size = append(values, []any{r.newer, int64(enc), blob, r.older, len(blob)}), size+len(blob)+256
		if size >= stageBytes && flush() != nil {
			return
		}
	}
	if len(values) > 0 {
		_ = flush() // those pages stay whole
	}
}

// pageDelta returns a page as its difference from the one in its place, both as
// the store has them.
func (s *Store) pageDelta(ctx context.Context, r replacement) (blob.Encoding, []byte, bool) {
	newer, err := s.page(ctx, r.newer)
	if err != nil || len(newer) < blob.CompressFrom {
		return 0, nil, false
	}
	older, err := s.page(ctx, r.older)
	if err != nil {
		return 0, nil, false
	}
	return s.codec.Delta(newer, older)
}
