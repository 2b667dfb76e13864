package bridge

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/expression"
)

// filtered gives a source a filter of its items.
func filtered(s Source, filter string, ignore ...string) Source {
	o := diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Ignore: append(ignore, "noise")}
	s.Unfiltered = rules(o)
	o.Items = &diff.Items{Path: "data", Key: []string{"id"}, Filter: compiled(expression.OfItem, filter).Item, FilterKey: filter}
	s.Rules = rules(o)
	return s
}

// TestItemThatLeavesTheFilterIsDeleted, with the reason, however many do.
func TestItemThatLeavesTheFilterIsDeleted(t *testing.T) {
	t.Parallel()
	s := filtered(list(), "!item.draft")
	s.MaxRemoved, s.Emit = MaxRemoved{Count: 1}, true
	r := newRig(t, s)
	r.wantStory(r.mustPoll(`{"data":[{"id":1},{"id":2,"draft":true},{"id":3},{"id":4}]}`), "created 1", "created 3", "created 4")
	events := r.mustPoll(`{"data":[{"id":1,"draft":true},{"id":2},{"id":3,"draft":true}]}`)
	r.wantStory(events, "created 2", "deleted 1", "deleted 3", "deleted 4")
	for i, reason := range []string{"", "filtered", "filtered", ""} {
		if d := dataOf(events[i]); d.Reason != reason {
			t.Errorf("data %s", events[i].Data)
		}
	}
	if d := dataOf(events[1]); string(d.Before) != `{"id":1}` || d.PreviousHash == "" || d.Hash != "" || string(d.After) != "null" {
		t.Errorf("data %s", events[1].Data)
	}
	// A change of what is left out is none.
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"draft":true,"v":7},{"id":2},{"id":3,"draft":true}]}`))
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"draft":false,"v":7},{"id":2}]}`), "created 1")
	if err := r.poll(`{"data":[]}`); err == nil || !strings.Contains(err.Error(), "2 of 2 items vanished") {
		t.Error(err)
	}
}

// TestMinItemsCountBeforeTheFilter.
func TestMinItemsCountBeforeTheFilter(t *testing.T) {
	t.Parallel()
	s := filtered(list(), "item.v > 1")
	s.MinItems = 2
	r := newRig(t, s)
	r.mustPoll(`{"data":[{"id":1},{"id":2}]}`)
	r.wantStory(r.mustPoll(`{"data":[{"id":1},{"id":2,"v":2}]}`), "created 2")
	if err := r.poll(`{"data":[{"id":2,"v":2}]}`); err == nil || !strings.Contains(err.Error(), "the list has 1 items") {
		t.Error(err)
	}
}

// TestFilterThatFailsLetsThrough, and says so once.
func TestFilterThatFailsLetsThrough(t *testing.T) {
	t.Parallel()
	r := newRig(t, filtered(list(), "item.v > 1"))
	var log bytes.Buffer
	r.logging = slog.New(slog.NewTextHandler(&log, nil))
	r.restart()
	r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":2}]}`)
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":"one"},{"id":2,"v":2}]}`), "created 1")
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":"two"},{"id":2,"v":2}]}`), "updated 1")
	if got := strings.Count(log.String(), "condition failed"); got != 1 || !strings.Contains(log.String(), "condition=items.filter") || !strings.Contains(log.String(), `item \"1\": invalid operation: string > int`) {
		t.Errorf("log %s", &log)
	}
	events := r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":2}]}`)
	r.wantStory(events, "deleted 1")
	r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":3}]}`)
	if !strings.Contains(log.String(), "condition works again") {
		t.Errorf("log %s", &log)
	}
}

// TestEditedFilterIsAppliedToTheStoredAnswer: what it leaves out, or lets in, by
// being another one has not changed.
func TestEditedFilterIsAppliedToTheStoredAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":2},{"id":3,"v":3}]}`)
	r.source = filtered(r.source, "item.v > 1")
	r.restart()
	if r.polled.RawHash != [32]byte{} {
		t.Error("the state of other rules was taken")
	}
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":0},{"id":2,"v":2},{"id":3,"v":4}]}`), "updated 3")
	r.source = filtered(r.source, "item.v < 4")
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":0},{"id":2,"v":4},{"id":3,"v":4},{"id":4,"v":0}]}`), "created 4", "deleted 2")
	r.source = list()
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":0},{"id":2,"v":5},{"id":3,"v":4},{"id":4,"v":0}]}`), "updated 2")
}

// TestFilterOfNewestItems: what leaves it departs, as what scrolls out does.
func TestFilterOfNewestItems(t *testing.T) {
	t.Parallel()
	r := newRig(t, filtered(newest(), "item.v > 1"))
	r.mustPoll(`{"data":[{"id":1,"v":2},{"id":2,"v":1}]}`)
	r.wantStory(r.mustPoll(`{"data":[{"id":3,"v":2},{"id":1,"v":1}]}`), "created 3")
	if got := r.departed(); got != "1" {
		t.Errorf("departed %q", got)
	}
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":3},{"id":3,"v":2}]}`), "updated 1")
}

// TestGapsAreSeenThroughAFilter: what it leaves out is known too, though the
// snapshot would not follow the list for it.
func TestGapsAreSeenThroughAFilter(t *testing.T) {
	t.Parallel()
	r := newRig(t, filtered(newest(), "item.id % 100 == 0"))
	r.mustPoll(items(98, 100))
	for i := 99; i < 110; i++ {
		r.wantStory(r.mustPoll(items(i, i+2)))
	}
	r.wantStory(r.mustPoll(items(110, 112)))
	r.wantStory(r.mustPoll(items(113, 115)), "source.gap")
	r.wantStory(r.mustPoll(items(198, 200)), "created 200", "source.gap")
	r.restart()
	r.wantStory(r.mustPoll(items(200, 202)))
}

// TestMissingItemThatIsFiltered was skipped, and is there again behind the filter.
func TestMissingItemThatIsFiltered(t *testing.T) {
	t.Parallel()
	r := newRig(t, filtered(list(), "!item.draft"))
	r.doubt = true
	r.mustPoll(items(1, 4))
	r.wantStory(r.mustPoll(items(2, 4)))
	events := r.mustPoll(`{"data":[{"id":1,"draft":true},{"id":2},{"id":3,"draft":true},{"id":4}]}`)
	r.wantStory(events, "deleted 3", "deleted 1") // 3 was never absent
	for i := range events {
		if d := dataOf(events[i]); d.Reason != "filtered" {
			t.Errorf("data %s", events[i].Data)
		}
	}
	r.wantStory(r.mustPoll(items(1, 4)), "created 1", "created 3")
}
