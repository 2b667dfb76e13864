package blob

import (
	"slices"
	"sync"
)

// LoosePages are numbers of pages that no version lists any more, or that none
// will. It is only a hint which to look at: a page is removed only while its
// number stands in the table of loose pages. Its methods may be called concurrently.
type LoosePages struct {
	mu  sync.Mutex
	ids []int64
}

// Add adds numbers.
func (l *LoosePages) Add(ids ...int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(l.ids, ids...)
}

// Take returns up to a number of them, which it has no more, and leaves the rest.
func (l *LoosePages) Take(most int) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(most, len(l.ids))
	taken := slices.Clone(l.ids[:n])
	if l.ids = l.ids[n:]; len(l.ids) == 0 {
		l.ids = nil // gives the memory back
	}
	return taken
}
