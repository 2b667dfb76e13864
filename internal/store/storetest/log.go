package storetest

import (
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var logTests = map[string]func(*testing.T, Fresh){
	"a page of the log has what is wanted":         wantedEvents,
	"a page of the log is bounded in bytes":        logBytes,
	"a long stretch unwanted is gone over":         unwantedStretch,
	"the newest events are in the log's order":     newestEvents,
	"the log is read backwards, page by page":      logBackwards,
	"what retention removed is said":               removedFromLog,
	"the last position stays after all is removed": lastPositionStays,
}

// commitLog commits n events, by turns of two sources.
func commitLog(tb testing.TB, s store.Store, n int) []store.Event {
	tb.Helper()
	c := &store.Commit{}
	for i := range n {
		e := alert([]string{"a", "b"}[i%2])
		c.Events = append(c.Events, e)
	}
	mustCommit(tb, s, c)
	return c.Events
}

func ofSource(name string) func(*notify.Event) bool {
	return func(e *notify.Event) bool { return e.Source == name }
}

func wantedEvents(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	all := commitLog(t, s, 21)
	var got []notify.Event
	var want []notify.Event
	for i := range all {
		if all[i].Source == "b" {
			want = append(want, all[i].Event)
		}
	}
	pages := 0
	for after := int64(0); ; pages++ {
		page := must(s.Log(t.Context(), store.LogQuery{After: after, Want: ofSource("b"), Limit: 4}))(t)
		equal(t, "removed", page.Removed, false)
		if page.Reached == after {
			break
		}
		got = append(got, page.Events...)
		after = page.Reached
	}
	equal(t, "events", got, want)
	equal(t, "pages", pages, 3)

	first := must(s.Log(t.Context(), store.LogQuery{Limit: 2}))(t)
	equal(t, "all", first, store.LogPage{Events: []notify.Event{all[0].Event, all[1].Event}, Reached: all[1].Position})
	none := must(s.Log(t.Context(), store.LogQuery{After: all[3].Position}))(t)
	equal(t, "none asked for", none, store.LogPage{Reached: all[3].Position})
}

func logBytes(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	all := commitLog(t, s, 5)
	size := len(all[0].Data)
	for limit, want := range map[int]int{0: 5, 1: 1, size: 1, size + 1: 2, 10 * size: 5} {
		page := must(s.Log(t.Context(), store.LogQuery{Limit: 10, MaxBytes: limit}))(t)
		if len(page.Events) != want || page.Reached != all[want-1].Position {
			t.Errorf("%d bytes: %d events up to %d, want %d", limit, len(page.Events), page.Reached, want)
		}
		page = must(s.Log(t.Context(), store.LogQuery{Limit: 10, MaxBytes: limit, Newest: true}))(t)
		if len(page.Events) != want || page.Reached != all[4].Position {
			t.Errorf("newest, %d bytes: %d events up to %d, want %d", limit, len(page.Events), page.Reached, want)
		}
	}
}

// unwantedStretch is longer than any one read may be.
func unwantedStretch(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	for range 5 {
		commitLog(t, s, 1000)
	}
	last := commitLog(t, s, 1)[0]
	want := func(e *notify.Event) bool { return e.Position == last.Position }
	reads := 0
	for after := int64(0); ; reads++ {
		page := must(s.Log(t.Context(), store.LogQuery{After: after, Want: want, Limit: 10}))(t)
		if len(page.Events) > 0 {
			equal(t, "event", page.Events, []notify.Event{last.Event})
			break
		}
		if page.Reached <= after {
			t.Fatalf("stands still at %d", after)
		}
		after = page.Reached
	}
	if reads == 0 {
		t.Error("5,000 events were looked at in one read")
	}
}

func newestEvents(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	empty := must(s.Log(t.Context(), store.LogQuery{Limit: 3, Newest: true}))(t)
	equal(t, "empty log", empty, store.LogPage{})
	all := commitLog(t, s, 9)
	end := all[8].Position
	page := must(s.Log(t.Context(), store.LogQuery{Limit: 2, Newest: true}))(t)
	equal(t, "newest", page, store.LogPage{Events: []notify.Event{all[7].Event, all[8].Event}, Reached: end, Earlier: all[7].Position})
	page = must(s.Log(t.Context(), store.LogQuery{Limit: 2, Newest: true, Want: ofSource("b")}))(t)
	equal(t, "newest of b", page, store.LogPage{Events: []notify.Event{all[5].Event, all[7].Event}, Reached: end, Earlier: all[5].Position})
	page = must(s.Log(t.Context(), store.LogQuery{After: all[7].Position, Limit: 5, Newest: true}))(t)
	equal(t, "newest behind a position", page, store.LogPage{Events: []notify.Event{all[8].Event}, Reached: end})
}

func removedFromLog(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	old := commitLog(t, s, 4)
	late := alert("a")
	late.Time = epoch.AddDate(1, 0, 0)
	c := &store.Commit{Events: []store.Event{late}}
	mustCommit(t, s, c)
	must(s.Prune(t.Context(), store.Retention{Events: epoch.AddDate(0, 1, 0)}))(t)
	want := store.LogPage{Events: []notify.Event{c.Events[0].Event}, Reached: c.Events[0].Position, Removed: true}
	equal(t, "from what was removed", must(s.Log(t.Context(), store.LogQuery{After: old[1].Position, Limit: 5}))(t), want)
	want.Removed = false
	equal(t, "from the last removed", must(s.Log(t.Context(), store.LogQuery{After: old[3].Position, Limit: 5}))(t), want)
}

func lastPositionStays(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	equal(t, "of an empty log", must(s.LastPosition(t.Context()))(t), int64(0))
	all := commitLog(t, s, 3)
	must(s.Prune(t.Context(), store.Retention{Events: epoch.AddDate(1, 0, 0)}))(t)
	equal(t, "last position", must(s.LastPosition(t.Context()))(t), all[2].Position)
	page := must(s.Log(t.Context(), store.LogQuery{After: all[0].Position, Limit: 5}))(t)
	equal(t, "page", page, store.LogPage{Reached: all[2].Position, Removed: true})
	page = must(s.Log(t.Context(), store.LogQuery{After: all[2].Position, Limit: 5}))(t)
	equal(t, "page at the end", page, store.LogPage{Reached: all[2].Position})
}

func logBackwards(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	var all []store.Event
	for range 3 {
		all = append(all, commitLog(t, s, 1001)...)
	}
	for _, test := range []struct {
		limit int
		want  func(*notify.Event) bool
	}{
		{limit: 100},
		{limit: 7000},
		{limit: 100, want: ofSource("b")},
		{limit: 3, want: func(e *notify.Event) bool { return e.Position%800 == 1 }},
		{limit: 3, want: ofSource("nobody")},
	} {
		var want, got []int64
		for i := range all {
			if test.want == nil || test.want(&all[i].Event) {
				want = append([]int64{all[i].Position}, want...)
			}
		}
		q := store.LogQuery{Newest: true, Limit: test.limit, Want: test.want}
		for pages := 0; ; pages++ {
			page := must(s.Log(t.Context(), q))(t)
			for i := len(page.Events) - 1; i >= 0; i-- {
				got = append(got, page.Events[i].Position)
			}
			if len(page.Events) > test.limit || pages > len(all) {
				t.Fatalf("page %d has %d events of %d", pages, len(page.Events), test.limit)
			}
			if q.Before = page.Earlier; q.Before == 0 {
				break
			}
		}
		equal(t, "events", got, want)
	}
	// What is behind After is not gone over.
	page := must(s.Log(t.Context(), store.LogQuery{Newest: true, Limit: 5, After: all[0].Position, Before: all[3].Position}))(t)
	equal(t, "between", page.Events, []notify.Event{all[1].Event, all[2].Event})
	equal(t, "nothing before", page.Earlier, int64(0))
}
