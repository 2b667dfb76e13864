package poller

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is done to it, the heap gives back all that is in it, in order.
func TestHeapOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var h dueHeap
		var in []*entry
		draw := func() int64 { return rapid.Int64Range(0, 50).Draw(t, "due") }
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				e := &entry{due: draw()}
				in = append(in, e)
				h.push(e)
			},
			"move": func(t *rapid.T) {
				if len(in) > 0 {
					e := rapid.SampledFrom(in).Draw(t, "entry")
					e.due = draw()
					h.fix(e)
				}
			},
			"remove": func(t *rapid.T) {
				if len(in) > 0 {
					i := rapid.IntRange(0, len(in)-1).Draw(t, "index")
					h.remove(in[i])
					in = slices.Delete(in, i, i+1)
				}
			},
			"move all": func(*rapid.T) {
				for _, e := range in {
					e.due = draw()
				}
				h.rebuild()
			},
			"": func(t *rapid.T) {
				if len(h) != len(in) {
					t.Fatalf("%d in the heap, want %d", len(h), len(in))
				}
				for i, e := range h {
					if e.index != i || i > 0 && h[(i-1)/2].due > e.due {
						t.Fatalf("entry %d is out of order", i)
					}
				}
			},
		})
		for last := int64(0); len(h) > 0; {
			e := h[0]
			h.remove(e)
			if e.due < last || e.index != -1 {
				t.Fatalf("due %d after %d", e.due, last)
			}
			last = e.due
		}
	})
}
