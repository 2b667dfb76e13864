package blob

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob/blobtest"
)

// TestSettle writes the differences that there are, and passes by what cannot be read
// or is too small for one.
func TestSettle(t *testing.T) {
	t.Parallel()
	c := mustCodec(t)
	newer := blobtest.Noise(1, 4000)
	older := append([]byte("older "), newer...)
	read := readOf(map[int64][]byte{1: older, 2: newer, 3: []byte("small"), 4: older, 6: newer})
	replaced := []Replacement{{Older: 1, Newer: 2}, {Older: 4, Newer: 3}, {Older: 3, Newer: 6}, {Older: 5, Newer: 6}, {Older: 4, Newer: 5}, {Older: 4, Newer: 6}}
	var wrote []PageDelta
	c.Settle(t.Context(), replaced, read, func(_ context.Context, deltas []PageDelta, size int) error {
		want := 0
		for _, d := range deltas {
			want += len(d.Blob) + 256
			body, err := c.Rebuild(d.Encoding, d.Blob, newer)
			if err != nil || !bytes.Equal(body, older) {
				t.Errorf("page %d became %d bytes, %v", d.Older, len(body), err)
			}
		}
		if size != want {
			t.Errorf("they are said to be %d bytes, and are about %d", size, want)
		}
		wrote = append(wrote, deltas...)
		return nil
	})
	if len(wrote) != 2 || wrote[0].Replacement != replaced[0] || wrote[1].Replacement != replaced[5] {
		t.Errorf("wrote %v", wrote)
	}
	c.Settle(t.Context(), replaced[1:3], read, func(context.Context, []PageDelta, int) error {
		t.Error("nothing was written")
		return nil
	})
}

// TestSettleInParts writes about StageBytes at a time, and ends with the first part
// that fails.
func TestSettleInParts(t *testing.T) {
	t.Parallel()
	c := mustCodec(t)
	pages := make(map[int64][]byte)
	var replaced []Replacement
	for n := range int64(5) {
		// Half of a page is new, so that its difference is as long.
		same := blobtest.Noise(byte(n+1), StageBytes/2)
		pages[n+1] = slices.Concat(same, blobtest.Noise(byte(n+50), StageBytes/2))
		pages[n+101] = slices.Concat(same, blobtest.Noise(byte(n+150), StageBytes/2))
		replaced = append(replaced, Replacement{Older: n + 1, Newer: n + 101})
	}
	for _, test := range []struct {
		name string
		fail error
		want []int
	}{
		{"all", nil, []int{2, 2, 1}},
		{"the disk is full", store.ErrFull, []int{2}},
	} {
		var got []int
		c.Settle(t.Context(), replaced, readOf(pages), func(_ context.Context, deltas []PageDelta, _ int) error {
			got = append(got, len(deltas))
			return test.fail
		})
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: wrote %v pages at a time, want %v", test.name, got, test.want)
		}
	}
}

// readOf reads one of pages, or fails with store.ErrNotFound.
func readOf(pages map[int64][]byte) func(context.Context, int64) ([]byte, error) {
	return func(_ context.Context, id int64) ([]byte, error) {
		if body, ok := pages[id]; ok {
			return body, nil
		}
		return nil, store.ErrNotFound
	}
}
