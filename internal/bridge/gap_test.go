package bridge

import (
	"strings"
	"testing"

	"github.com/pollwire/pollwire/notify"
)

// TestGapIsToldOnce, beside the items between which it is.
func TestGapIsToldOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, newest())
	r.mustPoll(items(1, 3))
	r.wantStory(r.mustPoll(items(2, 4)), "created 4")
	events := r.mustPoll(items(7, 9))
	r.wantStory(events, "created 7", "created 8", "created 9", "source.gap")
	gap := events[3]
	d := dataOf(gap)
	if !gap.Alert || gap.Sequence != 0 || d.Name != "shop" || d.Count != 3 || d.Since.IsZero() || d.Reason == "" {
		t.Errorf("gap %+v: %s", gap, gap.Data)
	}
	if len(r.waiting("ops")) != 1 || len(r.waiting("you")) != 4 {
		t.Errorf("ops %v, you %v", r.waiting("ops"), r.waiting("you"))
	}
	r.wantStory(r.mustPoll(items(7, 9)))
	r.restart()
	r.wantStory(r.mustPoll(items(8, 10)), "created 10")
	r.wantStory(r.mustPoll(items(11, 13)), "created 11", "created 12", "created 13", "source.gap")
}

// TestWhatIsNoGap: a list that has become shorter, one that was empty, one that
// knows an item of long ago, and lists that do not scroll.
func TestWhatIsNoGap(t *testing.T) {
	t.Parallel()
	r := newRig(t, newest())
	r.mustPoll(`{"data":[]}`)
	r.wantStory(r.mustPoll(items(1, 2)), "created 1", "created 2")
	r.wantStory(r.mustPoll(items(3, 3)), "created 3")
	r.wantStory(r.mustPoll(`{"data":[{"id":4},{"id":1}]}`), "created 4")

	s := newest()
	s.Incremental = true
	r = newRig(t, s)
	r.mustPoll(items(1, 2))
	r.wantStory(r.mustPoll(items(3, 4)), "created 3", "created 4")

	s = list()
	s.Seen = true
	r = newRig(t, s)
	r.mustPoll(items(1, 2))
	r.wantStory(r.mustPoll(items(3, 4)), "created 3", "created 4")
}

// TestGapOfPagesThatWerePassedOver, in answers that begin at a cursor: whatever is
// known of them, and as often as it happens.
func TestGapOfPagesThatWerePassedOver(t *testing.T) {
	t.Parallel()
	s := newest()
	s.Incremental = true
	r := newRig(t, s)
	pass := func(body string) []notify.Event {
		t.Helper()
		o := r.observation("application/json", body)
		o.Cut, o.PassedOver = true, true
		if err := r.bridge.Observe(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		r.polled = o.State
		return r.news()
	}
	r.wantStory(pass(items(1, 2))) // a baseline
	events := pass(items(2, 4))
	r.wantStory(events, "created 3", "created 4", "source.gap")
	if d := dataOf(events[2]); d.Count != 3 || !strings.Contains(d.Reason, "more new items than the 3 that pagination.max_pages lets through") {
		t.Errorf("gap %s", events[2].Data)
	}
	r.wantStory(r.mustPoll(items(7, 9)), "created 7", "created 8", "created 9")
	r.wantStory(pass(items(1, 3)), "source.gap") // of those that came back
}

// TestSeenItemsAreNotNew: what leaves a complete list stays known.
func TestSeenItemsAreNotNew(t *testing.T) {
	t.Parallel()
	s := list()
	s.Seen, s.MaxRemoved = true, MaxRemoved{}
	r := newRig(t, s)
	r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1}]}`)
	r.wantStory(r.mustPoll(`{"data":[{"id":2,"v":1},{"id":3,"v":1}]}`), "created 3")
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":1},{"id":3,"v":1}]}`))
	r.wantStory(r.mustPoll(`{"data":[{"id":2,"v":2},{"id":3,"v":2}]}`), "updated 2", "updated 3")
	events := r.mustPoll(`{"data":[{"id":1,"v":9}]}`)
	r.wantStory(events, "updated 1")
	if before := string(dataOf(events[0]).Before); before != `{"id":1,"v":1}` {
		t.Errorf("before %s", before)
	}
	r.wantStory(r.mustPoll(`{"data":[]}`))
}
