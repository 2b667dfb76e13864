package postgres

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

// TestRelayTakesTheOldestFirst: requests are begun with in the order in which they
// were left, and those that were left last wait the longest.
func TestRelayTakesTheOldestFirst(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, database(t))
	mustJoin(t, s, "b")
	var left []string
	for n := range 60 {
		left = append(left, fmt.Sprintf("%03d", n))
	}
	for n := range left { // written in another order than they were left
		must(t, s.Ask(t.Context(), &store.Relayed{ID: left[(n*7)%len(left)], Node: "b", Method: "GET", Path: "/"}))
	}
	for _, want := range [][]string{left[:50], left[50:]} {
		var got []string
		taken, err := s.Pending(t.Context(), "b", 50)
		must(t, err)
		for i := range taken {
			got = append(got, taken[i].ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("took %q, want %q", got, want)
		}
	}
}
