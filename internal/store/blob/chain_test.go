package blob

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

// TestChain goes from a whole version back to older ones, and stops where one is
// missing.
func TestChain(t *testing.T) {
	t.Parallel()
	c := mustCodec(t)
	newer := []byte(strings.Repeat(`{"id": 1, "name": "one"}`, 100))
	older := append([]byte("older "), newer...)
	whole, packed := c.Encode(newer)
	delta, difference, ok := c.Delta(newer, older)
	if !ok {
		t.Fatal("no difference")
	}
	chain := c.Chain()
	if err := chain.Add(7, 8, whole, packed); err != nil || !bytes.Equal(chain.Body, newer) {
		t.Errorf("whole: %d bytes, %v", len(chain.Body), err)
	}
	if err := chain.Add(5, 6, delta, difference); !errors.Is(err, store.ErrDamaged) || chain.Number != 7 {
		t.Errorf("with a gap: %v, at %d", err, chain.Number)
	}
	if err := chain.Add(6, 7, delta, difference); err != nil || !bytes.Equal(chain.Body, older) {
		t.Errorf("difference: %d bytes, %v", len(chain.Body), err)
	}
	if err := chain.Add(5, 6, Listed, EncodePages([]int64{3, 9})); err != nil || !slices.Equal(chain.Pages, []int64{3, 9}) || chain.Body != nil {
		t.Errorf("pages: %v, %v", chain.Pages, err)
	}
	if err := c.Chain().Add(6, 7, delta, difference); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("alone: %v", err)
	}
}
