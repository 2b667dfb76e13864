package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// TestFilterOverPages: what leaves it is deleted, and counts for no removal;
// min_items counts before it.
func TestFilterOverPages(t *testing.T) {
	t.Parallel()
	s := filtered(list(), `item.v != "draft"`)
	s.MinItems, s.MaxRemoved = 4, MaxRemoved{}
	r := newRig(t, s)
	r.mustPollPages(nil, page("1=a", "2=a"), page("3=draft", "4=a"))
	r.mustPollPages(tells("created 3", "deleted 1"), page("1=draft", "2=a"), page("3=a", "4=a"))
	var count *CountError
	if err := r.pollPages(page("1=a"), page("2=a", "3=a")); !errors.As(err, &count) || count.Got != 3 {
		t.Errorf("error %v", err)
	}
	// Another filter is first applied to the stored pages.
	r.source = filtered(list(), `item.v == "draft"`)
	r.restart()
	r.mustPollPages(tells("deleted 1"), page("1=a", "2=a"), page("3=a", "4=a"))
}

// TestEditedRulesAreAppliedToStoredPages, so that only what really changed since
// is told.
func TestEditedRulesAreAppliedToStoredPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPollPages(nil, page("1=a", "2=a"), page("3=a"))
	r.source.Rules = rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Select: "v"})
	r.restart()
	if r.polled != (poller.State{}) {
		t.Errorf("state %+v goes on under other rules", r.polled)
	}
	r.mustPollPages(nil, page("1=a", "2=a"), page("3=a"))
	r.mustPollPages(tells("updated 3"), page("1=a", "2=a"), page("3=b"))
	// Rules that the stored pages do not fit are another start.
	r.source.Rules = rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"n"}}})
	r.restart()
	r.mustPollPages(tells("source.rebaselined"), `{"data":[{"n":1}]}`, `{"data":[{"n":2}]}`)
	// So are those of no list.
	r.source.Items, r.source.Rules = false, rules(diff.Options{})
	r.restart()
	if err := r.pollPages(`{"data":[{"n":1}]}`, `{"data":[{"n":3}]}`); !errors.Is(err, errPagesOfDocument) {
		t.Errorf("error %v", err)
	}
	r.mustPollPages(tells("source.rebaselined"), `{"data":[{"n":1}]}`)
	r.mustPollPages(tells("updated "), `{"data":[{"n":2}]}`)
}

// TestAbsenceFromPagesIsSeenTwice before it is told, on both sides of a restart.
func TestAbsenceFromPagesIsSeenTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.doubt = true
	r.mustPollPages(nil, page("1=a", "2=a"), page("3=a", "4=a"))
	r.mustPollPages(tells("updated 4"), page("1=a"), page("3=a", "4=b"))
	if away := r.departed(); away != "2" || r.polled != (poller.State{}) {
		t.Errorf("away %q, state %+v", away, r.polled)
	}
	r.restart()
	r.mustPollPages(tells("deleted 2"), page("1=a"), page("3=a", "4=b"))
	r.mustPollPages(nil, page("1=a"), page("4=b"))
	r.mustPollPages(tells("updated 3"), page("1=a"), page("3=b", "4=b"))
	// Looked for on one page only, which all of it has become.
	r.mustPollPages(nil, page("1=a", "4=b"))
	r.mustPollPages(tells("deleted 3"), page("1=a"), page("4=b"))

	// What is there again behind its filter says so.
	r = newRig(t, filtered(list(), `item.v != "draft"`))
	r.doubt = true
	r.mustPollPages(nil, page("1=a", "2=a"), page("3=a"))
	r.mustPollPages(nil, page("1=a"), page("3=a"))
	if err := r.pollPages(page("1=a"), page("2=draft", "3=a")); err != nil {
		t.Fatal(err)
	}
	events := r.news()
	r.wantStory(events, "deleted 2")
	if !strings.Contains(string(events[0].Data), `"filtered"`) {
		t.Errorf("data %s", events[0].Data)
	}
}

// TestPagesThatScroll: what leaves them stays known, a gap between two looks is
// told, and so is one in an answer that was cut.
func TestPagesThatScroll(t *testing.T) {
	t.Parallel()
	r := newRig(t, newest())
	r.mustPollPages(nil, page("4=a", "3=a"), page("2=a", "1=a"))
	r.mustPollPages(tells("created 5"), page("5=a", "4=a"), page("3=a"))
	r.mustPollPages(tells("updated 1"), page("5=a", "4=a"), page("1=b"))
	r.mustPollPages(tells("created 9", "created 8", "created 7", "source.gap"), page("9=a", "8=a"), page("7=a"))
	r.mustPollPages(tells("created 12", "created 11"), page("12=a"), page("11=a"))
	o, of := r.answer("application/json", page("22=a"), page("21=a"))
	o.Cut = true
	if err := r.take(o, of); err != nil {
		t.Fatal(err)
	}
	r.wantStory(r.news(), "created 22", "created 21", "source.gap")
	o, of = r.answer("application/json", page("31=a"))
	o.Cut = true // of fewer items than before, but there were more
	if err := r.take(o, of); err != nil {
		t.Fatal(err)
	}
	r.wantStory(r.news(), "created 31", "source.gap")

	s := newest()
	s.Incremental = true
	r = newRig(t, s)
	r.mustPollPages(nil, page("1=a"), page("2=a"))
	r.mustPollPages(tells("created 3", "created 4", "updated 1"), page("3=a"), page("4=a", "1=b"))
	r.mustPollPages(nil, page())
	r.mustPollPages(tells("updated 2"), page("2=b"), page("3=a"))

	s = list()
	s.Seen, s.MaxRemoved = true, MaxRemoved{}
	r = newRig(t, s)
	r.mustPollPages(nil, page("1=a"), page("2=a"))
	r.mustPollPages(tells("created 3"), page("3=a"), page("2=a"))
	r.mustPollPages(tells("updated 1"), page("3=a"), page("1=b"))
}

// TestPreviewOfPages says what an observation of them would come to.
func TestPreviewOfPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPollPages(nil, page("1=a"), page("2=a"))
	o, _ := r.answer("application/json", page("1=b"), page("2=a", "3=a"))
	preview, err := r.bridge.Preview(t.Context(), o)
	if err != nil || preview.Outcome != Changed || len(preview.Events) != 2 {
		t.Errorf("preview %+v: %v", preview, err)
	}
	r.mustPollPages(tells("updated 1", "created 3"), page("1=b"), page("2=a", "3=a"))
}

// brokenPages are stored pages that cannot be read.
type brokenPages struct{ diff.Pages }

func (brokenPages) Page(int) ([]byte, error) { return nil, errDisk }

// brokenStore has only such ones.
type brokenStore struct{ Store }

func (s brokenStore) Snapshot(ctx context.Context, source string) (store.Snapshot, error) {
	snap, err := s.Store.Snapshot(ctx, source)
	snap.Pages = brokenPages{snap.Pages}
	return snap, err
}

// TestStoredPagesThatCannotBeRead are the store's fault, and no reason to start
// anew.
func TestStoredPagesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPollPages(nil, page("1=a"), page("2=a"))
	row, whole := r.row(), r.bridge.store
	r.bridge.store = brokenStore{whole}
	for _, pages := range [][]string{{page("1=a"), page("2=b")}, {page("1=a")}} {
		var storeErr *StoreError
		err := r.pollPages(pages...)
		if !errors.As(err, &storeErr) || !errors.Is(err, errDisk) || errors.Is(err, diff.ErrBefore) {
			t.Errorf("error %v", err)
		}
	}
	if d := cmp.Diff(row, r.row()); d != "" {
		t.Errorf("row (-before +after):\n%s", d)
	}
	r.bridge.store = whole
	r.mustPollPages(tells("updated 2"), page("1=a"), page("2=b"))
}

// TestSpoolThatFails is a failure of the poll, at whichever read it does so: of
// the format, the comparison, or the commit.
func TestSpoolThatFails(t *testing.T) {
	t.Parallel()
	s := list()
	s.FailureThreshold = 1
	for _, known := range []bool{false, true} {
		passed := false
		for broken := 1; !passed; broken++ {
			t.Run(fmt.Sprint(known, broken), func(t *testing.T) {
				r := newRig(t, s)
				if known {
					r.mustPollPages(nil, page("1=a"), page("2=a"))
				}
				row := r.row()
				o, of := r.answer("", page("1=b"), page("2=a"))
				of.broken = broken
				err := r.take(o, of)
				if passed = err == nil; passed {
					return
				}
				var storeErr *StoreError
				if !errors.Is(err, errSpool) || errors.As(err, &storeErr) {
					t.Errorf("error %v", err)
				}
				if d := cmp.Diff(row, r.row()); d != "" {
					t.Errorf("row (-before +after):\n%s", d)
				}
				r.bridge.Fail(t.Context(), "shop", err)
				r.wantStory(r.news(), "source.failing")
				story := tells("source.recovered")
				if known {
					story = tells("updated 1", "source.recovered")
				}
				r.mustPollPages(story, page("1=b"), page("2=a"))
			})
			if broken > 20 {
				t.Fatal("it is read for ever")
			}
		}
	}
}

// TestRoomOfPages: one page of each is in memory at a time.
func TestRoomOfPages(t *testing.T) {
	t.Parallel()
	if got := size(&poller.Observation{Body: make([]byte, 7)}); got != 7 {
		t.Errorf("a body of 7 takes %d", got)
	}
	if got := size(&poller.Observation{Pages: &testPages{}, Largest: 7}); got != 14 {
		t.Errorf("pages of up to 7 take %d", got)
	}
}
