package store_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// TestNewestSayWhatWasRemoved: of the pages of a log that is read from its end, those
// say that events were removed that would have had them.
func TestNewestSayWhatWasRemoved(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		positions []int64
		query     store.LogQuery
		want      bool
	}{
		"nothing":                  {[]int64{4, 5, 6}, store.LogQuery{After: 3, Limit: 5}, false},
		"the first":                {[]int64{5, 6}, store.LogQuery{After: 3, Limit: 5}, true},
		"the first, of another":    {[]int64{5, 6}, store.LogQuery{After: 3, Limit: 1}, false},
		"the last":                 {[]int64{4, 5}, store.LogQuery{After: 3, Limit: 5}, true},
		"one between":              {[]int64{4, 6}, store.LogQuery{After: 3, Limit: 5}, true},
		"one between, not wanted":  {[]int64{4, 6}, store.LogQuery{After: 3, Limit: 5, Want: even}, true},
		"all":                      {nil, store.LogQuery{After: 3, Limit: 5}, true},
		"what was read before":     {[]int64{5, 6}, store.LogQuery{After: 4, Limit: 5}, false},
		"the last before one":      {[]int64{3, 6}, store.LogQuery{After: 2, Before: 5, Limit: 5}, true},
		"nothing before one":       {[]int64{3, 4, 6}, store.LogQuery{After: 2, Before: 5, Limit: 5}, false},
		"all before one":           {[]int64{6}, store.LogQuery{After: 2, Before: 5, Limit: 5}, true},
		"nothing between":          {[]int64{6}, store.LogQuery{After: 4, Before: 5, Limit: 5}, false},
		"what was committed since": {[]int64{4, 5, 6, 7}, store.LogQuery{After: 3, Limit: 5}, false},
	} {
		test.query.Newest = true
		log := heads{positions: test.positions, last: 6}
		page, err := store.ReadLog(t.Context(), &log, &test.query, 2)
		if err != nil || page.Removed != test.want {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}

// TestEachRemovalIsSaid: whoever reads a log page by page, from either end, is told
// that events were removed where some were, and not where none were.
func TestEachRemovalIsSaid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		last := rapid.Int64Range(0, 12).Draw(t, "last")
		log := heads{last: last}
		after := rapid.Int64Range(0, last).Draw(t, "after")
		want := false
		for p := int64(1); p <= last; p++ {
			if rapid.IntRange(0, 4).Draw(t, fmt.Sprintf("removed %d", p)) > 0 {
				log.positions = append(log.positions, p)
			} else {
				want = want || p > after
			}
		}
		q := store.LogQuery{After: after, Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
		if rapid.Bool().Draw(t, "some") {
			q.Want = func(e *notify.Event) bool { return e.Position%3 == 0 }
		}
		for _, q.Newest = range []bool{false, true} {
			if got := saysRemoved(t, &log, q); got != want {
				t.Errorf("newest %t: says removed %t, want %t", q.Newest, got, want)
			}
		}
	})
}

// saysRemoved reads all pages, and reports whether one says that events were removed.
func saysRemoved(t *rapid.T, log *heads, q store.LogQuery) (said bool) {
	for pages := 0; ; pages++ {
		page, err := store.ReadLog(t.Context(), log, &q, 2)
		if err != nil || pages > 20 {
			t.Fatalf("page %d: %v", pages, err)
		}
		said = said || page.Removed
		if q.Newest && page.Earlier == 0 || !q.Newest && page.Reached == q.After {
			return said
		}
		if q.Before = page.Earlier; !q.Newest {
			q.After = page.Reached
		}
	}
}
