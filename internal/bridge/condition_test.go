package bridge

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

func compiled(kind expression.Kind, text string) *expression.Program {
	p, err := expression.Compile(kind, text)
	if err != nil {
		panic(err) // the expressions are the tests' own
	}
	return p
}

func when(text string) *expression.Program { return compiled(expression.OfChange, text) }

// told are the events that an endpoint is to be told, in short.
func (r *rig) told(endpoint string) []string {
	r.t.Helper()
	var events []notify.Event
	for _, position := range r.waiting(endpoint) {
		event, err := r.store.Event(r.t.Context(), position)
		if err != nil {
			r.t.Fatalf("read event: %v", err)
		}
		events = append(events, event)
	}
	return story(events)
}

// TestWhenDecidesAboutDeliveriesOnly: every change takes its number in the log.
func TestWhenDecidesAboutDeliveriesOnly(t *testing.T) {
	t.Parallel()
	s := list()
	s.MaxRemoved.Percent = 100
	s.When = when(`change != "updated" && item.v > 1 || increased("v") && source == "shop" && type == "shop.order.updated" && key != "3"`)
	r := newRig(t, s)
	r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":5},{"id":3,"v":1}]}`)
	events := r.mustPoll(`{"data":[{"id":1,"v":2},{"id":2,"v":4},{"id":3,"v":9},{"id":4,"v":1},{"id":5,"v":2}]}`)
	r.wantStory(events, "updated 1", "updated 2", "updated 3", "created 4", "created 5")
	for i, e := range events {
		if e.Sequence != int64(i+1) {
			t.Errorf("event %d has the number %d", i+1, e.Sequence)
		}
	}
	r.wantStory(r.mustPoll(`{"data":[]}`)[:1], "deleted 1")
	want := []string{"updated 1", "created 5", "deleted 1", "deleted 2", "deleted 3", "deleted 5"}
	if d := cmp.Diff(want, r.told("you")); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestWhenOfADocumentAndOfAText.
func TestWhenOfADocumentAndOfAText(t *testing.T) {
	t.Parallel()
	s := document()
	s.When = when(`abs(delta_percent("price")) >= 10`)
	r := newRig(t, s)
	for _, body := range []string{`{"price":100}`, `{"price":105}`, `{"price":116}`, `{"price":100}`} {
		r.mustPoll(body)
	}
	if d := cmp.Diff([]string{"updated ", "updated "}, r.told("you")); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}

	s.When = when(`after contains "down" && before contains "up"`)
	r = newRig(t, s)
	for _, body := range []string{"all is up", "all was up", "one is down", "one was down", "all is up"} {
		if err := r.pollAs("text/plain", body); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"updated "}, r.told("you")); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestWhatIsIgnoredIsNotChanged, though a change of something else tells of it.
func TestWhatIsIgnoredIsNotChanged(t *testing.T) {
	t.Parallel()
	s := document()
	s.Rules, s.When = rules(diff.Options{Ignore: []string{"meta.at"}}), when(`changed("meta")`)
	r := newRig(t, s)
	r.mustPoll(`{"v":1,"meta":{"at":1,"by":"a"}}`)
	r.wantStory(r.mustPoll(`{"v":2,"meta":{"at":2,"by":"a"}}`), "updated ")
	r.wantStory(r.mustPoll(`{"v":2,"meta":{"at":2,"by":"b"}}`), "updated ")
	if got := r.waiting("you"); len(got) != 1 || got[0] != 2 {
		t.Errorf("told %v", got)
	}
}

// TestConditionThatFailsLetsThrough, and is logged once until it works again.
func TestConditionThatFailsLetsThrough(t *testing.T) {
	t.Parallel()
	s := document()
	s.When = when(`after.v > 5`)
	r := newRig(t, s)
	var log bytes.Buffer
	r.logging = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	r.restart()
	lines := func(text string) int { return strings.Count(log.String(), text) }
	for i, step := range []struct {
		body          string
		told          int
		failed, works int
	}{
		{`{"v":1}`, 0, 0, 0},
		{`{"v":"one"}`, 1, 1, 0},
		{`{"v":"two"}`, 2, 1, 0},
		{`{"v":3}`, 2, 1, 1},
		{`{"v":9}`, 3, 1, 1},
		{`{"v":"no"}`, 4, 2, 1},
	} {
		r.mustPoll(step.body)
		if got := len(r.waiting("you")); got != step.told {
			t.Errorf("step %d: told %d, want %d", i, got, step.told)
		}
		if lines("condition failed, letting through") != step.failed || lines("condition works again") != step.works {
			t.Errorf("step %d: log\n%s", i, &log)
		}
	}
	if !strings.Contains(log.String(), `condition=when err="invalid operation: string > int (at character 9 of the expression)"`) {
		t.Errorf("log %s", &log)
	}
	// A preview writes nothing, not even that.
	before := log.Len()
	if _, err := r.bridge.Preview(t.Context(), r.observation("application/json", `{"v":4}`)); err != nil || log.Len() != before {
		t.Errorf("%v; log %s", err, &log)
	}
}

// TestPreviewSaysWhatKeepsAnEvent.
func TestPreviewSaysWhatKeepsAnEvent(t *testing.T) {
	t.Parallel()
	s := list()
	s.When, s.Events = when(`item.v > 1`), []diff.Kind{diff.Created, diff.Updated}
	r := newRig(t, s)
	r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1}]}`)
	p, err := r.bridge.Preview(t.Context(), r.observation("application/json", `{"data":[{"id":2,"v":0},{"id":3,"v":2}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"when", "", "detect.events"}, p.Untold); d != "" {
		t.Errorf("untold (-want +got):\n%s", d)
	}
	if len(p.Events) != 3 || len(p.Events[1].Tell) != 1 {
		t.Errorf("events %+v", p.Events)
	}
}

// TestExpectWhen refuses an answer of which it is not true, or of which that
// cannot be said. Both are failures of the source, and change nothing.
func TestExpectWhen(t *testing.T) {
	t.Parallel()
	s := document()
	s.ExpectWhen = compiled(expression.OfAnswer, `document.status == "ok" && document.load < 5`)
	r := newRig(t, s)
	const good = `{"status":"ok","load":1}`
	for _, began := range []bool{false, true} {
		for body, want := range map[string]string{
			`{"status":"degraded","load":1}`: `expect.when is false: document.status == "ok" && document.load < 5`,
			`{}`:                             `expect.when is false`,
			`{"status":"ok","load":"low"}`:   `expect.when fails: invalid operation: string < int (at character 42`,
			`{"status":`:                     `invalid JSON`,
		} {
			row := r.row()
			if err := r.poll(body); err == nil || !strings.Contains(err.Error(), want) || r.row() != row {
				t.Errorf("began %t: %s: %v", began, body, err)
			}
		}
		r.mustPoll(good)
	}
	r.wantStory(r.mustPoll(`{"status":"ok","load":2}`), "updated ")
}

// TestExpectWhenOfOtherFormats: a CSV is its rows, XML what it is in JSON, a text
// a string.
func TestExpectWhenOfOtherFormats(t *testing.T) {
	t.Parallel()
	s := list()
	s.Rules = rules(diff.Options{Items: &diff.Items{Key: []string{"sku"}}})
	s.ExpectWhen = compiled(expression.OfAnswer, `all(document, .stock matches "^[0-9]+$") && len(document) > 1`)
	r := newRig(t, s)
	if err := r.pollAs("text/csv", "sku,stock\na,1\nb,2\n"); err != nil {
		t.Error(err)
	}
	if err := r.pollAs("text/csv", "sku,stock\na,1\nb,none\n"); err == nil || !strings.HasPrefix(err.Error(), "expect.when is false") {
		t.Error(err)
	}

	s = document()
	s.ExpectWhen = compiled(expression.OfAnswer, `document.status.db["@up"] == "yes"`)
	r = newRig(t, s)
	if err := r.pollAs("text/xml", `<status><db up="yes"/></status>`); err != nil {
		t.Error(err)
	}
	if err := r.pollAs("text/xml", `<status><db up="no"/></status>`); err == nil || !strings.HasPrefix(err.Error(), "expect.when is false") {
		t.Error(err)
	}

	s = document()
	s.ExpectWhen = compiled(expression.OfAnswer, `document endsWith "EOF\n"`)
	r = newRig(t, s)
	if err := r.pollAs("text/plain", "1\n2\nEOF\n"); err != nil {
		t.Error(err)
	}
	if err := r.pollAs("text/plain", "1\n"); err == nil || !strings.HasPrefix(err.Error(), "expect.when is false") {
		t.Error(err)
	}
}

// pages are the pages of an answer.
type pages []string

func (p pages) Len() int                   { return len(p) }
func (p pages) Page(i int) ([]byte, error) { return []byte(p[i]), nil }

// TestExpectWhenHoldsOfEachPage.
func TestExpectWhenHoldsOfEachPage(t *testing.T) {
	t.Parallel()
	s := list()
	s.ExpectWhen = compiled(expression.OfAnswer, `len(document.data) > 0`)
	r := newRig(t, s)
	check := func(p pages) error {
		return r.bridge.checkCondition(r.bridge.roster.Load().states["shop"], &poller.Observation{Pages: p}, diff.JSON)
	}
	if err := check(pages{`{"data":[1]}`, `{"data":[2]}`}); err != nil {
		t.Error(err)
	}
	err := check(pages{`{"data":[1]}`, `{"data":[]}`})
	if err == nil || err.Error() != "expect.when is false of page 2: len(document.data) > 0" {
		t.Error(err)
	}
}

// TestMinItems refuses a list that is too short, the first one too.
func TestMinItems(t *testing.T) {
	t.Parallel()
	s := list()
	s.MinItems = 3
	r := newRig(t, s)
	const want = "the list has 2 items, and expect.min_items wants at least 3"
	if err := r.poll(items(1, 2)); err == nil || err.Error() != want || r.row().Version != 0 {
		t.Error(err)
	}
	r.mustPoll(items(1, 4))
	if err := r.poll(items(1, 2)); err == nil || err.Error() != want {
		t.Error(err)
	}
	r.wantStory(r.mustPoll(items(1, 3)), "deleted 4")
	r.source.RequestKey = "another"
	r.restart()
	if err := r.poll(items(1, 2)); err == nil || err.Error() != want {
		t.Error(err)
	}
	// Of one document there is nothing to count.
	s = document()
	s.MinItems = 3
	newRig(t, s).mustPoll(`{"v":1}`)
}
