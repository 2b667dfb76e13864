package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

var activityTests = map[string]func(*testing.T, Fresh){
	"changes are counted by source and time":      countsChanges,
	"what comes later is counted by its position": countsWhatIsNew,
}

// at commits a change of a source at a time, and returns its position.
func at(tb testing.TB, s store.Store, source *store.Source, when time.Time, alerts int) int64 {
	tb.Helper()
	e := change(source.Name)
	e.Time = when
	c := &store.Commit{Source: source, Events: []store.Event{e}}
	for range alerts {
		a := alert(source.Name)
		a.Time = when
		c.Events = append(c.Events, a)
	}
	mustCommit(tb, s, c)
	return c.Events[len(c.Events)-1].Position
}

func activity(tb testing.TB, s store.Store, q store.ActivityQuery) []store.Activity {
	tb.Helper()
	found := must(s.Activity(tb.Context(), q))(tb)
	slices.SortFunc(found, func(a, b store.Activity) int {
		if c := strings.Compare(a.Source, b.Source); c != 0 {
			return c
		}
		return a.Begin.Compare(b.Begin)
	})
	return found
}

func countsChanges(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	equal(t, "of an empty log", len(activity(t, s, store.ActivityQuery{Until: 1 << 40, Step: time.Hour})), 0)
	a, b := &store.Source{Name: "a"}, &store.Source{Name: "b"}
	hour := epoch.Truncate(time.Hour)
	var last int64
	for _, minute := range []int{-1, 0, 59, 60, 150} {
		at(t, s, a, hour.Add(time.Duration(minute)*time.Minute), 2)
	}
	last = at(t, s, b, hour.Add(time.Minute), 0)
	all := []store.Activity{
		{Source: "a", Begin: hour, Changes: 2},
		{Source: "a", Begin: hour.Add(time.Hour), Changes: 1},
		{Source: "a", Begin: hour.Add(2 * time.Hour), Changes: 1},
		{Source: "b", Begin: hour, Changes: 1},
	}
	equal(t, "by the hour", activity(t, s, store.ActivityQuery{Until: last, Since: hour, Step: time.Hour}), all)
	equal(t, "but for the last event", activity(t, s, store.ActivityQuery{Until: last - 1, Since: hour, Step: time.Hour}), all[:3])
	equal(t, "by the minute", activity(t, s, store.ActivityQuery{Until: last, Since: hour.Add(time.Hour), Step: time.Minute}),
		[]store.Activity{{Source: "a", Begin: hour.Add(time.Hour), Changes: 1}, {Source: "a", Begin: hour.Add(150 * time.Minute), Changes: 1}})
}

func countsWhatIsNew(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	a := &store.Source{Name: "a"}
	hour := epoch.Truncate(time.Hour)
	first := at(t, s, a, hour, 1)
	at(t, s, a, hour.Add(-time.Hour), 0) // the clock was set back
	last := at(t, s, a, hour.Add(time.Hour), 1)
	equal(t, "behind the first", activity(t, s, store.ActivityQuery{After: first, Until: last, Since: hour, Step: time.Hour}),
		[]store.Activity{{Source: "a", Begin: hour.Add(time.Hour), Changes: 1}})
	equal(t, "behind the last", len(activity(t, s, store.ActivityQuery{After: last, Until: last + 10, Since: hour, Step: time.Hour})), 0)
}
