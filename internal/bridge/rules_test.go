package bridge

import (
	"errors"
	"testing"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/poller"
)

// TestEditedRulesAreFirstAppliedToTheStoredAnswer, so that only what really
// changed since is told.
func TestEditedRulesAreFirstAppliedToTheStoredAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	const body = `{"data":[{"id":1,"v":{"w":1},"noise":1},{"id":2,"v":{"w":1},"noise":1}]}`
	r.mustPoll(body)
	for _, o := range []diff.Options{
		{Items: &diff.Items{Path: "data", Key: []string{"id"}}},
		{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Select: "v"},
		{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Select: "v", Ignore: []string{"x"}},
	} {
		r.source.Rules = rules(o)
		r.restart()
		r.wantStory(r.mustPoll(body))
	}
	events := r.mustPoll(`{"data":[{"id":2,"v":{"w":2},"noise":2},{"id":1,"v":{"w":1},"noise":2}]}`)
	r.wantStory(events, "updated 2")
	if d := dataOf(events[0]); string(d.Before) != `{"w":1}` || string(d.After) != `{"w":2}` {
		t.Errorf("data %s", events[0].Data)
	}
}

// TestRebaselines: what cannot be compared with the stored answer begins anew,
// with a row in the log that says why.
func TestRebaselines(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit        func(*Source)
		contentType string
		body        string
		reason      string
	}{
		"another request": {
			func(s *Source) { s.RequestKey = "another" }, "application/json", `{"data":[{"id":9}]}`,
			"the request was changed",
		},
		"stored items do not fit": {
			func(s *Source) {
				s.Rules = rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"name"}}})
			},
			"application/json", `{"data":[{"id":1,"name":"a"}]}`,
			"the older answer does not fit the rules: bad item key: items[0]: name is missing",
		},
		"stored list is elsewhere": {
			func(s *Source) { s.Rules = rules(diff.Options{Items: &diff.Items{Path: "items", Key: []string{"id"}}}) },
			"application/json", `{"items":[{"id":1}]}`,
			`the older answer does not fit the rules: no list of items: items.path "items" leads to nothing`,
		},
		"nothing selected in what is stored": {
			func(s *Source) { s.Items, s.Rules = false, rules(diff.Options{Select: "total"}) },
			"application/json", `{"data":[],"total":7}`,
			`the older answer does not fit the rules: nothing selected: select "total"`,
		},
		"another format": {
			func(s *Source) { s.Items, s.Format = false, diff.Text }, "text/plain", `hello`,
			"the format was changed from json to text",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, list())
			r.mustPoll(`{"data":[{"id":1}]}`)
			r.mustPoll(`{"data":[{"id":1,"v":1}]}`)
			r.news()
			test.edit(&r.source)
			r.restart()
			if r.polled != (poller.State{}) {
				t.Errorf("the poll is conditional: %+v", r.polled)
			}
			if err := r.pollAs(test.contentType, test.body); err != nil {
				t.Fatal(err)
			}
			events := r.news()
			r.wantStory(events, "source.rebaselined")
			if d := dataOf(events[0]); d.Reason != test.reason || d.Name != "shop" || !events[0].Alert || events[0].Sequence != 0 {
				t.Errorf("row of the log %+v: %s", events[0], events[0].Data)
			}
			if len(r.waiting("ops")) != 1 {
				t.Error("ops, who names pollwire.*, is not told")
			}
			row := r.row()
			if row.Version != 3 || row.Sequence != 1 || row.RequestKey != r.source.RequestKey || row.State != r.polled {
				t.Errorf("row %+v", row)
			}
			// From here on it goes on as ever.
			r.restart()
			if err := r.pollAs(test.contentType, test.body); err != nil {
				t.Fatal(err)
			}
			r.wantStory(r.news())
		})
	}
}

// TestRulesThatFitNothingFailThePoll: before anything begins anew, the newer
// answer must fit.
func TestRulesThatFitNothingFailThePoll(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(`{"data":[{"id":1}]}`)
	r.source.Rules = rules(diff.Options{Items: &diff.Items{Path: "itms", Key: []string{"id"}}})
	r.restart()
	if err := r.poll(`{"data":[{"id":1},{"id":2}]}`); !errors.Is(err, diff.ErrNoList) {
		t.Errorf("error %v", err)
	}
	r.source = list()
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":1},{"id":2}]}`), "created 2")
}

// TestRulesKeyStays: the keys are saved with the state of sources, so a version
// that changed one would poll all those sources anew.
func TestRulesKeyStays(t *testing.T) {
	t.Parallel()
	s := list()
	s.Rules = rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Select: "order", Ignore: []string{"updated_at", "a.#.b", `x\.y.*`}})
	const want = "ed1e0bc192fab740bb3c08bf95c32ac392f6249cb7f52f15ff69be8534983b43" // as package diff has it
	if got := s.rulesKey(); got != ":"+want {
		t.Errorf("the key is %s", got)
	}
	s.Format = diff.CSV
	if got := s.rulesKey(); got != "csv:"+want {
		t.Errorf("in CSV the key is %s", got)
	}
}
