package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
)

var pageHistoryTests = map[string]func(*testing.T, Fresh){
	"every kept version has its own pages":    pageHistory,
	"one page becomes many and back":          oneToMany,
	"pages are kept through changes of keep":  keepPages,
	"a page that did not change is kept once": samePage,
	"a history of pages is small":             smallPages,
	"a renamed source keeps its pages":        renamePages,
	"pages are read while new ones come":      readWhileCommitting,
}

func pageHistory(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	l := newList(2, 200)
	for n := range 50 {
		for range n % 4 {
			l.change()
		}
		h.commitPages(t, 20, l.split(20+n%3)...)
	}
	h.verify(t)
}

func oneToMany(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	l := newList(3, 60)
	random := rand.New(rand.NewPCG(3, 7))
	for range 40 {
		l.change()
		if random.IntN(2) == 0 {
			h.commit(t, 12, diff.JSON, l.body())
		} else {
			h.commitPages(t, 12, l.split(1+random.IntN(40))...)
		}
		last := h.kept[len(h.kept)-1]
		equal(t, "last", readPages(t, must(h.s.Snapshot(t.Context(), "orders"))(t)), last)
	}
	h.verify(t)
}

func keepPages(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	l := newList(4, 90)
	for _, keep := range []int{20, 3, 20, 1, 2, 100} {
		for range 8 {
			l.change()
			h.commitPages(t, keep, l.split(15)...)
		}
		h.verify(t)
	}
}

func samePage(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := &store.Source{Name: "orders"}
	a, b, c := noiseOf(1, 5000), noiseOf(2, 5000), noiseOf(3, 5000)
	mustCommitPages(t, s, src, 9, a, a, b)
	mustCommitPages(t, s, src, 9, a, c, b)
	mustCommitPages(t, s, src, 9, a, a, b)
	mustCommitPages(t, s, src, 9, a, a, b)
	var all int64
	for _, v := range must(s.Snapshots(t.Context(), "orders"))(t) {
		all += v.Stored
	}
	if all > 5*5500 {
		t.Errorf("%d bytes for five pages of 5000", all)
	}
	for version, middle := range map[int64][]byte{1: a, 2: c, 3: a, 4: a} {
		snap := readPages(t, must(s.SnapshotAt(t.Context(), "orders", version))(t))
		equal(t, fmt.Sprint("version ", version), snap.Pages, bodies{a, middle, b})
	}
}

// smallPages holds engines to it that pages of older versions are kept as differences.
func smallPages(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	l := newList(5, 1000)
	for range 20 {
		for range 3 {
			l.items[l.random.IntN(len(l.items))] = l.item()
		}
		h.commitPages(t, 20, l.split(100)...)
	}
	h.verify(t)
	versions := must(h.s.Snapshots(t.Context(), "orders"))(t)
	for _, v := range versions[:19] {
		if v.Stored > versions[19].Stored/20 {
			t.Errorf("version %d takes %d bytes, the whole last one %d", v.Number, v.Stored, versions[19].Stored)
		}
	}
}

func renamePages(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "old"}}
	l := newList(13, 60)
	for n := range 8 {
		if n == 4 {
			noError(t, h.s.Rename(t.Context(), "old", "new"))
			h.source.Name = "new"
		}
		l.change()
		h.commitPages(t, 6, l.split(10)...)
		h.verify(t)
	}
}

func readWhileCommitting(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	const versions = 40
	l := newList(14, 60)
	answers := make([]bodies, versions+1) // by version
	for n := range versions {
		l.change()
		answers[n+1] = l.split(15)
	}
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for reader := range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				read := func() (store.Snapshot, error) { return s.Snapshot(t.Context(), "orders") }
				if kept, err := s.Snapshots(t.Context(), "orders"); reader == 1 && err == nil && len(kept) > 0 {
					read = func() (store.Snapshot, error) { return s.SnapshotAt(t.Context(), "orders", kept[0].Number) }
				}
				snap, err := read()
				for i := 0; err == nil && i < snap.Pages.Len(); i++ {
					var body []byte
					if body, err = snap.Pages.Page(i); err == nil && !bytes.Equal(body, answers[snap.Version][i]) {
						err = fmt.Errorf("page %d of version %d is another", i, snap.Version)
					}
				}
				if err != nil && !errors.Is(err, store.ErrNotFound) { // it may go in between
					t.Error(err)
					return
				}
			}
		})
	}
	src := &store.Source{Name: "orders"}
	for _, pages := range answers[1:] {
		mustCommitPages(t, s, src, 4, pages...)
	}
	stop()
	all.Wait()
}
