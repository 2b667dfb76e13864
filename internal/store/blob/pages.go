package blob

import (
	"context"
	"fmt"

	"github.com/pollwire/pollwire/diff"
)

// pages are those of a snapshot in a store, each read when it is asked for.
type pages struct {
	ctx  context.Context // of the call that returned the snapshot, as the contract has it
	read func(ctx context.Context, id int64) ([]byte, error)
	ids  []int64
	name string
}

var _ diff.Pages = (*pages)(nil)

// NewPages returns the pages of a snapshot by their numbers. Read reads one, by the
// context of the call that returned the snapshot. Name is what they are pages of, for
// the words of an error.
func NewPages(ctx context.Context, name string, ids []int64, read func(ctx context.Context, id int64) ([]byte, error)) diff.Pages {
	return &pages{ctx: ctx, read: read, ids: ids, name: name}
}

// Len returns how many they are.
func (p *pages) Len() int { return len(p.ids) }

// Page reads one, counted from 0.
func (p *pages) Page(i int) ([]byte, error) {
	if i < 0 || i >= len(p.ids) {
		return nil, fmt.Errorf("read page %d of %s: it has %d", i+1, p.name, len(p.ids))
	}
	body, err := p.read(p.ctx, p.ids[i])
	if err != nil {
		return nil, fmt.Errorf("read page %d of %s: %w", i+1, p.name, err)
	}
	return body, nil
}
