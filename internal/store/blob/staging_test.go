package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob/blobtest"
)

// bodies are pages in memory; before one is read, hook is called.
type bodies struct {
	all  [][]byte
	hook func(i int) error
}

var _ diff.Pages = bodies{}

func (b bodies) Len() int { return len(b.all) }

func (b bodies) Page(i int) ([]byte, error) {
	if b.hook != nil {
		if err := b.hook(i); err != nil {
			return nil, err
		}
	}
	return b.all[i], nil
}

// pageLog is an engine that remembers what is written.
type pageLog struct {
	last int64
	// most is what was said of how many numbers may be asked for.
	most   []int
	writes [][]StagedPage
	fail   error
}

var _ PageWriter = (*pageLog)(nil)

func (l *pageLog) NumberPage(_ context.Context, most int) (int64, error) {
	l.last++
	l.most = append(l.most, most)
	return l.last, nil
}

func (l *pageLog) WritePages(_ context.Context, pages []StagedPage, size int) error {
	want := 0
	for i := range pages {
		want += len(pages[i].Blob) + 256
	}
	if size != want {
		return errors.New("another size than that of the pages")
	}
	l.writes = append(l.writes, pages)
	return l.fail
}

// stageOf packs a commit of pages and stages them after those of the last version.
func stageOf(ctx context.Context, tb testing.TB, to PageWriter, keep int, pages diff.Pages, last ...PageRef) (*Commit, error) {
	tb.Helper()
	c := mustCodec(tb)
	from := &store.Commit{
		Source:   &store.Source{Name: "orders"},
		Snapshot: &store.Snapshot{Format: diff.JSON, Pages: pages}, KeepSnapshots: keep,
	}
	r, err := c.Pack(tb.Context(), from, from.Snapshot.At, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return r, r.Stage(ctx, c, from, func(context.Context, *store.Source) ([]PageRef, error) { return last, nil }, to)
}

func refOf(id, generation int64, body string) PageRef {
	return PageRef{ID: id, Generation: generation, Hash: sha256.Sum256([]byte(body))}
}

// TestStage takes the pages that are the same, and gives the others a generation.
func TestStage(t *testing.T) {
	t.Parallel()
	pages := bodies{all: [][]byte{[]byte("same"), []byte("new"), []byte("whole"), []byte("unknown"), []byte("more")}}
	last := []PageRef{refOf(3, 9, "same"), refOf(4, 1, "old"), refOf(5, WholeEvery-1, "old"), {}}
	for _, test := range []struct {
		name     string
		keep     int
		replaced []Replacement
	}{
		{"history", 2, []Replacement{{Older: 4, Newer: 21}}},
		{"the last version goes", 1, nil},
	} {
		to := &pageLog{last: 20}
		before := slices.Clone(last)
		r, err := stageOf(t.Context(), t, to, test.keep, pages, before...)
		if err != nil {
			t.Fatal(err)
		}
		st := r.Staging
		if want := []int64{3, 21, 22, 23, 24}; !slices.Equal(st.IDs, want) || !slices.Equal(st.Staged, want[1:]) {
			t.Errorf("%s: pages %v, of which %v are staged", test.name, st.IDs, st.Staged)
		}
		if !slices.Equal(st.Replaced, test.replaced) {
			t.Errorf("%s: replaced %v, want %v", test.name, st.Replaced, test.replaced)
		}
		if r.Snapshot.Encoding != Listed || !bytes.Equal(r.Snapshot.Blob, EncodePages(st.IDs)) {
			t.Errorf("%s: the snapshot is %v in encoding %d", test.name, r.Snapshot.Blob, r.Snapshot.Encoding)
		}
		if !slices.Equal(to.most, []int{4, 3, 2, 1}) {
			t.Errorf("%s: up to %v numbers are asked for", test.name, to.most)
		}
		want := []PageRef{refOf(21, 2, "new"), refOf(22, WholeEvery, "whole"), refOf(23, 0, "unknown"), refOf(24, 0, "more")}
		if len(to.writes) != 1 || len(to.writes[0]) != len(want) {
			t.Fatalf("%s: wrote %v", test.name, to.writes)
		}
		for i, page := range to.writes[0] {
			if page.PageRef != want[i] || page.Encoding != Plain || sha256.Sum256(page.Blob) != want[i].Hash {
				t.Errorf("%s: wrote %+v, want %+v", test.name, page, want[i])
			}
		}
	}
}

// TestStageInParts writes about StageBytes at a time, in memory that it does not use again.
func TestStageInParts(t *testing.T) {
	t.Parallel()
	var pages bodies
	for n := range 5 {
		pages.all = append(pages.all, blobtest.Noise(byte(n), StageBytes/2))
	}
	to := &pageLog{}
	if _, err := stageOf(t.Context(), t, to, 2, pages); err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, want := range []int{2, 2, 1} {
		if i >= len(to.writes) || len(to.writes[i]) != want {
			t.Fatalf("wrote %d parts, part %d is not of %d pages", len(to.writes), i, want)
		}
		for _, page := range to.writes[i] {
			if !bytes.Equal(page.Blob, pages.all[n]) {
				t.Errorf("page %d has changed", n)
			}
			n++
		}
	}
	full := &pageLog{fail: store.ErrFull}
	r, err := stageOf(t.Context(), t, full, 2, pages)
	if !errors.Is(err, store.ErrFull) || len(full.writes) != 1 || !slices.Equal(r.Staging.Staged, []int64{1, 2}) {
		t.Errorf("a full disk: %v after %d parts, staged %v", err, len(full.writes), r.Staging.Staged)
	}
}

// TestStageFails leaves in the commit what was staged, for the one who removes it.
func TestStageFails(t *testing.T) {
	t.Parallel()
	why := errors.New("the poll was called off")
	all := [][]byte{blobtest.Noise(1, StageBytes), []byte("2"), []byte("3")}
	ctx, cancel := context.WithCancelCause(t.Context())
	for name, hook := range map[string]func(i int) error{
		"a page that cannot be read": func(i int) error {
			if i == 2 {
				return why
			}
			return nil
		},
		"a context that ends": func(i int) error {
			if i == 1 {
				cancel(why)
			}
			return nil
		},
	} {
		within := t.Context()
		if name == "a context that ends" {
			within = ctx
		}
		to := &pageLog{}
		r, err := stageOf(within, t, to, 2, bodies{all, hook})
		if !errors.Is(err, why) || !slices.Equal(r.Staging.Staged, []int64{1, 2}) || len(to.writes) != 1 {
			t.Errorf("%s: %v, staged %v in %d parts", name, err, r.Staging.Staged, len(to.writes))
		}
		if r.Snapshot.Encoding == Listed {
			t.Errorf("%s: the snapshot lists pages", name)
		}
	}
}

// TestStageStale reads no page where the last version is another, nor where there are none.
func TestStageStale(t *testing.T) {
	t.Parallel()
	c, to := mustCodec(t), &pageLog{}
	unread := bodies{[][]byte{nil}, func(int) error { t.Error("a page was read"); return nil }}
	conflict := func(context.Context, *store.Source) ([]PageRef, error) { return nil, store.ErrConflict }
	r := &Commit{Snapshot: &Row{}}
	if err := r.Stage(t.Context(), c, &store.Commit{Snapshot: &store.Snapshot{Pages: unread}}, conflict, to); !errors.Is(err, store.ErrConflict) || r.Staging == nil {
		t.Errorf("stale: %v, staging %v", err, r.Staging)
	}
	for name, from := range map[string]*store.Commit{"no snapshot": {}, "one body": {Snapshot: &store.Snapshot{Body: []byte("1")}}} {
		r := &Commit{}
		if err := r.Stage(t.Context(), c, from, conflict, to); err != nil || r.Staging != nil {
			t.Errorf("%s: %v, staging %v", name, err, r.Staging)
		}
	}
	if to.last != 0 || to.writes != nil {
		t.Error("something was written")
	}
}
