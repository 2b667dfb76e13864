package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/poller"
)

func TestFirstLookIsASilentBaseline(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1}]}`))
	if row := r.row(); row.Version != 1 || row.Sequence != 0 || row.State != r.polled {
		t.Errorf("row %+v", row)
	}
	if r.woken != nil {
		t.Errorf("woken for nothing: %v", r.woken)
	}
	r.wantStory(r.mustPoll(`{"data":[{"id":3,"v":1},{"id":2,"v":2}]}`), "created 3", "updated 2", "deleted 1")
	if d := cmp.Diff([]string{"you"}, r.woken); d != "" {
		t.Errorf("woken (-want +got):\n%s", d)
	}
}

// TestAcceptedAnswersAreKept reads the last versions back, which the store keeps
// as differences from those that the bridge has at hand.
func TestAcceptedAnswersAreKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	var bodies []string
	for n := range 5 {
		var body strings.Builder
		for id := range 50 {
			fmt.Fprintf(&body, `,{"id":%d,"v":%d}`, id, n*(id/40))
		}
		bodies = append(bodies, `{"data":[`+body.String()[1:]+"]}")
		r.mustPoll(bodies[n])
		if r.store.atHand != int64(n) {
			t.Errorf("commit %d had version %d at hand", n+1, r.store.atHand)
		}
	}
	for version := int64(3); version <= 5; version++ {
		snap, err := r.store.SnapshotAt(t.Context(), "shop", version)
		if err != nil || string(snap.Body) != bodies[version-1] {
			t.Errorf("version %d is %s: %v", version, snap.Body, err)
		}
	}
}

func TestFirstLookIsToldWhereAskedFor(t *testing.T) {
	t.Parallel()
	s := list()
	s.Emit = true
	r := newRig(t, s)
	r.wantStory(r.mustPoll(`{"data":[{"id":1},{"id":2}]}`), "created 1", "created 2")
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":1},{"id":2},{"id":3}]}`), "created 3")
	if row := r.row(); row.Sequence != 3 {
		t.Errorf("sequence %d", row.Sequence)
	}

	s = document()
	s.Emit = true
	r = newRig(t, s)
	events := r.mustPoll(`{"v":1}`)
	r.wantStory(events, "created ")
	if d := dataOf(events[0]); d.Key != nil || string(d.Before) != "null" || string(d.After) != `{"v":1}` || d.PreviousHash != "" || d.Hash == "" {
		t.Errorf("data %s", events[0].Data)
	}
}

// TestADocumentHasOneKey: its changes chain like those of an item.
func TestADocumentHasOneKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, document())
	r.mustPoll(`{"v":1,"noise":1}`)
	first := r.mustPoll(`{"v":2,"noise":2}`)
	second := r.mustPoll(`{"v":3,"noise":3}`)
	a, b := dataOf(first[0]), dataOf(second[0])
	if string(b.Before) != string(a.After) || b.PreviousHash != a.Hash || first[0].Sequence != 1 || second[0].Sequence != 2 {
		t.Errorf("chain:\n%s\n%s", first[0].Data, second[0].Data)
	}
	if first[0].Type != "shop.order.updated" || first[0].Subject != "" {
		t.Errorf("event %+v", first[0])
	}
}

// TestBadAnswersLeaveEverythingAsItWas: what cannot be judged is no observation.
func TestBadAnswersLeaveEverythingAsItWas(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(`{"data":[{"id":1,"v":1}]}`)
	row, polled, commits := r.row(), r.polled, r.store.commits
	for name, bad := range map[string][2]string{
		"error page":       {"text/html", "<h1>Bad gateway</h1>"},
		"cut":              {"application/json", `{"data":[{"id":1`},
		"cut, as text":     {"text/plain", `{"data":[{"id":1`},
		"empty":            {"application/json", ``},
		"no content":       {"", ``},
		"no list":          {"application/json", `{"error":"later"}`},
		"null":             {"application/json", `null`},
		"key missing":      {"application/json", `{"data":[{"v":2}]}`},
		"key null":         {"application/json", `{"data":[{"id":null}]}`},
		"key repeated":     {"application/json", `{"data":[{"id":1},{"id":1.0}]}`},
		"1 beside \"1\"":   {"application/json", `{"data":[{"id":1},{"id":"1"}]}`},
		"not UTF-8":        {"application/json", "{\"data\":[{\"id\":\"\xff\"}]}"},
		"too deep":         {"application/json", strings.Repeat("[", 20_000)},
		"two values":       {"application/json", `{"data":[]}{"data":[]}`},
		"a type of theirs": {"application/problem+json", `nothing`},
	} {
		if err := r.pollAs(bad[0], bad[1]); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if d := cmp.Diff(row, r.row()); d != "" || r.polled != polled || r.store.commits != commits {
		t.Errorf("%d commits, row (-before +after):\n%s", r.store.commits-commits, d)
	}
	events := r.mustPoll(`{"data":[{"id":1,"v":2}]}`)
	if d := dataOf(events[0]); string(d.Before) != `{"id":1,"v":1}` {
		t.Errorf("before %s", d.Before)
	}
}

func TestUnknownSource(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	o := r.observation("application/json", "{}")
	o.Source = "nobody"
	if err := r.bridge.Observe(t.Context(), o); !errors.Is(err, ErrUnknownSource) {
		t.Errorf("observe: %v", err)
	}
	if _, err := r.bridge.Preview(t.Context(), o); !errors.Is(err, ErrUnknownSource) {
		t.Errorf("preview: %v", err)
	}
	if err := r.bridge.AcceptRemoval(t.Context(), "nobody"); !errors.Is(err, ErrUnknownSource) {
		t.Errorf("accept: %v", err)
	}
	r.bridge.Fail(t.Context(), "nobody", errors.New("no")) // concerns nobody
	if s := r.bridge.InitialState("nobody"); s != (poller.State{}) {
		t.Errorf("state %+v", s)
	}
}

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

// TestFormatsThatFlip: by its content type an answer may not become another
// thing by itself; the error says what to do if that is meant.
func TestFormatsThatFlip(t *testing.T) {
	t.Parallel()
	const page, thing = "<h1>Maintenance</h1>", `{"v":1}`
	r := newRig(t, document())
	r.mustPoll(thing)
	for contentType, want := range map[string]string{
		"text/plain": "the answer is text (text/plain), but was json before; if that is meant, set format: text",
		"text/html":  "content type text/html: the answer is a web page, such as an error page or a login page; if a page is what you watch, set format: text",
	} {
		if err := r.pollAs(contentType, page); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	r.wantStory(r.mustPoll(`{"v":2}`), "updated ")

	r.source.Format = diff.Text // as the error says
	r.restart()
	if err := r.pollAs("text/html", page); err != nil {
		t.Fatal(err)
	}
	r.wantStory(r.news(), "source.rebaselined")
	r.source.Format = "" // it is what it was now
	r.restart()
	if err := r.pollAs("text/plain", page+"!"); err != nil {
		t.Fatal(err)
	}
	r.wantStory(r.news(), "updated ")
	err := r.poll(thing)
	want := "the answer is json (application/json), but was text before; if that is meant, set format: json"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestPageInXHTML: an error page that is XML and is sent as such is none of the
// documents that an API sends.
func TestPageInXHTML(t *testing.T) {
	t.Parallel()
	r := newRig(t, document())
	if err := r.pollAs("text/xml", "<status><db>up</db></status>"); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{
		"<html><body>down</body></html>", "\uFEFF <?xml version=\"1.0\"?>\n<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\"/>", "<HTML\n/>",
	} {
		if err := r.pollAs("application/xml", page); !errors.Is(err, errPage) {
			t.Errorf("%s: %v", page, err)
		}
	}
	if err := r.pollAs("text/xml", "<status><html>down</html></status>"); err != nil {
		t.Fatal(err)
	}
	r.wantStory(r.news(), "updated ")
	for _, other := range []string{"<html5/>", "<h/>", "<?xml version=\"1.0\"", "<html"} {
		if err := r.pollAs("text/xml", other); errors.Is(err, errPage) {
			t.Errorf("%s: %v", other, err)
		}
	}
}

// TestFormatByContentType: the type is believed where it says JSON; else the
// body decides, and only objects and arrays count as JSON then, since 1.10 in a
// text is another version than 1.1.
func TestFormatByContentType(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		contentType, body string
		want              diff.Format
	}{
		{"application/json", `1.10`, diff.JSON},
		{"application/json", `not json`, diff.JSON},
		{"application/vnd.github+json", `{}`, diff.JSON},
		{"text/json", `{}`, diff.JSON},
		{"text/plain", `{"a":1}`, diff.JSON},
		{"", `[1]`, diff.JSON},
		{"application/octet-stream", " \n[1]", diff.JSON},
		{"text/plain", `1.10`, diff.Text},
		{"text/plain", `"quoted"`, diff.Text},
		{"", `true`, diff.Text},
		{"text/plain", `{"a":1`, diff.Text},
		{"application/x-ndjson", "{}\n{}", diff.NDJSON},
		{"application/jsonl", "{}", diff.NDJSON},
		{"application/json-seq", "\x1E{}\n", diff.NDJSON},
		{"text/plain", "{}\n{}", diff.Text},
		{"application/xml", "<a/>", diff.XML},
		{"text/xml", "not XML", diff.XML},
		{"text/xml", `{"a":1}`, diff.JSON},
		{"application/rss+xml", "", diff.XML},
		{"image/svg+xml", "<svg/>", diff.XML},
		{"text/plain", "<?xml version='1.0'?><a/>", diff.XML},
		{"", "\uFEFF\n<rss version='2.0'/>", diff.XML},
		{"application/octet-stream", "<feed>", diff.XML},
		{"", "<?xml-stylesheet?>", diff.Text},
		{"", "<feedback>", diff.Text},
		{"", "<rss", diff.Text},
		{"text/plain", "<a/>", diff.Text},
		{"text/csv", "id\n1\n", diff.Text},
		{"", "", diff.Text},
	} {
		s := document()
		o := poller.Observation{ContentType: test.contentType, Body: []byte(test.body)}
		if got, err := s.format(&o); got != test.want || err != nil {
			t.Errorf("%s %q: %s, %v, want %s", test.contentType, test.body, got, err, test.want)
		}
	}
}

// TestFormatOfAList: a list is JSON, or another form where the type or the configuration
// says so; the body of a text cannot tell that it is one.
func TestFormatOfAList(t *testing.T) {
	t.Parallel()
	const rows = "id,v\n1,a\n"
	for _, test := range []struct {
		format            diff.Format
		contentType, body string
		want              diff.Format
	}{
		{"", "application/json", `[]`, diff.JSON},
		{"", "text/csv", rows, diff.CSV},
		{"", "text/csv", "", diff.CSV},
		{"", "text/csv", `[{"id":1}]`, diff.JSON},
		{"", "application/json", rows, diff.JSON},
		{diff.CSV, "text/plain", rows, diff.CSV},
		{diff.CSV, "application/json", `[{"id":1}]`, diff.CSV},
		{diff.JSON, "text/csv", rows, diff.JSON},
		{"", "application/atom+xml", `<feed/>`, diff.XML},
		{"", "application/x-ndjson", `{"id":1}`, diff.NDJSON},
		{diff.XML, "text/plain", `<os/>`, diff.XML},
		{diff.NDJSON, "application/json", `{"id":1}`, diff.NDJSON},
	} {
		s := list()
		s.Format = test.format
		o := poller.Observation{ContentType: test.contentType, Body: []byte(test.body)}
		if got, err := s.format(&o); got != test.want || err != nil {
			t.Errorf("format %q, %s %q: %s, %v, want %s", test.format, test.contentType, test.body, got, err, test.want)
		}
	}
	for contentType, prefix := range map[string]string{"": "content type missing: ", "text/plain": "content type text/plain: "} {
		s := list()
		_, err := s.format(&poller.Observation{ContentType: contentType, Body: []byte(rows)})
		if !errors.Is(err, errListOfText) || !strings.HasPrefix(err.Error(), prefix) {
			t.Errorf("error %v", err)
		}
	}
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

func TestTexts(t *testing.T) {
	t.Parallel()
	r := newRig(t, document())
	var chain []payload
	for _, text := range []string{"version 1.1\n", "version 1.10\n", "", "back\n", "back\xff\n", "back\xfe\n"} {
		if err := r.pollAs("text/plain", text); err != nil {
			t.Fatal(err)
		}
		for _, e := range r.news() {
			chain = append(chain, dataOf(e))
		}
	}
	want := []struct{ before, after, patch string }{
		{`"version 1.1\n"`, `"version 1.10\n"`, "--- before\n+++ after\n@@ -1 +1 @@\n-version 1.1\n+version 1.10\n"},
		{`"version 1.10\n"`, `""`, "--- before\n+++ after\n@@ -1 +0,0 @@\n-version 1.10\n"},
		{`""`, `"back\n"`, "--- before\n+++ after\n@@ -0,0 +1 @@\n+back\n"},
		{`"back\n"`, "\"back\uFFFD\\n\"", "--- before\n+++ after\n@@ -1 +1 @@\n-back\n+back\uFFFD\n"},
		{"\"back\uFFFD\\n\"", "\"back\uFFFD\\n\"", ""}, // other bytes that are no UTF-8
	}
	if len(chain) != len(want) {
		t.Fatalf("%d changes, want %d", len(chain), len(want))
	}
	for i, c := range chain {
		var patch string
		if err := json.Unmarshal(c.Patch, &patch); err != nil {
			t.Errorf("patch %s of a text: %v", c.Patch, err)
		}
		got := fmt.Sprintf("%s -> %s\n%s", c.Before, c.After, patch)
		if d := cmp.Diff(fmt.Sprintf("%s -> %s\n%s", want[i].before, want[i].after, want[i].patch), got); d != "" || c.Change != "updated" {
			t.Errorf("%d: %s (-want +got):\n%s", i, c.Change, d)
		}
		if i > 0 && c.PreviousHash != chain[i-1].Hash {
			t.Errorf("%d: the hashes do not chain", i)
		}
	}
}

// TestUnchangedAnswersAllocateNothing: they are nearly all there are.
func TestUnchangedAnswersAllocateNothing(t *testing.T) {
	r := newRig(t, list())
	r.mustPoll(`{"data":[{"id":1}]}`)
	o := &poller.Observation{Source: "shop", Unchanged: true, State: r.polled}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if err := r.bridge.Observe(ctx, o); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
