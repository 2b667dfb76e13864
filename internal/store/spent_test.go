package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// TestSpent: what was spent comes back, and what is no such text is refused.
func TestSpent(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	for _, spent := range [][]poller.Spend{{}, {{At: at, Count: 1}, {At: at.Add(time.Microsecond), Count: 20}}} {
		encoded, err := store.EncodeSpent(spent)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := store.DecodeSpent(encoded); err != nil || !slices.Equal(got, spent) {
			t.Errorf("%s: %v, %v, want %v", encoded, got, err, spent)
		}
	}
	if encoded, _ := store.EncodeSpent(nil); encoded != "[]" {
		t.Errorf("nothing is %s", encoded)
	}
	for _, text := range []string{"", "{}", `[["x",1]]`} {
		if _, err := store.DecodeSpent(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
