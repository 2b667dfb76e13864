package bridge

import (
	"errors"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/poller"
)

// doubtful is a rig whose answers are doubtful, of which four items are known.
func doubtful(t *testing.T, s Source) *rig {
	t.Helper()
	r := newRig(t, s)
	r.doubt = true
	r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1},{"id":3,"v":1},{"id":4,"v":1}]}`)
	return r
}

// TestAbsenceIsSeenTwice before it is told, on both sides of a restart.
func TestAbsenceIsSeenTwice(t *testing.T) {
	t.Parallel()
	r := doubtful(t, list())
	for i, step := range []struct {
		body string
		told []string
		away string
	}{
		{`{"data":[{"id":1,"v":1},{"id":2,"v":1},{"id":4,"v":1}]}`, nil, "3"},
		// The same answer again.
		{`{"data":[{"id":1,"v":1},{"id":2,"v":1},{"id":4,"v":1}]}`, []string{"deleted 3"}, ""},
		// 3 is a new one then.
		{`{"data":[{"id":1,"v":1},{"id":2,"v":1},{"id":3,"v":1},{"id":4,"v":1}]}`, []string{"created 3"}, ""},
		// 2 was skipped, while something else changed.
		{`{"data":[{"id":1,"v":2},{"id":3,"v":1},{"id":4,"v":1}]}`, []string{"updated 1"}, "2"},
		{`{"data":[{"id":1,"v":2},{"id":2,"v":1},{"id":3,"v":1},{"id":4,"v":1}]}`, nil, ""},
		// Skipped, and changed when it is there again, while another is skipped.
		{`{"data":[{"id":1,"v":2},{"id":2,"v":1},{"id":3,"v":1}]}`, nil, "4"},
		{`{"data":[{"id":1,"v":2},{"id":3,"v":1},{"id":4,"v":2}]}`, []string{"updated 4"}, "2"},
		{`{"data":[{"id":5,"v":1},{"id":1,"v":2},{"id":4,"v":2}]}`, []string{"created 5", "deleted 2"}, "3"},
		{`{"data":[{"id":5,"v":1},{"id":1,"v":2},{"id":4,"v":2},{"id":6,"v":1}]}`, []string{"created 6", "deleted 3"}, ""},
		{`{"data":[{"id":5,"v":1},{"id":1,"v":2},{"id":4,"v":2},{"id":6,"v":1}]}`, nil, ""},
	} {
		if i%2 == 1 {
			r.restart()
		}
		r.wantStory(r.mustPoll(step.body), step.told...)
		if got := r.departed(); got != step.away {
			t.Errorf("step %d: away %q, want %q", i, got, step.away)
		}
		// While something is missing the whole answer must be asked for again.
		if missing := step.away != ""; missing != (r.polled == poller.State{}) || missing != (r.row().State == poller.State{}) {
			t.Errorf("step %d: state %+v, saved %+v", i, r.polled, r.row().State)
		}
	}
}

// TestMissingItemChains: what is told of it later goes on from what was told.
func TestMissingItemChains(t *testing.T) {
	t.Parallel()
	r := doubtful(t, list())
	first := dataOf(r.mustPoll(`{"data":[{"id":1,"v":2},{"id":2,"v":1},{"id":3,"v":1},{"id":4,"v":1}]}`)[0])
	r.wantStory(r.mustPoll(`{"data":[{"id":2,"v":1},{"id":3,"v":1},{"id":4,"v":1}]}`))
	events := r.mustPoll(`{"data":[{"id":2,"v":1},{"id":3,"v":1},{"id":4,"v":1}]}`)
	r.wantStory(events, "deleted 1")
	if d := dataOf(events[0]); string(d.Before) != string(first.After) || d.PreviousHash != first.Hash || d.Hash != "" {
		t.Errorf("data %s", events[0].Data)
	}
}

// TestPollsThatFailAreNoSecondLook.
func TestPollsThatFailAreNoSecondLook(t *testing.T) {
	t.Parallel()
	r := doubtful(t, list())
	without := `{"data":[{"id":1,"v":1},{"id":2,"v":1},{"id":4,"v":1}]}`
	r.wantStory(r.mustPoll(without))
	if err := r.poll(`{"data":[`); err == nil {
		t.Fatal("half an answer was accepted")
	}
	r.bridge.Fail(t.Context(), "shop", errUpstream)
	r.store.before = 1
	if err := r.poll(without); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	if got := r.departed(); got != "3" {
		t.Errorf("away %q", got)
	}
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1},{"id":3,"v":1},{"id":4,"v":1}]}`))
}

// TestMissingInACommitThatHappened though its write ended with an error.
func TestMissingInACommitThatHappened(t *testing.T) {
	t.Parallel()
	r := doubtful(t, list())
	r.store.after = 1
	without := `{"data":[{"id":1,"v":1},{"id":2,"v":1},{"id":4,"v":1}]}`
	if err := r.poll(without); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	r.wantStory(r.mustPoll(without), "deleted 3")
	r.wantStory(r.mustPoll(without))
}

// TestMassAbsenceFailsAtTheFirstLook, until it is accepted; then it is looked at
// a second time like any other.
func TestMassAbsenceFailsAtTheFirstLook(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.doubt = true
	r.mustPoll(items(1, 10))
	var removal *RemovalError
	if err := r.poll(items(1, 3)); !errors.As(err, &removal) || removal.Removed != 7 {
		t.Fatal(err)
	}
	if err := r.bridge.AcceptRemoval(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	r.wantStory(r.mustPoll(items(1, 3)))
	if r.row().AcceptRemoval {
		t.Error("the acceptance is still there")
	}
	if got := len(r.mustPoll(items(1, 3))); got != 7 {
		t.Errorf("%d events", got)
	}
}

// TestDoubtThatEnds: paged in another way, one look is enough.
func TestDoubtThatEnds(t *testing.T) {
	t.Parallel()
	r := doubtful(t, list())
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1},{"id":4,"v":1}]}`))
	r.doubt = false
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1}]}`), "deleted 4", "deleted 3")
}

// TestListThatWasOneOfNewestItems: what scrolled out of it long ago is not told
// deleted when it becomes complete, and is not new when it comes back.
func TestListThatWasOneOfNewestItems(t *testing.T) {
	t.Parallel()
	r := newRig(t, newest())
	r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1}]}`)
	r.wantStory(r.mustPoll(`{"data":[{"id":2,"v":1},{"id":3,"v":1}]}`), "created 3")
	r.wantStory(r.mustPoll(`{"data":[{"id":2,"v":1},{"id":3,"v":2}]}`), "updated 3")
	r.source.Window, r.source.MaxRemoved = Complete, list().MaxRemoved
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":3,"v":3}]}`), "updated 3", "deleted 2")
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":2},{"id":3,"v":3}]}`), "updated 1")
	r.wantStory(r.mustPoll(`{"data":[{"id":3,"v":3}]}`), "deleted 1")
}

// TestAnotherRequestForgetsWhatLeft: the items of one list are not those of
// another.
func TestAnotherRequestForgetsWhatLeft(t *testing.T) {
	t.Parallel()
	for _, window := range []Window{Complete, Newest} {
		s := list()
		s.Window = window
		r := doubtful(t, s)
		r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1},{"id":4,"v":2},{"id":5,"v":1}]}`)
		r.source.RequestKey = "another"
		r.restart()
		r.news()
		r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":7}]}`), "source.rebaselined")
		if got := r.departed(); got != "" {
			t.Errorf("%s: away %q", window, got)
		}
		r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":7},{"id":3,"v":7}]}`), "created 3")
	}
}

// TestMissingItemThatDoesNotFitEditedRules must not fail every poll from then on.
func TestMissingItemThatDoesNotFitEditedRules(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.doubt = true
	r.mustPoll(`{"data":[{"id":1,"v":"[1,"},{"id":2,"v":"[1]"}]}`)
	r.mustPoll(`{"data":[{"id":2,"v":"[1]"}]}`)
	r.source.Rules = rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Select: "v.@fromstr"})
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":2,"v":"[1]"}]}`), "source.rebaselined")
	r.wantStory(r.mustPoll(`{"data":[{"id":2,"v":"[2]"}]}`), "updated 2")
}

// TestUnreadableDepartures fail the poll, and nothing is decided without them.
func TestUnreadableDepartures(t *testing.T) {
	t.Parallel()
	r := doubtful(t, list())
	r.restart()
	r.store.unreadable = errDisk
	var storeErr *StoreError
	if err := r.poll(strings.Replace(items(1, 4), "1}", "1,\"v\":2}", 1)); !errors.As(err, &storeErr) {
		t.Error(err)
	}
}
