package sqlite

import (
	"slices"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

func TestChunks(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 16, 17, 256, 257, 600} {
		values := make([]int, n)
		for i := range values {
			values[i] = i
		}
		var got []int
		for args := range chunks(values) {
			if !slices.Contains([]int{1, 16, 256}, len(args)) {
				t.Errorf("%d values: a list of %d", n, len(args))
			}
			for _, v := range args {
				got = append(got, v.(int))
			}
		}
		if got = slices.Compact(got); !slices.Equal(got, values) {
			t.Errorf("%d values came out as %v", n, got)
		}
	}
}

func TestMicros(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.UnixMicro(1), time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2262, 1, 1, 1, 1, 1, 1000, time.FixedZone("", 3600))} {
		if got := store.FromMicros(store.Micros(at)); !got.Equal(at) || !got.IsZero() && got.Location() != time.UTC {
			t.Errorf("%v came back as %v", at, got)
		}
	}
}
