package eventlog

import (
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

// TestNewestSayWhatWasRemoved: who reads what is new from its top is told that
// retention has removed some of it, as who reads on is; who begins is told nothing.
func TestNewestSayWhatWasRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := r.commit(many(6, "a")...)
	before := r.read(Query{Limit: 2})
	if _, err := r.store.Prune(t.Context(), store.Retention{Events: epoch.AddDate(0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	all = append(all, r.commit("a", "a")...)
	for _, newest := range []bool{false, true} {
		page := r.read(Query{After: before.Next, Limit: 5, Newest: newest})
		wantIDs(t, "behind a cursor", ids(&page), all[6:])
		if !page.Removed {
			t.Errorf("newest %t: nothing is said of four events that were removed", newest)
		}
		page = r.read(Query{After: page.Next, Limit: 5, Newest: newest})
		if page.Removed || len(page.Events) > 0 {
			t.Errorf("newest %t: behind the last: %+v", newest, page)
		}
		if page = r.read(Query{Limit: 5, Newest: newest}); page.Removed {
			t.Errorf("newest %t: who begins is told of what he never wanted", newest)
		}
	}
}
