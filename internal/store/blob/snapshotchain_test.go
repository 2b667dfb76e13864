package blob

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
)

// TestSnapshotChain goes from a whole version back to one that stands as its
// difference, and to one of pages.
func TestSnapshotChain(t *testing.T) {
	t.Parallel()
	c := mustCodec(t)
	newer := []byte(strings.Repeat(`{"id": 1, "name": "one"}`, 100))
	older := append([]byte("older "), newer...)
	whole, packed := c.Encode(newer)
	delta, difference, _ := c.Delta(newer, older)

	chain := c.SnapshotChain()
	if chain.Version() != 0 || chain.Pages() != nil {
		t.Errorf("a new one is at version %d", chain.Version())
	}
	if err := chain.Add(store.Snapshot{Version: 7}, whole, packed); err != nil {
		t.Fatal(err)
	}
	err := chain.Add(store.Snapshot{Version: 5}, delta, difference)
	if !errors.Is(err, store.ErrDamaged) || !strings.HasPrefix(err.Error(), "version 5: ") || chain.Version() != 7 {
		t.Errorf("with a gap: %v, at %d", err, chain.Version())
	}
	if err := chain.Add(store.Snapshot{Version: 6, Format: diff.JSON}, delta, difference); err != nil {
		t.Fatal(err)
	}
	got := chain.Whole(t.Context(), "orders", nil)
	if got.Version != 6 || got.Format != diff.JSON || !bytes.Equal(got.Body, older) || got.Pages != nil {
		t.Errorf("version %d in %s with %d bytes and pages %v", got.Version, got.Format, len(got.Body), got.Pages)
	}

	if err := chain.Add(store.Snapshot{Version: 5}, Listed, EncodePages([]int64{3, 9})); err != nil || !slices.Equal(chain.Pages(), []int64{3, 9}) {
		t.Errorf("pages %v, %v", chain.Pages(), err)
	}
	got = chain.Whole(t.Context(), "orders", func(_ context.Context, id int64) ([]byte, error) {
		if id == 9 {
			return nil, store.ErrNotFound
		}
		return []byte("three"), nil
	})
	if body, err := got.Pages.Page(0); err != nil || string(body) != "three" || got.Body != nil {
		t.Errorf("the first page is %q, %v", body, err)
	}
	if _, err := got.Pages.Page(1); err == nil || !strings.HasPrefix(err.Error(), "read page 2 of snapshot 5 of source orders: ") {
		t.Errorf("the second page: %v", err)
	}
}
