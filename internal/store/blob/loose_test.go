package blob

import (
	"slices"
	"testing"
)

func TestLoosePages(t *testing.T) {
	t.Parallel()
	var l LoosePages
	l.Add(1, 2)
	l.Add(3)
	for _, want := range [][]int64{{1, 2}, {3}, {}} {
		if got := l.Take(2); !slices.Equal(got, want) {
			t.Errorf("took %v, want %v", got, want)
		}
	}
	if l.ids != nil {
		t.Error("it keeps memory")
	}
}
