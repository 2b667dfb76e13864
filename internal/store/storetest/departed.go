package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

var departedTests = map[string]func(*testing.T, Fresh){
	"items depart, change and return":      itemsDepartAndReturn,
	"departed items of many keys":          manyDeparted,
	"departed items belong to a source":    departedAreSeparate,
	"departed items age":                   departedAge,
	"nothing is asked for, nothing found":  noKeys,
	"all departed items are listed by key": allDeparted,
}

func itemsDepartAndReturn(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "feed")
	first := []store.Departed{{Key: "1", Item: []byte(`{"id":1}`), At: epoch}, {Key: "2", Item: []byte(`{"id":2}`), At: epoch}}
	mustCommit(t, s, &store.Commit{Source: src, Depart: first})
	again := store.Departed{Key: "2", Item: []byte(`{"id":2,"title":"new"}`), At: epoch.Add(time.Hour)}
	mustCommit(t, s, &store.Commit{Source: src, Depart: []store.Departed{again}, Return: []string{"1", "unknown"}})
	equal(t, "departed", must(s.Departed(t.Context(), "feed", []string{"3", "2", "1"}))(t), []store.Departed{again})
}

func manyDeparted(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "feed")
	var items []store.Departed
	var keys []string
	for n := range 3000 {
		key := fmt.Sprintf("key-%05d", n)
		keys = append(keys, key, "unknown-"+key)
		items = append(items, store.Departed{Key: key, Item: fmt.Appendf(nil, `{"n":%d}`, n), At: epoch})
	}
	mustCommit(t, s, &store.Commit{Source: src, Depart: items})
	found := must(s.Departed(t.Context(), "feed", keys))(t)
	slices.SortFunc(found, func(a, b store.Departed) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	equal(t, "departed", found, items)

	mustCommit(t, s, &store.Commit{Source: src, Return: keys[:2*2999]})
	equal(t, "after their return", must(s.Departed(t.Context(), "feed", keys))(t), items[2999:])
}

func departedAreSeparate(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	a, _ := seed(t, s, "a")
	b, _ := seed(t, s, "b")
	item := store.Departed{Key: "1", Item: []byte("{}"), At: epoch}
	mustCommit(t, s, &store.Commit{Source: a, Depart: []store.Departed{item}})
	mustCommit(t, s, &store.Commit{Source: b, Return: []string{"1"}})
	equal(t, "a", must(s.Departed(t.Context(), "a", []string{"1"}))(t), []store.Departed{item})
	equal(t, "b", len(must(s.Departed(t.Context(), "b", []string{"1"}))(t)), 0)
}

func departedAge(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "feed")
	var items []store.Departed
	var keys []string
	for n := range 500 {
		keys = append(keys, fmt.Sprintf("%05d", n))
		items = append(items, store.Departed{Key: keys[n], Item: []byte("{}"), At: epoch.Add(time.Duration(n) * time.Second)})
	}
	mustCommit(t, s, &store.Commit{Source: src, Depart: items})
	done := must(s.Prune(t.Context(), store.Retention{Events: epoch.Add(450 * time.Second)}))(t)
	equal(t, "removed", done.Departed, int64(450))
	equal(t, "left", must(s.Departed(t.Context(), "feed", keys))(t), items[450:])
}

func noKeys(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	equal(t, "departed", len(must(s.Departed(t.Context(), "feed", nil))(t)), 0)
}

func allDeparted(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	equal(t, "of an unknown source", len(must(s.AllDeparted(t.Context(), "feed"))(t)), 0)
	src, _ := seed(t, s, "feed")
	other, _ := seed(t, s, "feed2")
	var want, shuffled []store.Departed
	for n := range 600 {
		want = append(want, store.Departed{Key: fmt.Sprintf("%05d", n), Item: fmt.Appendf(nil, `{"n":%d}`, n), At: epoch})
	}
	for n := range want {
		shuffled = append(shuffled, want[n*7%600])
	}
	mustCommit(t, s, &store.Commit{Source: src, Depart: shuffled})
	mustCommit(t, s, &store.Commit{Source: other, Depart: want[:1]})
	equal(t, "departed", must(s.AllDeparted(t.Context(), "feed"))(t), want)
	equal(t, "of another", must(s.AllDeparted(t.Context(), "feed2"))(t), want[:1])
}
