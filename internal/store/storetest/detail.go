package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
)

var detailTests = map[string]func(*testing.T, Fresh){
	"details are added, replaced and dropped":   detailsChange,
	"details of many keys and sizes":            manyDetails,
	"details belong to a source":                detailsAreSeparate,
	"details do not age":                        detailsStay,
	"details of a stale commit are not written": staleDetails,
	"the caller keeps its details' buffers":     detailBuffers,
	"forgetting drops what came before it":      forgetting,
}

// detail is what was fetched for an item in its nth state.
func detail(key string, n byte, body string) store.Detail {
	d := store.Detail{Key: key, Seen: [32]byte{n, 31: n}, Format: diff.JSON, At: epoch.Add(time.Duration(n) * time.Minute)}
	if body != "" {
		d.Body = []byte(body)
	}
	return d
}

// readDetails reads the details of keys, and holds what was seen of all to them.
func readDetails(tb reporter, s store.Store, source string, keys ...string) map[string]store.Detail {
	tb.Helper()
	found, seen := map[string]store.Detail{}, map[string][32]byte{}
	for _, d := range must(s.Details(tb.Context(), source, keys))(tb) {
		found[d.Key], seen[d.Key] = d, d.Seen
	}
	equal(tb, "seen details", must(s.SeenDetails(tb.Context(), source))(tb), seen)
	return found
}

func detailsChange(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	equal(t, "of an unknown source", readDetails(t, s, "orders", "1"), map[string]store.Detail{})
	src, _ := seed(t, s, "orders")
	one, two, three := detail("1", 1, `{"id":1}`), detail("2", 2, ""), detail("3", 3, "text")
	three.Format = diff.Text
	mustCommit(t, s, &store.Commit{Source: src, Details: []store.Detail{one, two, three}})
	equal(t, "added", readDetails(t, s, "orders", "3", "2", "1", "4", "1"), map[string]store.Detail{"1": one, "2": two, "3": three})

	// Both of one key: what is new stays.
	two, three = detail("2", 4, `{"id":2}`), detail("3", 5, "{}")
	mustCommit(t, s, &store.Commit{Source: src, DropDetails: []string{"1", "3", "unknown"}, Details: []store.Detail{two, three}})
	noError(t, s.Close())
	equal(t, "after a restart", readDetails(t, open(t), "orders", "1", "2", "3"), map[string]store.Detail{"2": two, "3": three})
}

func manyDetails(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "orders")
	c := &store.Commit{Source: src}
	want, keys := map[string]store.Detail{}, []string{}
	for n := range 1500 {
		d := detail(fmt.Sprint("key-", n), byte(n), string(bytes.Repeat([]byte("x"), n)))
		c.Details, keys, want[d.Key] = append(c.Details, d), append(keys, d.Key), d
	}
	mustCommit(t, s, c)
	equal(t, "details", readDetails(t, s, "orders", keys...), want)
	mustCommit(t, s, &store.Commit{Source: src, DropDetails: keys[1:]})
	equal(t, "left", readDetails(t, s, "orders", keys...), map[string]store.Detail{"key-0": want["key-0"]})
}

func detailsAreSeparate(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	a, _ := seed(t, s, "a")
	b, _ := seed(t, s, "b")
	mustCommit(t, s, &store.Commit{Source: a, Details: []store.Detail{detail("1", 1, "a")}})
	mustCommit(t, s, &store.Commit{Source: b, Details: []store.Detail{detail("1", 2, "b")}})
	mustCommit(t, s, &store.Commit{Source: b, DropDetails: []string{"1"}})
	equal(t, "a", readDetails(t, s, "a", "1"), map[string]store.Detail{"1": detail("1", 1, "a")})
	equal(t, "b", readDetails(t, s, "b", "1"), map[string]store.Detail{})
}

func detailsStay(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "orders")
	mustCommit(t, s, &store.Commit{Source: src, Details: []store.Detail{detail("1", 1, "a")}})
	must(s.Prune(t.Context(), store.Retention{Events: future, Waiting: future}))(t)
	equal(t, "details", readDetails(t, s, "orders", "1"), map[string]store.Detail{"1": detail("1", 1, "a")})
}

func staleDetails(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "orders")
	mustCommit(t, s, &store.Commit{Source: src, Details: []store.Detail{detail("1", 1, "a")}, Depart: []store.Departed{{Key: "7", At: epoch}}})
	stale := *src
	stale.Version++
	err := s.Commit(t.Context(), &store.Commit{Source: &stale, Forget: true, DropDetails: []string{"1"}, Details: []store.Detail{detail("2", 1, "a")}})
	if !errors.Is(err, store.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
	equal(t, "details", readDetails(t, s, "orders", "1", "2"), map[string]store.Detail{"1": detail("1", 1, "a")})
	equal(t, "departed", len(must(s.AllDeparted(t.Context(), "orders"))(t)), 1)
}

func detailBuffers(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "orders")
	c := &store.Commit{Source: src, Details: []store.Detail{detail("1", 1, "a body")}}
	mustCommit(t, s, c)
	copy(c.Details[0].Body, "garbage")
	equal(t, "details", readDetails(t, s, "orders", "1"), map[string]store.Detail{"1": detail("1", 1, "a body")})
}

func forgetting(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "orders")
	other, _ := seed(t, s, "other")
	departed := []store.Departed{{Key: "1", Item: []byte("{}"), At: epoch}, {Key: "2", Item: []byte("{}"), At: epoch}}
	details := []store.Detail{detail("3", 1, "a"), detail("4", 1, "b")}
	for _, src := range []*store.Source{src, other} {
		mustCommit(t, s, &store.Commit{Source: src, Depart: departed, Details: details})
	}
	// What the same commit brings belongs to the new request.
	again := store.Departed{Key: "2", Item: []byte(`{"new":1}`), At: epoch}
	mustCommit(t, s, &store.Commit{Source: src, Forget: true, Depart: []store.Departed{again}, Details: []store.Detail{detail("4", 2, "c")}})
	equal(t, "departed", must(s.AllDeparted(t.Context(), "orders"))(t), []store.Departed{again})
	equal(t, "details", readDetails(t, s, "orders", "3", "4"), map[string]store.Detail{"4": detail("4", 2, "c")})
	mustCommit(t, s, &store.Commit{Source: src, Forget: true})
	equal(t, "departed at last", len(must(s.AllDeparted(t.Context(), "orders"))(t)), 0)
	equal(t, "details at last", readDetails(t, s, "orders", "3", "4"), map[string]store.Detail{})
	equal(t, "departed of another", must(s.AllDeparted(t.Context(), "other"))(t), departed)
	equal(t, "details of another", readDetails(t, s, "other", "3", "4"), map[string]store.Detail{"3": details[0], "4": details[1]})
}
