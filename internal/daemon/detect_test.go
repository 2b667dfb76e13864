package daemon_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
)

// watch is a configuration with one source, thing, polled only on request (and
// once at the start), and one endpoint. extra are further keys of the source.
func watch(a *api, h *hooks, extra string) string {
	return fmt.Sprintf(`
sources:
  - name: thing
    schedule: "@yearly"
    request: {url: "%s"}
    event_type: thing
%sendpoints:
  - {name: you, url: "%s", secrets: ["%s"], retry: {schedule: [10ms, 10ms, 1h], jitter: 0}}
`, a.url, extra, h.url, h.secret)
}

// mustBeUnchanged asks what the answer would come to, which must be nothing.
func (r *running) mustBeUnchanged(t *testing.T) {
	t.Helper()
	preview, err := r.client.Preview(t.Context(), "thing")
	if err != nil {
		t.Fatal(err)
	}
	if preview.Outcome != server.Unchanged {
		t.Errorf("%s: %s", preview.Outcome, preview.Reason)
	}
}

// wantPaths holds the patch of an event to name the paths, and to be right.
func wantPaths(t *testing.T, e receiver.Envelope, paths ...string) {
	t.Helper()
	var operations []struct{ Path string }
	if err := json.Unmarshal(e.Data.Patch, &operations); err != nil {
		t.Fatalf("%v: %s", err, e.Data.Patch)
	}
	got := make([]string, len(operations))
	for i, operation := range operations {
		got[i] = operation.Path
	}
	if d := cmp.Diff(paths, got); d != "" {
		t.Errorf("paths of the patch %s (-want +got):\n%s", e.Data.Patch, d)
	}
	wantPatch(t, e)
}

// wantPatch holds the patch of an event to turn before into after, in the
// judgement of another's library.
func wantPatch(t *testing.T, e receiver.Envelope) {
	t.Helper()
	patch, err := jsonpatch.DecodePatch(e.Data.Patch)
	if err != nil {
		t.Fatal(err)
	}
	after, err := patch.Apply(e.Data.Before)
	if err != nil || !jsonpatch.Equal(after, e.Data.After) {
		t.Errorf("the patch %s makes %s of %s, not %s: %v", e.Data.Patch, after, e.Data.Before, e.Data.After, err)
	}
}

func TestOrderIsNoChangeWhereItIsIgnored(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"id":7,"tags":["a","b","b",{"c":[1,2]}]}`)
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    detect: {ignore_order: true}\n"))
	d.baseline(t, "thing")
	a.says(`{"id":7,"tags":[{"c":[2,1]},"b","a","b"]}`)
	d.mustBeUnchanged(t)
	d.poll(t, "thing")
	a.says(`{"id":7,"tags":[{"c":[2,1]},"b","a","a"]}`) // of a bag, twice is not once
	d.poll(t, "thing")
	e := h.await(t, "", kind("updated"))
	if string(e.Data.Before) != `{"id":7,"tags":["a","b","b",{"c":[1,2]}]}` || h.count() != 1 {
		t.Errorf("told:\n%s", h.dump())
	}
	wantPatch(t, e)
}

func TestNumbersAreComparedRounded(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"price":1.2345,"total":12340000}`)
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    detect: {significant_digits: 3}\n"))
	d.baseline(t, "thing")
	a.says(`{"price":1.2346,"total":12330001}`)
	d.mustBeUnchanged(t)
	d.poll(t, "thing")
	a.says(`{"price":1.24,"total":12330001}`)
	d.poll(t, "thing")
	e := h.await(t, "", kind("updated"))
	if string(e.Data.Before) != `{"price":1.2345,"total":12340000}` || string(e.Data.After) != `{"price":1.24,"total":12330001}` || h.count() != 1 {
		t.Errorf("told:\n%s", h.dump())
	}
	if diff := cmp.Diff([]string{"/price"}, e.Data.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	wantPatch(t, e)

	// Rounding is no tolerance: these are neighbours on two sides of a line.
	for i, price := range []string{"1.2349", "1.2351"} {
		a.says(`{"price":` + price + `,"total":12330001}`)
		d.poll(t, "thing")
		h.await(t, "", func(e receiver.Envelope) bool { return strings.Contains(string(e.Data.After), price) })
		if h.count() != 2+i {
			t.Errorf("told:\n%s", h.dump())
		}
	}
}

// TestElementsAreAlignedByTheirKey: an element that comes in between is one that
// is added, and its neighbours, changed as they are, stay who they were.
func TestElementsAreAlignedByTheirKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"data":[{"id":1,"lines":[{"sku":"a","n":1,"p":1},{"sku":"c","n":3,"p":3}]}]}`)
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    items: {path: data, key: id}\n    detect: {keys: {lines: sku}}\n"))
	d.baseline(t, "thing")
	a.says(`{"data":[{"id":1,"lines":[{"sku":"a","n":8,"p":8},{"sku":"b","n":1,"p":1},{"sku":"c","n":9,"p":9}]}]}`)
	d.poll(t, "thing")
	e := h.await(t, "1", kind("updated"))
	want := []string{"/lines/0/n", "/lines/0/p", "/lines/1", "/lines/2/n", "/lines/2/p"}
	if diff := cmp.Diff(want, e.Data.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	wantPaths(t, e, want...)
}

func TestElementsAreAlignedBySeveralMembers(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"lines":[{"sku":"a","lot":1,"n":1},{"sku":"a","lot":2,"n":2}]}`)
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    detect: {keys: {lines: [sku, lot]}}\n"))
	d.baseline(t, "thing")
	a.says(`{"lines":[{"sku":"a","lot":3,"n":1},{"sku":"a","lot":1,"n":5},{"sku":"a","lot":2,"n":4}]}`)
	d.poll(t, "thing")
	wantPaths(t, h.await(t, "", kind("updated")), "/lines/0", "/lines/1/n", "/lines/2/n")
}

// TestTheOrderOfAListIsTold: as one document with a key, a list that is the
// whole answer tells what moved.
func TestTheOrderOfAListIsTold(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `[{"id":1,"n":"one"},{"id":2,"n":"two"},{"id":3,"n":"three"}]`)
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    detect: {keys: {\"@this\": id}}\n"))
	d.baseline(t, "thing")
	a.says(`[{"id":3,"n":"three"},{"id":1,"n":"one"},{"id":2,"n":"two"}]`)
	d.poll(t, "thing")
	e := h.await(t, "", kind("updated"))
	if got, want := string(e.Data.Patch), `[{"op":"move","from":"/2","path":"/0"}]`; got != want {
		t.Errorf("patch %s, want %s", got, want)
	}
	wantPatch(t, e)
}

// TestItemsAreKnownBySeveralMembers: their values together, as an array in
// canonical form, are the key and the subject.
func TestItemsAreKnownBySeveralMembers(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `[{"region":"eu","id":7,"v":1},{"region":"us","id":7,"v":1},{"region":"eu","id":"7","v":1}]`)
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    items: {key: [region, id]}\n"))
	d.baseline(t, "thing")
	a.says(`[{"region":"us","id":7,"v":1},{"region":"eu","id":7.0,"v":2},{"region":"eu","id":"7","v":3}]`)
	d.poll(t, "thing")
	e := h.await(t, `["eu",7]`, kind("updated"))
	if string(e.Data.Before) != `{"region":"eu","id":7,"v":1}` || !slices.Contains(e.Data.Changed, "/v") {
		t.Errorf("told:\n%s", h.dump())
	}
	h.await(t, `["eu","7"]`, kind("updated"))
	if h.count() != 2 {
		t.Errorf("told:\n%s", h.dump())
	}
}

// TestRowsOfACSVAreItems, whether the configuration says that it is one, or the
// content type.
func TestRowsOfACSVAreItems(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ format, contentType string }{
		"by configuration": {"csv", "text/plain"},
		"by content type":  {"auto", "text/csv; charset=utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, "")
			a.answers(200, test.contentType, "sku;name;stock\r\n1;nut;5\r\n2;bolt;7\r\n")
			h := newHooks(t)
			d := startDaemon(t, watch(a, h, "    format: "+test.format+"\n    items: {key: sku}\n"))
			d.baseline(t, "thing")
			a.answers(200, test.contentType, "sku;name;stock\r\n3;\"ring; wide\";1\r\n1;nut;4\r\n")
			d.poll(t, "thing")
			h.await(t, "2", kind("deleted"))
			h.await(t, "3", kind("created"))
			e := h.await(t, "1", kind("updated"))
			if string(e.Data.Before) != `{"sku":"1","name":"nut","stock":"5"}` || string(e.Data.After) != `{"sku":"1","name":"nut","stock":"4"}` {
				t.Errorf("told %s after %s", e.Data.After, e.Data.Before)
			}
			wantPaths(t, e, "/stock")
			if after := h.of("3")[0].Data.After; string(after) != `{"sku":"3","name":"ring; wide","stock":"1"}` || h.count() != 3 {
				t.Errorf("told:\n%s", h.dump())
			}
			a.answers(200, test.contentType, "stock;name;sku\n4.0;nut;1\n1;\"ring; wide\";3\n") // columns have no order
			d.poll(t, "thing")
			h.await(t, "1", func(e receiver.Envelope) bool {
				return string(e.Data.After) == `{"stock":"4.0","name":"nut","sku":"1"}`
			})
			if h.count() != 4 {
				t.Errorf("told:\n%s", h.dump())
			}
		})
	}
}

// TestACSVWithoutItemsStaysText: nothing tells its rows apart.
func TestACSVWithoutItemsStaysText(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "")
	a.answers(200, "text/csv", "sku,stock\n1,5\n2,7\n")
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, ""))
	d.baseline(t, "thing")
	a.answers(200, "text/csv", "sku,stock\n1,4\n2,7\n")
	d.poll(t, "thing")
	e := h.await(t, "", kind("updated"))
	if string(e.Data.After) != `"sku,stock\n1,4\n2,7\n"` || !strings.Contains(string(e.Data.Patch), `-1,5\n+1,4`) {
		t.Errorf("told after %s patch %s", e.Data.After, e.Data.Patch)
	}
}

// TestBrokenCSVIsNoObservation: it fails the poll and leaves the state as it was.
func TestBrokenCSVIsNoObservation(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "")
	a.answers(200, "text/csv", "sku,stock\n1,5\n2,7\n")
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    items: {key: sku}\n    retry: {max_attempts: 1}\n"))
	d.baseline(t, "thing")
	for name, bad := range map[string]struct{ contentType, body, reason string }{
		"empty":          {"text/csv", "", "empty"},
		"a row cut off":  {"text/csv", "sku,stock\n1,5\n2", "line 3"},
		"a key twice":    {"text/csv", "sku,stock\n1,5\n1,7\n", "sku"},
		"another header": {"text/csv", "id,stock\n1,5\n", "sku"},
		"an error page":  {"text/html", "<h1>Maintenance</h1>", "neither JSON, XML nor CSV"},
		"JSON":           {"application/json", `{"error":"later"}`, "the answer is json (application/json), but was csv before"},
	} {
		a.answers(200, bad.contentType, bad.body)
		preview, err := d.client.Preview(t.Context(), "thing")
		if err != nil {
			t.Fatal(err)
		}
		if preview.Outcome != server.Failed || !strings.Contains(preview.Reason, bad.reason) {
			t.Errorf("%s: %s %q", name, preview.Outcome, preview.Reason)
		}
		d.poll(t, "thing")
	}
	a.answers(200, "text/csv", "sku,stock\n1,5\n2,8\n")
	d.poll(t, "thing")
	e := h.await(t, "2", kind("updated"))
	if string(e.Data.Before) != `{"sku":"2","stock":"7"}` || h.count() != 1 {
		t.Errorf("told:\n%s", h.dump())
	}
}

// TestNumbersMadeOfACSVAreRounded: select makes numbers of the texts.
func TestNumbersMadeOfACSVAreRounded(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "")
	a.answers(200, "text/csv", "sku,price\n1,1.2345\n")
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    items: {key: sku}\n    detect: {select: \"{sku,\\\"price\\\":price.@fromstr}\", significant_digits: 3}\n"))
	d.baseline(t, "thing")
	a.answers(200, "text/csv", "sku,price\n1,1.2346\n")
	d.mustBeUnchanged(t)
	d.poll(t, "thing")
	a.answers(200, "text/csv", "sku,price\n1,1.24\n")
	d.poll(t, "thing")
	e := h.await(t, "1", kind("updated"))
	if string(e.Data.After) != `{"sku":"1","price":1.24}` || h.count() != 1 {
		t.Errorf("told:\n%s", h.dump())
	}
}
