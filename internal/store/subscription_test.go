package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

// TestSubscriptionLists: the lists come back, and what is none is refused by name.
func TestSubscriptionLists(t *testing.T) {
	t.Parallel()
	in := store.Subscription{ID: "sub_1", Events: []string{"item.*", `"`}}
	sources, events, err := in.EncodeLists()
	if err != nil || sources != "[]" || events != `["item.*","\""]` {
		t.Errorf("got %s and %s, %v", sources, events, err)
	}
	out := store.Subscription{ID: "sub_1"}
	if err := out.DecodeLists(sources, events); err != nil || len(out.Sources) != 0 || !slices.Equal(out.Events, in.Events) {
		t.Errorf("got %+v, %v", out, err)
	}
	for what, lists := range map[string][2]string{"sources of sub_1": {"{}", "[]"}, "events of sub_1": {"[]", ""}} {
		if err := out.DecodeLists(lists[0], lists[1]); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%q: got %v, want %q in it", lists, err, what)
		}
	}
}

// TestEndInSteps goes on while there may be more, though others ended some of what
// was found, and says what it did before it failed.
func TestEndInSteps(t *testing.T) {
	t.Parallel()
	var firsts []bool
	found := []int64{10, 10, 9}
	dead, err := store.EndInSteps(10, func(first bool) (int64, int64, error) {
		firsts = append(firsts, first)
		return found[len(firsts)-1], 2, nil
	})
	if err != nil || dead != 6 || !slices.Equal(firsts, []bool{true, false, false}) {
		t.Errorf("%d are dead after %v: %v", dead, firsts, err)
	}
	dead, err = store.EndInSteps(10, func(first bool) (int64, int64, error) {
		if first {
			return 10, 10, nil
		}
		return 10, 10, errRead
	})
	if dead != 10 || !errors.Is(err, errRead) {
		t.Errorf("%d are dead: %v", dead, err)
	}
}
