package bridge

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/poller"
)

// What an answer came to is said to whoever asked, for the account of polls.
func TestAnswersGetAVerdict(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	for _, poll := range []struct {
		body string
		want poller.Verdict
	}{
		{`{"data":[{"id":1,"v":1},{"id":2,"v":1}]}`, poller.Verdict{Outcome: "baseline"}},
		{`{"data":[{"id":3,"v":1},{"id":2,"v":2}]}`, poller.Verdict{Outcome: "changed", Changes: 3}},
		{`{"data":[{"v":2,"id":2},{"id":3,"v":1}]}`, poller.Verdict{Outcome: "unchanged"}},
		{`{"data":[{"v":2}]}`, poller.Verdict{}},
	} {
		o := r.observation("application/json", poll.body)
		err := r.bridge.Observe(t.Context(), o)
		if (err != nil) != (poll.want == poller.Verdict{}) {
			t.Errorf("%s: error %v", poll.body, err)
		}
		if diff := cmp.Diff(poll.want, o.Verdict); diff != "" {
			t.Errorf("%s (-want +got):\n%s", poll.body, diff)
		}
	}
}
