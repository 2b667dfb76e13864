package blob

import "context"

// Replacement is a page and the newer one in its place.
type Replacement struct{ Older, Newer int64 }

// PageDelta is the older page of a replacement as its difference from the newer one.
type PageDelta struct {
	Replacement
	Encoding Encoding
	Blob     []byte
}

// Settle keeps the pages that a commit has replaced as their differences from those
// in their place. It runs when the commit is durable: until then the last version
// must stay readable without the new one. Read reads a page as the store has it, and
// write writes about size bytes of differences, which are its own. A page that it
// does not come to stays whole, so it has no error.
func (c *Codec) Settle(ctx context.Context, replaced []Replacement, read func(ctx context.Context, id int64) ([]byte, error), write func(ctx context.Context, deltas []PageDelta, size int) error) {
	var deltas []PageDelta
	size := 0
	for _, r := range replaced {
		d, ok := c.pageDelta(ctx, r, read)
		if !ok {
			continue
		}
		deltas, size = append(deltas, d), size+len(d.Blob)+256
		if size < StageBytes {
			continue
		}
		if write(ctx, deltas, size) != nil {
			return
		}
		deltas, size = nil, 0
	}
	if len(deltas) > 0 {
		_ = write(ctx, deltas, size) // those pages stay whole
	}
}

// pageDelta returns a page as its difference from the one in its place, both as
// they are read.
func (c *Codec) pageDelta(ctx context.Context, r Replacement, read func(ctx context.Context, id int64) ([]byte, error)) (PageDelta, bool) {
	newer, err := read(ctx, r.Newer)
	if err != nil || len(newer) < CompressFrom {
		return PageDelta{}, false
	}
	older, err := read(ctx, r.Older)
	if err != nil {
		return PageDelta{}, false
	}
	enc, packed, ok := c.Delta(newer, older)
	return PageDelta{Replacement: r, Encoding: enc, Blob: packed}, ok
}
