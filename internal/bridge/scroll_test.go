package bridge

import (
	"testing"

	"github.com/pollwire/pollwire/diff"
)

func newest() Source {
	s := list()
	s.Window = Newest
	s.MaxRemoved = MaxRemoved{} // says nothing about such a list
	return s
}

// departed are the keys of 1 to 4 that have left.
func (r *rig) departed() string {
	r.t.Helper()
	rows, err := r.store.Departed(r.t.Context(), "shop", []string{"1", "2", "3", "4"})
	if err != nil {
		r.t.Fatalf("read departed: %v", err)
	}
	keys := ""
	for _, row := range rows {
		keys += row.Key
	}
	return keys
}

// TestNewestItems lets items scroll out and come back, on both sides of a restart.
func TestNewestItems(t *testing.T) {
	t.Parallel()
	r := newRig(t, newest())
	for i, step := range []struct {
		body     string
		told     []string
		departed string
	}{
		{`{"data":[{"id":2,"v":1},{"id":1,"v":1}]}`, nil, ""},
		// 1 leaves as 3 comes: nothing is deleted.
		{`{"data":[{"id":3,"v":1},{"id":2,"v":1}]}`, []string{"created 3"}, "1"},
		// 1 comes back as it was, which is nothing new, while 4 comes.
		{`{"data":[{"id":4,"v":1},{"id":1,"v":1,"noise":7}]}`, []string{"created 4"}, "23"},
		// 3 comes back changed.
		{`{"data":[{"id":3,"v":2},{"id":4,"v":1}]}`, []string{"updated 3"}, "12"},
		// It leaves and comes back a second time, unchanged and then changed.
		{`{"data":[{"id":4,"v":2}]}`, []string{"updated 4"}, "123"},
		{`{"data":[{"id":3,"v":2},{"id":4,"v":2}]}`, nil, "123"},
		{`{"data":[{"id":3,"v":3},{"id":4,"v":2}]}`, []string{"updated 3"}, "12"},
		// Everything leaves: there is nothing to tell, and nothing to write.
		{`{"data":[]}`, nil, "12"},
		{`{"data":[{"id":2,"v":1},{"id":3,"v":4}]}`, []string{"updated 3"}, "14"},
	} {
		if i%2 == 0 {
			r.restart()
		}
		r.wantStory(r.mustPoll(step.body), step.told...)
		if got := r.departed(); got != step.departed {
			t.Errorf("step %d: departed %q, want %q", i, got, step.departed)
		}
	}
}

// TestReturnedItemChains: before is what was told last, however long ago.
func TestReturnedItemChains(t *testing.T) {
	t.Parallel()
	r := newRig(t, newest())
	r.mustPoll(`{"data":[{"id":1,"v":1}]}`)
	first := dataOf(r.mustPoll(`{"data":[{"id":1,"v":2}]}`)[0])
	r.mustPoll(`{"data":[{"id":2}]}`)
	r.mustPoll(`{"data":[{"id":3}]}`)
	events := r.mustPoll(`{"data":[{"id":1,"v":3}]}`)
	r.wantStory(events, "updated 1")
	if d := dataOf(events[0]); string(d.Before) != string(first.After) || d.PreviousHash != first.Hash {
		t.Errorf("data %s", events[0].Data)
	}
}

// TestNothingIsWrittenForWhatOnlyLeaves, so that a list which shrinks and grows
// by the same items costs nothing.
func TestNothingIsWrittenForWhatOnlyLeaves(t *testing.T) {
	t.Parallel()
	r := newRig(t, newest())
	r.mustPoll(items(1, 4))
	stored, commits := r.row(), r.store.commits
	for _, body := range []string{items(2, 4), items(3, 3), items(1, 4), `{"data":[]}`} {
		r.wantStory(r.mustPoll(body))
	}
	if r.store.commits != commits || r.row() != stored {
		t.Errorf("%d commits, row %+v", r.store.commits-commits, r.row())
	}
}

// TestDepartedItemThatDoesNotFitEditedRules must not fail every poll from then on.
func TestDepartedItemThatDoesNotFitEditedRules(t *testing.T) {
	t.Parallel()
	r := newRig(t, newest())
	r.mustPoll(`{"data":[{"id":1,"v":"[1,"}]}`)
	r.mustPoll(`{"data":[{"id":2,"v":"[1]"}]}`)
	r.news()
	r.source.Rules = rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Select: "v.@fromstr"})
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":"[1]"},{"id":2,"v":"[1]"}]}`), "source.rebaselined")
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":"[2]"},{"id":2,"v":"[1]"}]}`), "updated 1")
}
