package blob

import (
	"context"
	"crypto/sha256"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
)

// StageBytes is about how much of a snapshot's pages an engine writes at a time, and
// so what memory holds of them beside the page that is read.
const StageBytes = 1 << 20

// Staging are the pages of a snapshot that is being committed. They are written
// before the commit, as loose pages and so many at a time; the commit then only
// lists them, and takes from the loose ones what it lists.
type Staging struct {
	// IDs are the numbers of all pages, in order.
	IDs []int64
	// Staged are those that were written for this commit.
	Staged []int64
	// Replaced are pages of the last version whose place another has taken.
	Replaced []Replacement
}

// PageRef is what is known of a page without its body. That of no page is zero.
type PageRef struct {
	ID, Generation int64
	Hash           [sha256.Size]byte
}

// StagedPage is a page as it is to be written, whole.
type StagedPage struct {
	PageRef
	Encoding Encoding
	Blob     []byte
}

// PageWriter is an engine as the pages of one commit are staged in it.
type PageWriter interface {
	// NumberPage returns the number of the next page, higher than those of all pages
	// of the last version. It is asked at most so many times, this time included.
	NumberPage(ctx context.Context, most int) (int64, error)
	// WritePages writes pages as loose ones, about size bytes. They are its own.
	WritePages(ctx context.Context, pages []StagedPage, size int) error
}

// Stage writes the pages of a commit's snapshot, except those that are the same in
// the last version, which last returns the pages of; none where it has one body. What
// it wrote is in r.Staging after an error too. A snapshot of one body has nothing to
// stage.
func (r *Commit) Stage(ctx context.Context, c *Codec, from *store.Commit, last func(ctx context.Context, src *store.Source) ([]PageRef, error), to PageWriter) error {
	if from.Snapshot == nil || from.Snapshot.Pages == nil {
		return nil
	}
	r.Staging = &Staging{}
	before, err := last(ctx, from.Source)
	if err != nil {
		return err
	}
	b := &pageBatch{Staging: r.Staging, codec: c, to: to, history: r.Keep > 1}
	for i := range from.Snapshot.Pages.Len() {
		var ref PageRef
		if i < len(before) {
			ref = before[i]
		}
		if err := b.add(ctx, from.Snapshot.Pages, i, ref); err != nil {
			return err
		}
	}
	if err := b.flush(ctx); err != nil {
		return err
	}
	r.Snapshot.Encoding, r.Snapshot.Blob = Listed, EncodePages(r.Staging.IDs)
	r.Size += len(r.Snapshot.Blob) + 64*len(r.Staging.Staged)
	return nil
}

// pageBatch are pages that are written next.
type pageBatch struct {
	*Staging
	codec *Codec
	to    PageWriter
	// history says that the last version is kept.
	history bool

	pages []StagedPage
	size  int
}

// add reads a page and stages it, or takes the one before it where that is the same.
func (b *pageBatch) add(ctx context.Context, from diff.Pages, i int, before PageRef) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	body, err := from.Page(i)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(body)
	if before.ID != 0 && hash == before.Hash {
		b.IDs = append(b.IDs, before.ID)
		return nil
	}
	id, err := b.to.NumberPage(ctx, from.Len()-i)
	if err != nil {
		return err
	}
	page := StagedPage{PageRef: PageRef{ID: id, Hash: hash}}
	if before.ID != 0 {
		page.Generation = before.Generation + 1
		if b.history && page.Generation%WholeEvery != 0 {
			b.Replaced = append(b.Replaced, Replacement{Older: before.ID, Newer: id})
		}
	}
	b.IDs, b.Staged = append(b.IDs, id), append(b.Staged, id)
	page.Encoding, page.Blob = b.codec.Encode(body)
	b.pages = append(b.pages, page)
	b.size += len(page.Blob) + 256
	if b.size < StageBytes {
		return nil
	}
	return b.flush(ctx)
}

// flush writes what was added. A write may still be under way when its caller has
// gone, so the next pages do not take the memory of these.
func (b *pageBatch) flush(ctx context.Context) error {
	if len(b.pages) == 0 {
		return nil
	}
	pages, size := b.pages, b.size
	b.pages, b.size = nil, 0
	return b.to.WritePages(ctx, pages, size)
}
