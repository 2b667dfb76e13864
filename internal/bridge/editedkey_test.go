package bridge

import (
	"testing"

	"github.com/pollwire/pollwire/diff"
)

// keyedBy are the rules of list with another key.
func keyedBy(key string) *diff.Rules {
	return rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{key}}, Ignore: []string{"noise"}})
}

// TestDepartedItemOfAnotherKey: what left under the old key is not what comes
// under the new one, though both have the same.
func TestDepartedItemOfAnotherKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, newest())
	r.mustPoll(`{"data":[{"id":5,"n":1},{"id":1,"n":2}]}`)
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"n":2},{"id":6,"n":3}]}`), "created 6")
	r.source.Rules = keyedBy("n")
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":6,"n":3},{"id":7,"n":5}]}`), "created 5")
	// It leaves and is known from then on.
	r.wantStory(r.mustPoll(`{"data":[{"id":6,"n":3},{"id":8,"n":6}]}`), "created 6")
	r.wantStory(r.mustPoll(`{"data":[{"id":6,"n":3},{"id":7,"n":5},{"id":9,"n":9}]}`), "created 9")
}

// TestMissingItemUnderAnotherKey: an item that was missing once is itself under
// an edited key.
func TestMissingItemUnderAnotherKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		body string
		want []string
	}{
		{`{"data":[{"id":5,"n":1},{"id":6,"n":3},{"id":1,"n":2}]}`, nil},
		{`{"data":[{"id":5,"n":1,"v":1},{"id":6,"n":3},{"id":1,"n":2}]}`, []string{"updated 1"}},
		{`{"data":[{"id":6,"n":3},{"id":1,"n":2},{"id":7,"n":5}]}`, []string{"created 5", "deleted 1"}},
	} {
		r := newRig(t, list())
		r.doubt = true
		r.mustPoll(`{"data":[{"id":5,"n":1},{"id":1,"n":2}]}`)
		r.wantStory(r.mustPoll(`{"data":[{"id":1,"n":2},{"id":6,"n":3}]}`), "created 6")
		r.source.Rules = keyedBy("n")
		r.restart()
		r.wantStory(r.mustPoll(test.body), test.want...)
		if got := r.departed(); got != "" {
			t.Errorf("%s: away %q", test.body, got)
		}
	}
}

// TestListThatBecomesComplete: what scrolled out of a list with the very last
// answer is no absence that was seen once.
func TestListThatBecomesComplete(t *testing.T) {
	t.Parallel()
	seen := list()
	seen.Seen = true
	for _, s := range []Source{newest(), seen} {
		r := newRig(t, s)
		r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1}]}`)
		r.wantStory(r.mustPoll(`{"data":[{"id":2,"v":2}]}`), "updated 2")
		r.source = list()
		r.restart()
		r.wantStory(r.mustPoll(`{"data":[{"id":2,"v":3}]}`), "updated 2")
		r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":3}]}`))
	}
}
