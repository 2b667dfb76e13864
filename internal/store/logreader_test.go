package store_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var errRead = errors.New("no answer")

// heads is a log of which some events are removed after they were looked at.
type heads struct {
	positions, removed []int64
	last               int64
	fail               error
	reads              [][]int64
}

func (h *heads) LastPosition(context.Context) (int64, error) { return h.last, nil }

func (h *heads) Heads(_ context.Context, q *store.LogQuery, limit int) ([]notify.Event, error) {
	var found []notify.Event
	for _, p := range h.positions {
		if p > q.After && (!q.Newest || p < q.End()) {
			found = append(found, notify.Event{Position: p})
		}
	}
	if q.Newest {
		slices.Reverse(found)
	}
	return found[:min(limit, len(found))], nil
}

func (h *heads) Whole(_ context.Context, positions []int64) ([]notify.Event, error) {
	h.reads = append(h.reads, slices.Clone(positions))
	var found []notify.Event
	for _, p := range slices.Backward(positions) { // in any order
		if !slices.Contains(h.removed, p) {
			found = append(found, notify.Event{Position: p, Data: make([]byte, 10)})
		}
	}
	return found, h.fail
}

func even(e *notify.Event) bool { return e.Position%2 == 0 }

// TestReadLog: what is read with its data is what the page takes, some at a time.
func TestReadLog(t *testing.T) {
	t.Parallel()
	eight := []int64{1, 2, 3, 4, 5, 6, 7, 8}
	for name, test := range map[string]struct {
		log    heads
		query  store.LogQuery
		atOnce int
		// events and reads are positions; of the page the rest is compared.
		events []int64
		page   store.LogPage
		reads  [][]int64
	}{
		"one by one":            {heads{positions: eight, last: 8}, store.LogQuery{Limit: 3}, 1, []int64{1, 2, 3}, store.LogPage{Reached: 3}, [][]int64{{1}, {2}, {3}}},
		"all at once":           {heads{positions: eight, last: 8}, store.LogQuery{Limit: 3}, 32, []int64{1, 2, 3}, store.LogPage{Reached: 3}, [][]int64{{1, 2, 3}}},
		"those that are wanted": {heads{positions: eight, last: 8}, store.LogQuery{Limit: 3, Want: even}, 2, []int64{2, 4, 6}, store.LogPage{Reached: 7}, [][]int64{{2, 4}, {6}}},
		"removed meanwhile":     {heads{positions: eight, removed: []int64{2}, last: 8}, store.LogQuery{Limit: 3}, 2, []int64{1, 3}, store.LogPage{Reached: 3, Removed: true}, [][]int64{{1, 2}, {3}}},
		"removed before":        {heads{positions: []int64{5, 6}, last: 6}, store.LogQuery{After: 3, Limit: 2}, 2, []int64{5, 6}, store.LogPage{Reached: 6, Removed: true}, [][]int64{{5, 6}}},
		"full of bytes":         {heads{positions: eight, last: 8}, store.LogQuery{Limit: 8, MaxBytes: 15}, 1, []int64{1, 2}, store.LogPage{Reached: 2}, [][]int64{{1}, {2}}},
		"the newest":            {heads{positions: eight, removed: []int64{8}, last: 8}, store.LogQuery{Limit: 2, Newest: true, Want: even}, 2, []int64{4, 6}, store.LogPage{Reached: 8, Earlier: 4, Removed: true}, [][]int64{{8, 6}, {4}}},
		"the newest before":     {heads{positions: eight, last: 8}, store.LogQuery{Limit: 2, Newest: true, Before: 3}, 1, []int64{1, 2}, store.LogPage{Reached: 2, Earlier: 1}, [][]int64{{2}, {1}}},
		"nothing before":        {heads{positions: eight, last: 8}, store.LogQuery{Newest: true, Before: 1}, 1, nil, store.LogPage{}, nil},
		"nothing more":          {heads{last: 8}, store.LogQuery{After: 8, Limit: 1}, 1, nil, store.LogPage{Reached: 8}, nil},
		"all of it is gone":     {heads{last: 8}, store.LogQuery{After: 3, Limit: 1}, 1, nil, store.LogPage{Reached: 8, Removed: true}, nil},
		"a page of no event":    {heads{positions: eight, last: 8}, store.LogQuery{}, 1, nil, store.LogPage{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := test.log
			page, err := store.ReadLog(t.Context(), &log, &test.query, test.atOnce)
			if err != nil {
				t.Fatal(err)
			}
			var events []int64
			for _, e := range page.Events {
				events = append(events, e.Position)
			}
			page.Events = nil
			if d := cmp.Diff(test.events, events) + cmp.Diff(test.page, page) + cmp.Diff(test.reads, log.reads); d != "" {
				t.Errorf("events, page and reads (-want +got):\n%s", d)
			}
		})
	}
	for _, newest := range []bool{false, true} {
		log := heads{positions: eight, last: 8, fail: errRead}
		if page, err := store.ReadLog(t.Context(), &log, &store.LogQuery{Limit: 1, Newest: newest}, 1); !errors.Is(err, errRead) || page.Events != nil {
			t.Errorf("got %+v, %v", page, err)
		}
	}
}

// TestReadLogAsksOnce: Want is asked of no event twice, and of none that a page
// does not come to.
func TestReadLogAsksOnce(t *testing.T) {
	t.Parallel()
	var asked []int64
	log := heads{positions: []int64{1, 2, 3, 4, 5, 6, 7, 8}, last: 8}
	_, err := store.ReadLog(t.Context(), &log, &store.LogQuery{Limit: 2, Want: func(e *notify.Event) bool {
		asked = append(asked, e.Position)
		return even(e)
	}}, 32)
	if want := []int64{1, 2, 3, 4, 5, 6}; err != nil || !slices.Equal(asked, want) {
		t.Errorf("asked of %v, want %v: %v", asked, want, err)
	}
}

func TestEndOfTheNewest(t *testing.T) {
	t.Parallel()
	for before, want := range map[int64]int64{0: math.MaxInt64, -1: math.MaxInt64, 7: 7} {
		if got := (&store.LogQuery{Before: before}).End(); got != want {
			t.Errorf("before %d: %d, want %d", before, got, want)
		}
	}
}
