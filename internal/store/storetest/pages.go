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

var pageTests = map[string]func(*testing.T, Fresh){
	"pages of every number and size come back":  pageSizes,
	"pages survive a restart":                   pagesSurvive,
	"the next page may take a page's memory":    pageBuffers,
	"pages of a stale commit are not written":   stalePages,
	"of rivals with pages one wins":             rivalPages,
	"a page that cannot be read fails":          unreadablePage,
	"a context that ends between pages":         endsBetweenPages,
	"pages are read while their context lives":  pagesOfContext,
	"there is no page beyond the last":          noSuchPage,
	"a snapshot has a body or pages":            bodyOrPages,
	"pages of many sources at once":             manyPagers,
	"the last version is whole while one comes": wholeWhileStaging,
}

// bodies are pages in memory.
type bodies [][]byte

func (b bodies) Len() int                   { return len(b) }
func (b bodies) Page(i int) ([]byte, error) { return b[i], nil }

// reused are pages whose bodies are valid until the next call only.
type reused struct {
	bodies
	buffer []byte
}

func (r *reused) Page(i int) ([]byte, error) {
	for n := range r.buffer {
		r.buffer[n] = 'x'
	}
	r.buffer = append(r.buffer[:0], r.bodies[i]...)
	return r.buffer, nil
}

// hooked are pages that do something before one is read.
type hooked struct {
	bodies
	before func(i int) error
}

func (h hooked) Page(i int) ([]byte, error) {
	if err := h.before(i); err != nil {
		return nil, err
	}
	return h.bodies.Page(i)
}

// readPages reads the pages of a snapshot into memory, so that it can be compared.
func readPages(tb reporter, snap store.Snapshot) store.Snapshot {
	tb.Helper()
	if snap.Pages == nil {
		return snap
	}
	read := make(bodies, snap.Pages.Len())
	for i := range read {
		read[i] = bytes.Clone(must(snap.Pages.Page(i))(tb))
	}
	snap.Pages = read
	return snap
}

// split returns the pages of a list, so many items on each.
func (l *list) split(items int) [][]byte {
	var pages [][]byte
	for at := 0; at < len(l.items); at += items {
		page := list{items: l.items[at:min(at+items, len(l.items))]}
		pages = append(pages, page.body())
	}
	return pages
}

func noiseOf(seed byte, size int) []byte {
	noise := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(noise) // never fails
	return noise
}

func mustCommitPages(tb testing.TB, s store.Store, src *store.Source, keep int, pages ...[]byte) {
	tb.Helper()
	snap := &store.Snapshot{At: epoch, Format: diff.JSON, Pages: bodies(pages)}
	mustCommit(tb, s, &store.Commit{Source: src, Snapshot: snap, KeepSnapshots: keep})
}

func equalPages(tb reporter, s store.Store, source string, want ...[]byte) {
	tb.Helper()
	snap := must(s.Snapshot(tb.Context(), source))(tb)
	if snap.Pages == nil || snap.Body != nil {
		tb.Fatalf("a snapshot of %d pages came back as %+v", len(want), snap)
	}
	equal(tb, "pages of "+source, readPages(tb, snap).Pages, bodies(want))
}

func pageSizes(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	many := make([][]byte, 700)
	for n := range many {
		many[n] = fmt.Appendf(nil, `[{"id":%d}]`, n)
	}
	large := noiseOf(1, 3<<19) // more than is staged at a time
	for _, pages := range [][][]byte{
		{[]byte("1")},
		{[]byte("1"), []byte("2")},
		{[]byte("1"), nil, []byte("1")},
		many,
		{large[:511], large[:512], large, bytes.Repeat([]byte("a"), 511), bytes.Repeat([]byte("a"), 1<<20)},
		{large, large, large},
		many[:1],
	} {
		h.commitPages(t, 20, pages...)
		equalPages(t, h.s, "orders", pages...)
	}
	h.verify(t)
}

func pagesSurvive(t *testing.T, fresh Fresh) {
	open := fresh(t)
	h := &history{s: open(t), source: &store.Source{Name: "orders"}}
	l := newList(1, 100)
	for n := range 12 {
		l.change()
		h.commitPages(t, 5, l.split(30)...)
		if n%4 == 1 {
			noError(t, h.s.Close())
			h.s = open(t)
			h.verify(t)
		}
	}
	h.verify(t)
}

func pageBuffers(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := &store.Source{Name: "orders"}
	for n := range 3 {
		pages := newList(uint64(n), 60).split(20)
		snap := &store.Snapshot{At: epoch, Format: diff.JSON, Pages: &reused{bodies: pages}}
		mustCommit(t, s, &store.Commit{Source: src, Snapshot: snap, KeepSnapshots: 3})
		equalPages(t, s, "orders", pages...)
	}
}

func stalePages(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	h.commitPages(t, 9, newList(6, 40).split(10)...)
	h.commitPages(t, 9, newList(7, 40).split(10)...)
	for _, off := range []int64{-2, -1, 1, 2} {
		stale := *h.source
		stale.Version += off
		err := h.s.Commit(t.Context(), &store.Commit{
			Source: &stale, KeepSnapshots: 1, Events: []store.Event{change("orders")},
			Snapshot: &store.Snapshot{At: epoch, Format: diff.JSON, Pages: bodies(newList(8, 40).split(10))},
		})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("%+d: got %v, want ErrConflict", off, err)
		}
	}
	h.verify(t)
	equal(t, "events", len(must(h.s.Events(t.Context(), 0, 10))(t)), 0)
	if err := h.s.Commit(t.Context(), &store.Commit{
		Source:   &store.Source{Name: "new", Version: 3},
		Snapshot: &store.Snapshot{At: epoch, Format: diff.JSON, Pages: bodies{[]byte("1")}},
	}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a new source: got %v, want ErrConflict", err)
	}
}

// rivalPages lets another commit come while the pages of one are read.
func rivalPages(t *testing.T, fresh Fresh) {
	for name, winner := range map[string]func(h *history){
		"of one page": func(h *history) { h.commit(t, 1, diff.JSON, []byte("{}")) },
		"of pages":    func(h *history) { h.commitPages(t, 1, newList(9, 90).split(10)...) },
	} {
		h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
		pages := newList(8, 90).split(10)
		h.commitPages(t, 3, pages...)
		src := *h.source
		late := hooked{bodies: append(bodies{pages[0]}, newList(10, 80).split(10)...), before: func(i int) error {
			if i == 5 {
				winner(h)
			}
			return nil
		}}
		c := &store.Commit{
			Source: &src, KeepSnapshots: 3, Events: []store.Event{change("orders")},
			Snapshot: &store.Snapshot{At: epoch, Format: diff.JSON, Pages: late},
		}
		if err := h.s.Commit(t.Context(), c); !errors.Is(err, store.ErrConflict) {
			t.Errorf("against one %s: got %v, want ErrConflict", name, err)
		}
		h.verify(t)
		h.commitPages(t, 3, pages...)
		h.verify(t)
		equal(t, "events", len(must(h.s.Events(t.Context(), 0, 10))(t)), 0)
	}
}

func unreadablePage(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	why := errors.New("the spool is gone")
	for _, at := range []int{0, 3, 8} {
		before := *h.source
		broken := hooked{bodies: newList(uint64(at), 90).split(10), before: func(i int) error {
			if i == at {
				return why
			}
			return nil
		}}
		err := h.s.Commit(t.Context(), &store.Commit{
			Source: h.source, Events: []store.Event{change("orders")}, KeepSnapshots: 9,
			Snapshot: &store.Snapshot{At: epoch, Format: diff.JSON, Pages: broken},
		})
		if !errors.Is(err, why) {
			t.Errorf("page %d: got %v, want the reason", at, err)
		}
		equal(t, "source", *h.source, before)
		h.commitPages(t, 9, newList(uint64(at), 90).split(10)...)
		h.verify(t)
	}
	equal(t, "events", len(must(h.s.Events(t.Context(), 0, 10))(t)), 0)
}

func endsBetweenPages(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	h.commitPages(t, 9, newList(11, 40).split(10)...)
	why := errors.New("the poll was called off")
	ctx, cancel := context.WithCancelCause(t.Context())
	pages := hooked{bodies: newList(12, 90).split(10), before: func(i int) error {
		if i == 4 {
			cancel(why)
		}
		return nil
	}}
	err := h.s.Commit(ctx, &store.Commit{
		Source: h.source, KeepSnapshots: 9, Snapshot: &store.Snapshot{At: epoch, Format: diff.JSON, Pages: pages},
	})
	if !errors.Is(err, why) {
		t.Errorf("got %v, want the cause", err)
	}
	h.verify(t)
	h.commitPages(t, 9, newList(12, 90).split(10)...)
	h.verify(t)
}

func pagesOfContext(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	mustCommitPages(t, s, &store.Source{Name: "orders"}, 1, []byte("1"), []byte("2"))
	why := errors.New("the poll was called off")
	ctx, cancel := context.WithCancelCause(t.Context())
	snap := must(s.Snapshot(ctx, "orders"))(t)
	must(snap.Pages.Page(1))(t)
	cancel(why)
	if _, err := snap.Pages.Page(0); !errors.Is(err, why) {
		t.Errorf("got %v, want the cause", err)
	}
}

func noSuchPage(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	mustCommitPages(t, s, &store.Source{Name: "orders"}, 1, []byte("1"), []byte("2"))
	pages := must(s.Snapshot(t.Context(), "orders"))(t).Pages
	for _, i := range []int{-1, 2, 1 << 40} {
		if _, err := pages.Page(i); err == nil {
			t.Errorf("page %d of two was read", i)
		}
	}
}

func bodyOrPages(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	snap := &store.Snapshot{At: epoch, Format: diff.JSON, Body: []byte("1"), Pages: bodies{[]byte("1")}}
	if err := s.Commit(t.Context(), &store.Commit{Source: &store.Source{Name: "orders"}, Snapshot: snap}); err == nil {
		t.Error("a snapshot with both was committed")
	}
	if err := s.Commit(t.Context(), &store.Commit{Snapshot: &store.Snapshot{At: epoch, Pages: bodies{[]byte("1")}}}); err == nil {
		t.Error("pages without a source were committed")
	}
	equal(t, "sources", len(must(s.Sources(t.Context()))(t)), 0)
}

func manyPagers(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	var all sync.WaitGroup
	histories := make([]*history, 8)
	for n := range histories {
		h := &history{s: s, source: &store.Source{Name: fmt.Sprint("source-", n)}}
		histories[n] = h
		all.Go(func() {
			l := newList(uint64(n), 80)
			for range 10 {
				l.change()
				h.commitPages(t, 3, l.split(10+n)...)
			}
		})
	}
	all.Wait()
	for _, h := range histories {
		h.verify(t)
	}
	VerifyLog(t, s)
}

// wholeWhileStaging reads the last version before every page of the next one. Two of
// the large pages are more than is staged at a time.
func wholeWhileStaging(t *testing.T, fresh Fresh) {
	h := &history{s: fresh(t)(t), source: &store.Source{Name: "orders"}}
	const size = 600 << 10
	for n := range 3 {
		pages := bodies{noiseOf(byte(n), size), noiseOf(byte(n+9), size), []byte("the same"), noiseOf(byte(n+20), size)}
		snap := &store.Snapshot{At: epoch, Format: diff.JSON, Pages: hooked{bodies: pages, before: func(int) error {
			h.verify(t)
			return nil
		}}}
		mustCommit(t, h.s, &store.Commit{Source: h.source, Snapshot: snap, KeepSnapshots: 2})
		snap.Pages = pages
		h.kept = append(h.kept, *snap)
		h.kept = h.kept[max(0, len(h.kept)-2):]
		h.verify(t)
	}
}
