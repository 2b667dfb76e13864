package bridge

import "testing"

// TestQueue: each answer has others of the same kind, whatever they are before and
// after. Nothing vanishes from it, nothing was missed, and what comes again is known.
func TestQueue(t *testing.T) {
	t.Parallel()
	s := newest()
	s.Queue, s.Emit = true, true
	r := newRig(t, s)
	r.wantStory(r.mustPoll(items(1, 4)), "created 1", "created 2", "created 3", "created 4")
	r.wantStory(r.mustPoll(items(5, 8)), "created 5", "created 6", "created 7", "created 8")
	r.wantStory(r.mustPoll(items(9, 9)), "created 9")
	r.wantStory(r.mustPoll(items(1, 4)))
	r.restart()
	r.wantStory(r.mustPoll(items(9, 10)), "created 10")
}

// TestQueueThatBeginsAnew: an answer is gone once it was taken, so that it is told
// though there is nothing to compare it with.
func TestQueueThatBeginsAnew(t *testing.T) {
	t.Parallel()
	s := newest()
	s.Queue, s.Emit = true, true
	r := newRig(t, s)
	r.mustPoll(items(1, 2))
	r.source.RequestKey = "another"
	r.restart()
	r.wantStory(r.mustPoll(items(3, 4)), "created 3", "created 4", "source.rebaselined")
	r.wantStory(r.mustPoll(items(5, 5)), "created 5")

	s = document()
	s.Queue, s.Emit = true, true
	r = newRig(t, s)
	r.mustPoll(`{"n":1}`)
	r.source.RequestKey = "another"
	r.restart()
	r.wantStory(r.mustPoll(`{"n":2}`), "created ", "source.rebaselined")
}
