package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
)

var snapshotTests = map[string]func(*testing.T, Fresh){
	"snapshots of every size come back":    snapshotSizes,
	"the last snapshot stays":              lastSnapshotStays,
	"the caller keeps its buffers":         callerKeepsBuffers,
	"a source's snapshots are its own":     snapshotsAreSeparate,
	"a snapshot's version is told":         snapshotVersionIsTold,
	"text snapshots keep their format":     textSnapshot,
	"large events and answers come back":   largeEvent,
	"snapshots survive their source's log": snapshotsSurviveRetention,
}

func snapshotSizes(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	noise := make([]byte, 300_000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	src := &store.Source{Name: "orders"}
	for _, body := range [][]byte{
		[]byte("1"), bytes.Repeat([]byte("a"), 511), bytes.Repeat([]byte("a"), 512), bytes.Repeat([]byte(`{"id": 1}`), 100_000),
		noise[:511], noise[:512], noise[:4096], noise,
		{0, 1, 2, 255},
		nil,
	} {
		snap := &store.Snapshot{At: epoch, Format: diff.JSON, Body: bytes.Clone(body)}
		mustCommit(t, s, &store.Commit{Source: src, Snapshot: snap, KeepSnapshots: 2})
		equal(t, fmt.Sprintf("snapshot of %d bytes", len(body)), must(s.Snapshot(t.Context(), "orders"))(t), *snap)
	}
}

func lastSnapshotStays(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := &store.Source{Name: "orders"}
	for n := 1; n <= 5; n++ {
		mustCommit(t, s, &store.Commit{Source: src, Snapshot: answer(n), KeepSnapshots: 0}) // less than 1 keeps 1
		equal(t, "last", must(s.Snapshot(t.Context(), "orders"))(t).Version, int64(n))
	}
}

// callerKeepsBuffers overwrites what was committed: bodies live in pooled buffers.
func callerKeepsBuffers(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	buffer := []byte(`{"n":1}`)
	src := &store.Source{Name: "orders"}
	c := &store.Commit{
		Source: src, Snapshot: &store.Snapshot{At: epoch, Format: diff.JSON, Body: buffer},
		Depart: []store.Departed{{Key: "7", Item: buffer, At: epoch}}, Events: []store.Event{change("orders")},
	}
	c.Events[0].Data = buffer
	mustCommit(t, s, c)
	copy(buffer, "garbage")
	equal(t, "snapshot", string(must(s.Snapshot(t.Context(), "orders"))(t).Body), `{"n":1}`)
	equal(t, "event", string(must(s.Event(t.Context(), c.Events[0].Position))(t).Data), `{"n":1}`)
	equal(t, "item", string(must(s.Departed(t.Context(), "orders", []string{"7"}))(t)[0].Item), `{"n":1}`)
}

func snapshotsAreSeparate(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	a, b := &store.Source{Name: "a"}, &store.Source{Name: "ab"}
	for n := 1; n <= 3; n++ {
		mustCommit(t, s, &store.Commit{Source: a, Snapshot: answer(n), KeepSnapshots: 1})
	}
	mustCommit(t, s, &store.Commit{Source: b, Snapshot: answer(9), KeepSnapshots: 1})
	equal(t, "a", string(must(s.Snapshot(t.Context(), "a"))(t).Body), `{"n":3}`)
	equal(t, "ab", string(must(s.Snapshot(t.Context(), "ab"))(t).Body), `{"n":9}`)
}

func snapshotVersionIsTold(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := &store.Source{Name: "orders"}
	for n := 1; n <= 3; n++ {
		snap := answer(n)
		mustCommit(t, s, &store.Commit{Source: src, Snapshot: snap, KeepSnapshots: 1})
		equal(t, "version", snap.Version, int64(n))
		equal(t, "version of the row", src.Version, int64(n))
	}
}

func textSnapshot(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	snap := &store.Snapshot{At: epoch, Format: diff.Text, Body: []byte("hello\n")}
	mustCommit(t, s, &store.Commit{Source: &store.Source{Name: "page"}, Snapshot: snap})
	equal(t, "snapshot", must(s.Snapshot(t.Context(), "page"))(t), *snap)
}

func largeEvent(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}, Events: []store.Event{change("orders")}}
	c.Events[0].Data = fmt.Appendf(nil, `{"after":"%s"}`, bytes.Repeat([]byte("abc "), 200_000))
	mustCommit(t, s, c)
	equal(t, "event", must(s.Event(t.Context(), c.Events[0].Position))(t), c.Events[0].Event)
}

func snapshotsSurviveRetention(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, _ := seed(t, s, "orders")
	must(s.Prune(t.Context(), store.Retention{Events: epoch.AddDate(10, 0, 0)}))(t)
	equal(t, "events", len(must(s.Events(t.Context(), 0, 10))(t)), 0)
	equal(t, "snapshot", string(must(s.Snapshot(t.Context(), "orders"))(t).Body), `{"n":1}`)
	equal(t, "row", must(s.Source(t.Context(), "orders"))(t), *src)
}
