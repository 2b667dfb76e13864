package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

// stageBytes is about how much of a snapshot's pages one statement writes, and so
// what memory holds of them beside the page that is read.
const stageBytes = 1 << 20

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

// staging are the pages of a snapshot that is being committed. They are written
// before the commit, as loose pages in statements of bounded size; the commit then
// only lists them, and takes from the loose ones what it lists.
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
// in the last version. What it wrote is in c.staging after an error too.
func (s *Store) stage(ctx context.Context, from *store.Commit, c *commit) error {
	if from.Snapshot == nil || from.Snapshot.Pages == nil {
		return nil
	}
	c.staging = &staging{}
	last, err := s.lastPages(ctx, from.Source)
	if err != nil {
		return err
	}
	b := &pageBatch{store: s, staging: c.staging}
	for i := range from.Snapshot.Pages.Len() {
		var before pageRef
		if i < len(last) {
			before = last[i]
		}
		if err := b.add(ctx, from.Snapshot.Pages, i, before, c.Keep > 1); err != nil {
			return err
		}
	}
	if err := b.flush(ctx); err != nil {
		return err
	}
	c.Snapshot.Encoding, c.Snapshot.Blob = blob.Listed, blob.EncodePages(c.staging.ids)
	c.Size += len(c.Snapshot.Blob) + 64*len(c.staging.staged)
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
	if _, err := list(ctx, s, last.scan, listedPages, text(src.Name), src.Version); err == nil && len(last.chain.Pages) > 0 {
		return s.pageRefs(ctx, last.chain.Pages), nil
	}
	return nil, nil
}

// pageRefs returns what is known of pages; none where that cannot be read.
func (s *Store) pageRefs(ctx context.Context, ids []int64) []pageRef {
	known := make(map[int64]pageRef)
	scan := func(rows pgx.Rows) (struct{}, error) {
		var ref pageRef
		var hash []byte
		err := rows.Scan(&ref.id, &hash, &ref.generation)
		ref.hash = toHash(hash)
		known[ref.id] = ref
		return struct{}{}, err
	}
	if _, err := list(ctx, s, scan, selectPageRefs, ids); err != nil {
		return nil
	}
	refs := make([]pageRef, len(ids))
	for i, id := range ids {
		refs[i] = known[id] // none of a page that is missing
	}
	return refs
}

// pageBatch are pages that the next statement writes.
type pageBatch struct {
	store   *Store
	staging *staging
	// next and end are the numbers that were taken for this commit and not given yet.
	// They are taken once the last version was read, so that each is higher than
	// those of the pages that it replaces, whichever node gave those theirs.
	next, end int64

	id, generation, encoding []int64
	hash, body               [][]byte
	size                     int
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
	id, err := b.number(ctx, from.Len()-i)
	if err != nil {
		return err
	}
	generation := int64(0)
	if before.id != 0 {
		generation = before.generation + 1
		if history && generation%blob.WholeEvery != 0 {
			st.replaced = append(st.replaced, replacement{older: before.id, newer: id})
		}
	}
	st.ids, st.staged = append(st.ids, id), append(st.staged, id)
	enc, packed := b.store.codec.Encode(body)
	b.id, b.hash, b.generation = append(b.id, id), append(b.hash, hash[:]), append(b.generation, generation)
	b.encoding, b.body = append(b.encoding, int64(enc)), append(b.body, packed)
	b.size += len(packed) + 256
	if b.size < stageBytes {
		return nil
	}
	return b.flush(ctx)
}

// number gives the next page its number. Where it has none left it takes some.
func (b *pageBatch) number(ctx context.Context, most int) (int64, error) {
	if b.next == b.end {
		last, err := b.store.takeNumbers(ctx, most)
		if err != nil {
			return 0, err
		}
		b.next, b.end = last, last+int64(most)
	}
	b.next++
	return b.next, nil
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

// flush writes what was added.
func (b *pageBatch) flush(ctx context.Context) error {
	if len(b.id) == 0 {
		return nil
	}
	err := b.store.exec(ctx, stagePages, b.id, b.store.life(), b.hash, b.generation, b.encoding, b.body)
	b.id, b.hash, b.generation, b.encoding, b.body, b.size = nil, nil, nil, nil, nil, 0
	return err
}

// settle keeps the pages that a commit has replaced as their differences from
// those in their place. It runs when the commit is durable: until then the
// last version must stay readable without the new one. A page that it does not
// come to stays whole, so it has no error.
func (s *Store) settle(ctx context.Context, replaced []replacement) {
	var older, newer, encoding []int64
	var body [][]byte
	size := 0
	flush := func() error {
		err := s.exec(ctx, settlePages, older, newer, encoding, body)
		older, newer, encoding, body, size = nil, nil, nil, nil, 0
		return err
	}
	for _, r := range replaced {
		enc, packed, ok := s.pageDelta(ctx, r)
		if !ok {
			continue
		}
		older, newer, encoding, body = append(older, r.older), append(newer, r.newer), append(encoding, int64(enc)), append(body, packed)
		if size += len(packed) + 256; size >= stageBytes && flush() != nil {
			return
		}
	}
	if len(older) > 0 {
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
