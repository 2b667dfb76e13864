package blob

import (
	"errors"
	"slices"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

func TestVersions(t *testing.T) {
	t.Parallel()
	var v Versions
	if v.Kept() == nil || len(v.Pages()) != 0 {
		t.Errorf("none are %v with pages %v", v.Kept(), v.Pages())
	}
	for n, list := range [][]int64{nil, {1, 2, 2, 3}, {2, 4}, {4, 3}} {
		var packed []byte
		if list != nil {
			packed = EncodePages(list)
		}
		if err := v.Add(store.Version{Number: int64(n + 1), Stored: 1}, packed); err != nil {
			t.Fatal(err)
		}
	}
	pages := slices.Sorted(slices.Values(v.Pages()))
	if !slices.Equal(pages, []int64{1, 2, 3, 4}) {
		t.Errorf("pages %v are not each once", v.Pages())
	}
	for _, id := range pages {
		v.AddPage(id, 10*id)
	}
	// Page 1 is of version 2 alone, and 2 of version 3 as well; 3 came back.
	for n, want := range []int64{1, 11, 21, 71} {
		if got := v.Kept()[n]; got.Number != int64(n+1) || got.Stored != want {
			t.Errorf("version %d takes %d bytes, want %d", got.Number, got.Stored, want)
		}
	}
	if err := v.Add(store.Version{Number: 5}, []byte{0xff}); !errors.Is(err, store.ErrDamaged) || len(v.Kept()) != 4 {
		t.Errorf("a damaged list: %v, %d versions", err, len(v.Kept()))
	}
}
