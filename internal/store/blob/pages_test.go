package blob

import (
	"context"
	"errors"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

func TestPages(t *testing.T) {
	t.Parallel()
	p := NewPages(t.Context(), "snapshot 3", []int64{7, 9}, func(_ context.Context, id int64) ([]byte, error) {
		if id == 9 {
			return nil, store.ErrNotFound
		}
		return []byte("seven"), nil
	})
	if body, err := p.Page(0); p.Len() != 2 || err != nil || string(body) != "seven" {
		t.Errorf("%d pages, the first is %q, %v", p.Len(), body, err)
	}
	if _, err := p.Page(1); !errors.Is(err, store.ErrNotFound) || err.Error() != "read page 2 of snapshot 3: "+store.ErrNotFound.Error() {
		t.Errorf("error %v", err)
	}
	for _, i := range []int{-1, 2} {
		if _, err := p.Page(i); err == nil {
			t.Errorf("page %d is there", i)
		}
	}
}
