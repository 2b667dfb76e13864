package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
)

var historyTests = map[string]func(*testing.T, Fresh){
	"every kept version comes back as it was":       versionsComeBack,
	"versions are kept through changes of keep":     keepChanges,
	"versions of all kinds of bodies follow":        versionsOfAllKinds,
	"a version that is gone is not found":           goneVersions,
	"versions are listed":                           versionsAreListed,
	"a history of small changes is small":           smallHistory,
	"a previous snapshot's buffer may be reused":    previousBuffer,
	"another version at hand changes no history":    otherVersionAtHand,
	"a conflict changes no history":                 conflictKeepsHistory,
	"old versions are read while new ones come":     historyWhileCommitting,
	"each of many sources has a history of its own": separateHistories,
}

// readHistory reads all kept versions of a source, oldest first.
func readHistory(tb reporter, s store.Store, source string) []store.Snapshot {
	tb.Helper()
	var kept []store.Snapshot
	for _, v := range must(s.Snapshots(tb.Context(), source))(tb) {
		snap := must(s.SnapshotAt(tb.Context(), source, v.Number))(tb)
		equal(tb, "what the list says of it", store.Version{Number: snap.Version, At: snap.At, Format: snap.Format, Stored: v.Stored}, v)
		snap = readPages(tb, snap)
		if (v.Stored == 0) != (len(snap.Body) == 0 && snap.Pages == nil) {
			tb.Fatalf("version %d of %d bytes is stored in %d", v.Number, len(snap.Body), v.Stored)
		}
		kept = append(kept, snap)
	}
	return kept
}

// history commits snapshots of a source and knows which are kept.
type history struct {
	s      store.Store
	source *store.Source
	kept   []store.Snapshot
}

// commit commits a body. Every other time the previous snapshot is at hand.
func (h *history) commit(tb testing.TB, keep int, format diff.Format, body []byte) {
	tb.Helper()
	h.commitSnapshot(tb, keep, &store.Snapshot{Format: format, Body: bytes.Clone(body)})
}

// commitPages commits an answer of several pages.
func (h *history) commitPages(tb testing.TB, keep int, pages ...[]byte) {
	tb.Helper()
	h.commitSnapshot(tb, keep, &store.Snapshot{Format: diff.JSON, Pages: bodies(pages)})
}

func (h *history) commitSnapshot(tb testing.TB, keep int, snap *store.Snapshot) {
	tb.Helper()
	snap.At = epoch.Add(time.Duration(len(h.kept)) * time.Minute)
	want := snap.Pages
	if want != nil {
		snap.Pages = &reused{bodies: want.(bodies)}
	}
	c := &store.Commit{Source: h.source, Snapshot: snap, KeepSnapshots: keep}
	if h.source.Version%2 == 1 {
		last := h.kept[len(h.kept)-1]
		c.Previous = &last
	}
	mustCommit(tb, h.s, c)
	snap.Pages = want
	h.kept = append(h.kept, *snap)
	h.kept = h.kept[max(0, len(h.kept)-keep):]
}

func (h *history) verify(tb testing.TB) {
	tb.Helper()
	got := readHistory(tb, h.s, h.source.Name)
	equal(tb, "number of versions", len(got), len(h.kept))
	for i, want := range h.kept {
		if !bytes.Equal(got[i].Body, want.Body) {
			tb.Fatalf("version %d: %d bytes are not the %d that were committed", want.Version, len(got[i].Body), len(want.Body))
		}
		got[i].Body, want.Body = nil, nil
		equal(tb, "version", got[i], want)
	}
}

// list is a document of a list that changes as those of APIs do.
type list struct {
	random *rand.Rand
	items  []string
	next   int
}

func newList(seed uint64, items int) *list {
	l := &list{random: rand.New(rand.NewPCG(seed, 7))}
	for range items {
		l.items = append(l.items, l.item())
	}
	return l
}

func (l *list) item() string {
	l.next++
	return fmt.Sprintf(`{"id":%d,"key":"%016x","name":"item %d","stock":%d,"updated":"%s"}`, l.next, l.random.Uint64(), l.next%17,
		l.random.IntN(1000), epoch.Add(time.Duration(l.random.IntN(1e9))*time.Millisecond).Format(time.RFC3339Nano))
}

// change changes, adds, removes, moves an item, or changes all of them.
func (l *list) change() {
	at := l.random.IntN(len(l.items))
	switch l.random.IntN(6) {
	case 0, 1:
		l.items[at] = l.item()
	case 2:
		l.items = append([]string{l.item()}, l.items...)
	case 3:
		if len(l.items) > 1 {
			l.items = append(l.items[:at], l.items[at+1:]...)
		}
	case 4:
		l.items[0], l.items[at] = l.items[at], l.items[0]
	case 5:
		l.random.Shuffle(len(l.items), func(i, j int) { l.items[i], l.items[j] = l.items[j], l.items[i] })
	}
}

func (l *list) body() []byte {
	body := []byte("[")
	for _, item := range l.items {
		body = append(append(body, item...), ",\n"...)
	}
	return append(body, ']')
}

func versionsComeBack(t *testing.T, fresh Fresh) {
	open := fresh(t)
	h := &history{s: open(t), source: &store.Source{Name: "orders"}}
	l := newList(1, 200)
	for n := range 60 {
		for range 1 + n%10 {
			l.change()
		}
		h.commit(t, 20, diff.JSON, l.body())
		if n%20 == 10 {
			noError(t, h.s.Close())
			h.s = open(t)
		}
	}
	h.verify(t)
	equal(t, "number of them", len(h.kept), 20)
}

func keepChanges(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	l := newList(2, 30)
	for _, keep := range []int{20, 3, 20, 1, 2, 100} {
		for range 12 {
			l.change()
			h.commit(t, keep, diff.JSON, l.body())
		}
		h.verify(t)
	}
}

// versionsOfAllKinds lets bodies follow each other that have nothing, all, or
// something in common.
func versionsOfAllKinds(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	random := rand.New(rand.NewPCG(3, 7))
	noise := make([]byte, 100_000)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise) // never fails
	text := bytes.Repeat([]byte("a line of a page\n"), 1000)
	kinds := [][]byte{
		nil,
		{},
		[]byte("1"), text[:511], text[:512], text, noise[:511], noise[:512], noise[:4096], noise, noise[1:],
		newList(4, 1).body(), newList(4, 300).body(), newList(5, 300).body(),
		bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("a"), 600), make([]byte, 5000), append(bytes.Clone(noise[:60_000]), text...),
	}
	formats := []diff.Format{diff.JSON, diff.Text}
	for range 50 {
		h.commit(t, 100, formats[random.IntN(2)], kinds[random.IntN(len(kinds))])
	}
	h.verify(t)
}

func goneVersions(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	l := newList(6, 20)
	for range 10 {
		l.change()
		h.commit(t, 3, diff.JSON, l.body())
	}
	for _, version := range []int64{-1, 0, 1, 7, 11, 1 << 62} {
		if _, err := h.s.SnapshotAt(t.Context(), "orders", version); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("version %d: got %v, want ErrNotFound", version, err)
		}
	}
	if _, err := h.s.SnapshotAt(t.Context(), "nobody", 9); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown source: got %v, want ErrNotFound", err)
	}
	must(h.s.SnapshotAt(t.Context(), "orders", 8))(t)
}

func versionsAreListed(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := &store.Source{Name: "orders"}
	for n := 1; n <= 5; n++ {
		mustCommit(t, s, &store.Commit{Source: src, Snapshot: answer(n), KeepSnapshots: 3})
	}
	got := must(s.Snapshots(t.Context(), "orders"))(t)
	for i := range got {
		got[i].Stored = 0 // the engine's own business
	}
	equal(t, "versions", got, []store.Version{
		{Number: 3, At: answer(3).At, Format: diff.JSON}, {Number: 4, At: answer(4).At, Format: diff.JSON}, {Number: 5, At: answer(5).At, Format: diff.JSON},
	})
	equal(t, "those of an unknown source", must(s.Snapshots(t.Context(), "nobody"))(t), []store.Version{})
}

// smallHistory holds engines to it that older versions are kept as differences.
func smallHistory(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	l := newList(8, 1000)
	for range 20 {
		for range 3 {
			l.items[l.random.IntN(len(l.items))] = l.item()
		}
		h.commit(t, 20, diff.JSON, l.body())
	}
	h.verify(t)
	versions := must(h.s.Snapshots(t.Context(), "orders"))(t)
	last, older := versions[19], versions[:19]
	for _, v := range older {
		if v.Stored > last.Stored/20 {
			t.Errorf("version %d takes %d bytes, the whole last one %d", v.Number, v.Stored, last.Stored)
		}
	}
}

func previousBuffer(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := &store.Source{Name: "orders"}
	first, second := newList(9, 20).body(), newList(9, 21).body()
	mustCommit(t, s, &store.Commit{Source: src, KeepSnapshots: 2, Snapshot: &store.Snapshot{At: epoch, Format: diff.JSON, Body: bytes.Clone(first)}})
	previous, body := must(s.Snapshot(t.Context(), "orders"))(t), bytes.Clone(second)
	mustCommit(t, s, &store.Commit{
		Source: src, KeepSnapshots: 2, Previous: &previous,
		Snapshot: &store.Snapshot{At: epoch, Format: diff.JSON, Body: body},
	})
	clear(previous.Body)
	clear(body)
	equal(t, "first", string(must(s.SnapshotAt(t.Context(), "orders", 1))(t).Body), string(first))
	equal(t, "second", string(must(s.SnapshotAt(t.Context(), "orders", 2))(t).Body), string(second))
}

func otherVersionAtHand(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	l := newList(10, 20)
	for range 3 {
		l.change()
		h.commit(t, 9, diff.JSON, l.body())
	}
	other := h.kept[0]
	snap := &store.Snapshot{At: epoch, Format: diff.JSON, Body: newList(11, 20).body()}
	mustCommit(t, h.s, &store.Commit{Source: h.source, Snapshot: snap, Previous: &other, KeepSnapshots: 9})
	h.kept = append(h.kept, *snap)
	h.verify(t)
}

func conflictKeepsHistory(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	l := newList(12, 20)
	for range 3 {
		l.change()
		h.commit(t, 9, diff.JSON, l.body())
	}
	for off := int64(-2); off <= 2; off++ {
		if off == 0 {
			continue
		}
		stale := *h.source
		stale.Version += off
		previous := h.kept[2]
		previous.Version = stale.Version
		err := h.s.Commit(t.Context(), &store.Commit{Source: &stale, Snapshot: answer(9), Previous: &previous, KeepSnapshots: 2})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("%+d: got %v, want ErrConflict", off, err)
		}
	}
	h.verify(t)
}

// historyWhileCommitting reads versions while newer ones come and they become
// differences, or go.
func historyWhileCommitting(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	const versions = 60
	l := newList(13, 30)
	bodies := make([][]byte, versions+1) // by version
	for n := range versions {
		l.change()
		bodies[n+1] = l.body()
	}
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for reader := range 2 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(reader), 7))
			for ctx.Err() == nil {
				kept, err := s.Snapshots(t.Context(), "orders")
				if err != nil || len(kept) == 0 {
					if err != nil {
						t.Error(err)
					}
					continue
				}
				v := kept[random.IntN(len(kept))].Number
				snap, err := s.SnapshotAt(t.Context(), "orders", v)
				switch {
				case errors.Is(err, store.ErrNotFound): // it went in between
				case err != nil || !bytes.Equal(snap.Body, bodies[v]):
					t.Errorf("version %d: %d bytes, want %d: %v", v, len(snap.Body), len(bodies[v]), err)
					return
				}
			}
		})
	}
	src := &store.Source{Name: "orders"}
	for _, body := range bodies[1:] {
		mustCommit(t, s, &store.Commit{Source: src, KeepSnapshots: 5, Snapshot: &store.Snapshot{At: epoch, Format: diff.JSON, Body: body}})
	}
	stop()
	all.Wait()
}

func separateHistories(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	var histories []*history
	for n := range 8 {
		histories = append(histories, &history{s: s, source: &store.Source{Name: fmt.Sprint("source-", n)}})
	}
	for round := range 12 {
		for n, h := range histories {
			h.commit(t, 4+n, diff.JSON, newList(uint64(round*n), 20).body())
		}
	}
	for _, h := range histories {
		h.verify(t)
	}
}
