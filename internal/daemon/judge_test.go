package daemon_test

import (
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
)

// accepted polls until what the source says has been accepted.
func (r *running) accepted(t *testing.T) {
	t.Helper()
	r.awaitOutcome(t, "thing", r.poll, func(outcome server.Outcome) bool { return outcome == server.Unchanged })
}

// TestWhenChoosesWhatIsTold: the log has the rest, and its numbers.
func TestWhenChoosesWhatIsTold(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"price":100,"note":"a"}`)
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    when: abs(delta_percent(\"price\")) >= 5\n"))
	d.baseline(t, "thing")
	a.says(`{"price":101,"note":"a"}`)
	preview, err := d.client.Preview(t.Context(), "thing")
	if err != nil || preview.Outcome != server.Changed || len(preview.Webhooks) != 1 {
		t.Fatalf("%+v, %v", preview, err)
	}
	if w := preview.Webhooks[0]; w.Untold != "when" || len(w.Endpoints) != 0 {
		t.Errorf("webhook %+v", w)
	}
	d.accepted(t)
	a.says(`{"price":110,"note":"a"}`)
	d.poll(t, "thing")
	e := h.await(t, "", kind("updated"))
	if string(e.Data.Before) != `{"price":101,"note":"a"}` || e.Sequence != "00000000000000000002" || h.count() != 1 {
		t.Errorf("told:\n%s", h.dump())
	}
}

// TestExpectationsKeepWhatIsNot: neither a list too short nor one of which the
// condition is not true is an observation.
func TestExpectationsKeepWhatIsNot(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"ok":true,"data":[{"id":1},{"id":2}]}`)
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    items: {path: data, key: id}\n    expect: {min_items: 1, when: document.ok}\n    retry: {max_attempts: 1}\n"))
	d.baseline(t, "thing")
	for body, reason := range map[string]string{
		`{"ok":true,"data":[]}`:             "the list has 0 items, and expect.min_items wants at least 1",
		`{"ok":false,"data":[{"id":9}]}`:    "expect.when is false: document.ok",
		`{"ok":"yes","data":[{"id":9}]}`:    "expect.when fails: a text stands where true or false is wanted",
		`{"data":[{"id":1},{"id":2}],"x":1`: "invalid JSON",
	} {
		a.says(body)
		preview, err := d.client.Preview(t.Context(), "thing")
		if err != nil || preview.Outcome != server.Failed || !strings.Contains(preview.Reason, reason) {
			t.Errorf("%s: %+v, %v", body, preview, err)
		}
		d.poll(t, "thing")
	}
	a.says(`{"ok":true,"data":[{"id":2},{"id":3}]}`)
	d.poll(t, "thing")
	h.await(t, "3", kind("created"))
	h.await(t, "1", kind("deleted"))
	if h.count() != 2 {
		t.Errorf("told:\n%s", h.dump())
	}
}

// TestSeenItemsAreNotToldAgain.
func TestSeenItemsAreNotToldAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `[{"id":1,"v":1},{"id":2,"v":1}]`)
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    items: {key: id}\n    detect: {compare_with: seen}\n"))
	d.baseline(t, "thing")
	a.says(`[{"id":2,"v":1},{"id":3,"v":1}]`)
	d.poll(t, "thing")
	h.await(t, "3", kind("created"))
	a.says(`[{"id":1,"v":2},{"id":3,"v":1}]`)
	d.poll(t, "thing")
	if e := h.await(t, "1", kind("updated")); string(e.Data.Before) != `{"id":1,"v":1}` || h.count() != 2 {
		t.Errorf("told:\n%s", h.dump())
	}
}

// TestRenamedSourceKeepsItsState over a restart, and its numbers.
func TestRenamedSourceKeepsItsState(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"v":1}`)
	h := newHooks(t)
	dir := daemon.MustMigrate(t)
	yaml := watch(a, h, "")
	d := restartDaemon(t, dir, yaml)
	d.baseline(t, "thing")
	a.says(`{"v":2}`)
	d.poll(t, "thing")
	h.await(t, "", kind("updated"))
	stopDaemon(t, d.Daemon)

	a.says(`{"v":3}`)
	restartDaemon(t, dir, strings.Replace(yaml, "name: thing", "name: other\n    formerly: thing", 1)).poll(t, "other")
	e := h.await(t, "", func(e receiver.Envelope) bool { return e.Source == "/sources/other" })
	if e.Data.Change != "updated" || string(e.Data.Before) != `{"v":2}` || e.Sequence != "00000000000000000002" {
		t.Errorf("told:\n%s", h.dump())
	}
}

// TestFilterSaysWhichItemsBelong to the list, of JSON as of a CSV.
func TestFilterSaysWhichItemsBelong(t *testing.T) {
	t.Parallel()
	for contentType, test := range map[string]struct{ filter, before, after string }{
		"application/json": {`item.n > 1`, `[{"id":"a","n":1},{"id":"b","n":2},{"id":"c","n":2}]`, `[{"id":"a","n":2},{"id":"b","n":1},{"id":"c","n":2,"x":1}]`},
		"text/csv":         {`int(item.n) > 1`, "id,n\na,1\nb,2\nc,2\n", "id,n\na,2\nb,1\nc,3\n"},
	} {
		t.Run(contentType, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, "")
			a.answers(200, contentType, test.before)
			h := newHooks(t)
			d := startDaemon(t, watch(a, h, "    items: {key: id, filter: \""+test.filter+"\"}\n    when: 'change != \"updated\"'\n"))
			d.baseline(t, "thing")
			a.answers(200, contentType, test.after)
			d.poll(t, "thing")
			h.await(t, "a", kind("created"))
			h.await(t, "b", kind("deleted"))
			if h.count() != 2 || len(h.of("c")) != 0 {
				t.Errorf("told:\n%s", h.dump())
			}
		})
	}
}
