package bridge

import (
	"errors"
	"testing"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/poller"
)

// TestStateNeverRunsAheadOfItsSnapshot: what only differs in ignored members
// is known in memory, and forgotten with it; the store's validators and hash
// are those of the snapshot, always.
func TestStateNeverRunsAheadOfItsSnapshot(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	const first = `{"data":[{"id":1,"v":1,"noise":1}]}`
	r.mustPoll(first)
	stored, commits := r.polled, r.store.commits
	for _, noise := range []string{
		`{"data":[{"id":1,"v":1,"noise":2}]}`,
		`{ "data": [{"v":1.0, "id":1, "noise":3}] }`,
	} {
		r.wantStory(r.mustPoll(noise))
		if r.polled == stored {
			t.Error("the poller was not told to go on from the newer answer")
		}
		r.wantStory(r.mustPoll(noise)) // now unchanged for the poller too
	}
	if r.store.commits != commits {
		t.Errorf("%d commits for nothing", r.store.commits-commits)
	}
	if s := r.row().State; s != stored {
		t.Errorf("stored state ran ahead: %+v, not %+v", s, stored)
	}
	r.restart()
	if r.polled != stored {
		t.Errorf("after a restart the poller starts from %+v, not %+v", r.polled, stored)
	}
	r.wantStory(r.mustPoll(first))
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":2,"noise":1}]}`), "updated 1")
	if s := r.row().State; s != r.polled {
		t.Errorf("stored %+v, not %+v", s, r.polled)
	}
}

// TestAlertsDoNotMoveState: a failure told between two polls stores the row
// without the state that is only known in memory.
func TestAlertsDoNotMoveState(t *testing.T) {
	t.Parallel()
	s := list()
	s.FailureThreshold = 1
	r := newRig(t, s)
	r.mustPoll(`{"data":[{"id":1,"noise":1}]}`)
	stored := r.polled
	r.mustPoll(`{"data":[{"id":1,"noise":2}]}`)
	r.bridge.Fail(t.Context(), "shop", errors.New("no"))
	r.mustPoll(`{"data":[{"id":1,"noise":3}]}`) // recovers
	r.wantStory(r.news())
	if got := r.row().State; got != stored {
		t.Errorf("stored state %+v, not %+v", got, stored)
	}
}

// TestInitialState: the stored validators are for the same request, judged by
// the same rules, and for nothing else.
func TestInitialState(t *testing.T) {
	t.Parallel()
	options := diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Ignore: []string{"noise"}}
	with := func(change func(*diff.Options)) *diff.Rules {
		o := options
		items := *o.Items
		o.Items = &items
		change(&o)
		return rules(o)
	}
	for name, test := range map[string]struct {
		edit func(*Source)
		kept bool
	}{
		"nothing":     {func(*Source) {}, true},
		"same rules":  {func(s *Source) { s.Rules = with(func(*diff.Options) {}) }, true},
		"who is told": {func(s *Source) { s.Notify, s.Events, s.EventType = nil, nil, "x" }, true},
		"max removed": {func(s *Source) { s.MaxRemoved = MaxRemoved{} }, true},
		"request":     {func(s *Source) { s.RequestKey = "another" }, false},
		"format":      {func(s *Source) { s.Format = diff.JSON }, false},
		"select":      {func(s *Source) { s.Rules = with(func(o *diff.Options) { o.Select = "v" }) }, false},
		"ignore":      {func(s *Source) { s.Rules = with(func(o *diff.Options) { o.Ignore = nil }) }, false},
		"items path":  {func(s *Source) { s.Rules = with(func(o *diff.Options) { o.Items.Path = "items" }) }, false},
		"items key":   {func(s *Source) { s.Rules = with(func(o *diff.Options) { o.Items.Key = []string{"name"} }) }, false},
		"no items":    {func(s *Source) { s.Items, s.Rules = false, with(func(o *diff.Options) { o.Items = nil }) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := list()
			s.Rules = rules(options)
			r := newRig(t, s)
			if r.polled != (poller.State{}) {
				t.Errorf("state %+v before the first answer", r.polled)
			}
			r.mustPoll(`{"data":[{"id":1,"name":"a"}],"items":[]}`)
			stored := r.polled
			test.edit(&r.source)
			r.restart()
			if want := map[bool]poller.State{true: stored}[test.kept]; r.polled != want {
				t.Errorf("state %+v, want %+v", r.polled, want)
			}
		})
	}
}
