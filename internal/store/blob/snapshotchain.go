package blob

import (
	"context"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
)

// SnapshotChain rebuilds a version of a source's snapshot from newer ones: it is the last
// one that was added.
type SnapshotChain struct {
	last  store.Snapshot
	chain *Chain
}

// SnapshotChain returns one that no version was added to.
func (c *Codec) SnapshotChain() *SnapshotChain { return &SnapshotChain{chain: c.Chain()} }

// Version is the number of the last one that was added; 0 before the first.
func (s *SnapshotChain) Version() int64 { return s.last.Version }

// Pages are the numbers of its pages, nil where it has one body.
func (s *SnapshotChain) Pages() []int64 { return s.chain.Pages }

// Add adds the next version, as it is stored: one that is whole, or a difference from
// the one after it, which was added before.
func (s *SnapshotChain) Add(version store.Snapshot, e Encoding, packed []byte) error {
	if err := s.chain.Add(version.Version, version.Version+1, e, packed); err != nil {
		return fmt.Errorf("version %d: %w", version.Version, err)
	}
	s.last = version
	return nil
}

// Whole returns the version with the body, or the pages, that it has. Read reads a
// page, as NewPages has it.
func (s *SnapshotChain) Whole(ctx context.Context, source string, read func(ctx context.Context, id int64) ([]byte, error)) store.Snapshot {
	whole := s.last
	whole.Body = s.chain.Body
	if s.chain.Pages != nil {
		whole.Pages = NewPages(ctx, fmt.Sprintf("snapshot %d of source %s", whole.Version, source), s.chain.Pages, read)
	}
	return whole
}
