package daemon_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
)

// orders is a configuration with one source of a list, polled only on request
// (and once at the start), and one endpoint. extra are further keys of the source.
func orders(a *api, h *hooks, extra string) string {
	return fmt.Sprintf(`
sources:
  - name: orders
    schedule: "@yearly"
    request: {url: "%s"}
    items: {path: data, key: id}
    event_type: shop.order
%sendpoints:
  - {name: you, url: "%s", secrets: ["%s"], order: source, retry: {schedule: [10ms, 10ms, 1h], jitter: 0}, events: ["shop.order.*", "pollwire.*"]}
`, a.url, extra, h.url, h.secret)
}

// baseline polls until the first answer has been accepted.
func (r *running) baseline(t *testing.T, source string) {
	t.Helper()
	r.awaitOutcome(t, source, r.poll, func(outcome server.Outcome) bool { return outcome != server.Baseline })
}

// awaitOutcome previews a source until it comes to what is wanted, and does something
// between; nil for nothing.
func (r *running) awaitOutcome(t *testing.T, source string, between func(*testing.T, string), wanted func(outcome server.Outcome) bool) {
	t.Helper()
	eventually(t, func() error {
		preview, err := r.client.Preview(t.Context(), source)
		must(t, err)
		if wanted(preview.Outcome) {
			return nil
		}
		if between != nil {
			between(t, source)
		}
		return fmt.Errorf("a poll of %s comes to %q", source, preview.Outcome)
	})
}

func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"data":[{"id":1,"status":"new"},{"id":2,"status":"new"}]}`)
	h := newHooks(t)
	d := startDaemon(t, orders(a, h, ""))
	d.baseline(t, "orders")

	a.says(`{"data":[{"id":3,"status":"new"},{"status":"paid","id":1.0}]}`)
	d.poll(t, "orders")
	h.await(t, "2", kind("deleted"))

	type told struct{ Type, Subject, Sequence, Before, After, Patch string }
	var got []told
	for _, subject := range []string{"3", "1", "2"} {
		for _, e := range h.of(subject) {
			got = append(got, told{e.Type, e.Subject, strings.TrimLeft(e.Sequence, "0"), string(e.Data.Before), string(e.Data.After), string(e.Data.Patch)})
		}
	}
	want := []told{
		{"shop.order.created", "3", "1", `null`, `{"id":3,"status":"new"}`, `null`},
		{"shop.order.updated", "1", "2", `{"id":1,"status":"new"}`, `{"status":"paid","id":1.0}`, `[{"op":"replace","path":"/status","value":"paid"}]`},
		{"shop.order.deleted", "2", "3", `{"id":2,"status":"new"}`, `null`, `null`},
	}
	// 1 and 1.0 are one number: a patch may mend the spelling or not.
	got[1].Patch = strings.Replace(got[1].Patch, `{"op":"replace","path":"/id","value":1.0},`, "", 1)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"data":[{"id":1,"v":1}]}`)
	h := newHooks(t)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, orders(a, h, ""))
	d.baseline(t, "orders")
	stopDaemon(t, d.Daemon)

	a.says(`{"data":[{"id":1,"v":2}]}`)
	d = restartDaemon(t, dir, orders(a, h, ""))
	d.poll(t, "orders")
	first := h.await(t, "1", kind("updated"))
	a.says(`{"data":[{"id":1,"v":3}]}`)
	d.poll(t, "orders")
	second := h.await(t, "1", func(e receiver.Envelope) bool { return e.Sequence > first.Sequence })
	if second.Data.PreviousHash != first.Data.Hash {
		t.Errorf("previous_hash %s does not continue %s", second.Data.PreviousHash, first.Data.Hash)
	}
	if h.count() != 2 {
		t.Errorf("told:\n%s", h.dump())
	}
}

// TestChangedRulesKeepState: a changed rule is first applied to the stored
// answer, and only what really changed since is told.
func TestChangedRulesKeepState(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"data":[{"id":1,"v":1,"noise":1}]}`)
	h := newHooks(t)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, orders(a, h, "    detect: {ignore: [v]}\n"))
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":1,"v":2,"noise":1}]}`) // ignored, so the stored answer stays
	d.poll(t, "orders")
	stopDaemon(t, d.Daemon)

	d = restartDaemon(t, dir, orders(a, h, "    detect: {ignore: [noise]}\n"))
	d.poll(t, "orders")
	e := h.await(t, "1", kind("updated"))
	if diff := cmp.Diff([]string{"/v"}, e.Data.Changed); diff != "" || h.count() != 1 {
		t.Errorf("changed (-want +got):\n%s\ntold:\n%s", diff, h.dump())
	}
}

func TestAnotherRequestIsRebaselined(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"data":[{"id":1}]}`)
	b := newAPI(t, `{"data":[{"id":7}]}`)
	h := newHooks(t)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, orders(a, h, ""))
	d.baseline(t, "orders")
	stopDaemon(t, d.Daemon)

	d = restartDaemon(t, dir, orders(b, h, ""))
	d.poll(t, "orders")
	h.await(t, "", func(e receiver.Envelope) bool { return e.Type == "pollwire.source.rebaselined" })
	b.says(`{"data":[{"id":7,"v":1}]}`)
	d.poll(t, "orders")
	h.await(t, "7", kind("updated"))
	if h.count() != 2 {
		t.Errorf("told:\n%s", h.dump())
	}
}

func TestMassRemovalWaitsForAcceptance(t *testing.T) {
	t.Parallel()
	list := func(n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":%d}`, i)
		}
		return `{"data":[` + strings.Join(items, ",") + `]}`
	}
	a := newAPI(t, list(10))
	h := newHooks(t)
	d := startDaemon(t, orders(a, h, "    alerts: {failure_threshold: 1}\n"))
	d.baseline(t, "orders")
	a.says(list(2))
	d.poll(t, "orders")
	h.await(t, "", func(e receiver.Envelope) bool { return e.Type == "pollwire.source.failing" })
	preview, err := d.client.Preview(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	want := "8 of 10 items vanished, more than expect.max_removed (50%) allows; if that is right, run: pollwire accept orders"
	if preview.Outcome != server.Failed || preview.Reason != want {
		t.Errorf("preview: %s %q", preview.Outcome, preview.Reason)
	}
	if err := d.client.AcceptRemoval(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	h.await(t, "9", kind("deleted"))
	h.await(t, "", func(e receiver.Envelope) bool { return e.Type == "pollwire.source.recovered" })
}

// TestErrorPagesAreNoObservation: whatever is not a proper answer fails the
// poll and leaves the state as it was.
func TestErrorPagesAreNoObservation(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"data":[{"id":1,"v":1}]}`)
	h := newHooks(t)
	d := startDaemon(t, orders(a, h, "    retry: {max_attempts: 1}\n    alerts: {failure_threshold: 100}\n"))
	d.baseline(t, "orders")
	for name, bad := range map[string]struct {
		status      int
		contentType string
		body        string
	}{
		"502":             {502, "text/html", "<h1>Bad gateway</h1>"},
		"html with 200":   {200, "text/html", "<h1>Maintenance</h1>"},
		"cut JSON":        {200, "application/json", `{"data":[{"id":1`},
		"no list":         {200, "application/json", `{"error":"try later"}`},
		"no key":          {200, "application/json", `{"data":[{"v":2}]}`},
		"repeated key":    {200, "application/json", `{"data":[{"id":1},{"id":1}]}`},
		"1 beside \"1\"":  {200, "application/json", `{"data":[{"id":1},{"id":"1"}]}`},
		"empty":           {200, "application/json", ``},
		"list is no list": {200, "application/json", `{"data":{"id":1}}`},
	} {
		a.answers(bad.status, bad.contentType, bad.body)
		preview, err := d.client.Preview(t.Context(), "orders")
		if err != nil {
			t.Fatal(err)
		}
		if preview.Outcome != server.Failed || preview.Reason == "" {
			t.Errorf("%s: %s %q", name, preview.Outcome, preview.Reason)
		}
		d.poll(t, "orders")
	}
	a.says(`{"data":[{"id":1,"v":2}]}`)
	d.poll(t, "orders")
	e := h.await(t, "1", kind("updated"))
	if string(e.Data.Before) != `{"id":1,"v":1}` || h.count() != 1 {
		t.Errorf("told:\n%s", h.dump())
	}
}

func TestNewestItemsStayKnown(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"data":[{"id":2,"v":1},{"id":1,"v":1}]}`)
	h := newHooks(t)
	d := startDaemon(t, strings.Replace(orders(a, h, ""), "key: id}", "key: id, window: newest}", 1))
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":3,"v":1},{"id":2,"v":1}]}`) // 1 scrolls out
	d.poll(t, "orders")
	h.await(t, "3", kind("created"))
	a.says(`{"data":[{"id":4,"v":1},{"id":1,"v":1}]}`) // 1 is back, as it was
	d.poll(t, "orders")
	h.await(t, "4", kind("created"))
	a.says(`{"data":[{"id":3,"v":2},{"id":4,"v":1}]}`) // 3 is back, changed
	d.poll(t, "orders")
	e := h.await(t, "3", kind("updated"))
	if string(e.Data.Before) != `{"id":3,"v":1}` || h.count() != 3 {
		t.Errorf("told:\n%s", h.dump())
	}
}

func TestTextIsToldAsUnifiedDiff(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "")
	a.answers(200, "text/plain", "one\ntwo\n")
	h := newHooks(t)
	d := startDaemon(t, fmt.Sprintf("sources:\n  - {name: page, schedule: \"@yearly\", request: {url: \"%s\"}}\nendpoints:\n  - {name: you, url: \"%s\", secrets: [\"%s\"]}\n", a.url, h.url, h.secret))
	d.baseline(t, "page")
	a.answers(200, "text/plain", "one\nthree\n")
	d.poll(t, "page")
	e := h.await(t, "", kind("updated"))
	if e.Type != "pollwire.document.updated" || string(e.Data.After) != `"one\nthree\n"` || !strings.Contains(string(e.Data.Patch), `-two\n+three`) {
		t.Errorf("told %s after %s patch %s", e.Type, e.Data.After, e.Data.Patch)
	}
}

// TestGoneDisablesAnEndpoint: a 410 disables; what is not delivered waits,
// across a restart, until an operator enables the endpoint again.
func TestGoneDisablesAnEndpoint(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"data":[{"id":1,"v":1}]}`)
	h := newHooks(t)
	var gone atomic.Bool
	gone.Store(true)
	asked := make(chan struct{}, 100)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		if gone.Load() {
			w.WriteHeader(http.StatusGone)
			return
		}
		h.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(target.Close)
	yaml := strings.Replace(orders(a, h, ""), h.url, target.URL, 1)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, yaml)
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":1,"v":2}]}`)
	d.poll(t, "orders")
	awaited(t, asked)
	stopDaemon(t, d.Daemon)

	d = restartDaemon(t, dir, yaml)
	gone.Store(false)
	if h.count() != 0 {
		t.Fatalf("told:\n%s", h.dump())
	}
	e, err := d.client.ChangeEndpoint(t.Context(), "you", server.Enable)
	if err != nil || !e.Enabled {
		t.Fatalf("enable: %+v, %v", e, err)
	}
	h.await(t, "1", kind("updated"))
}

func TestSecondDaemonIsRefused(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	dir := daemon.MustMigrate(t)
	restartDaemon(t, dir, orders(a, h, ""))
	yaml := fmt.Sprintf("storage: {dsn: \"sqlite:%s\"}\nserver: {listen: \"\"}\n%s", filepath.Join(dir, "pollwire.db"), orders(a, h, ""))
	cfg, err := config.Parse("test.yaml", []byte(yaml), config.Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	second := daemon.New(cfg, daemon.Options{Version: "test", Logger: slog.New(slog.DiscardHandler)})
	err = second.Start(t.Context())
	if err == nil {
		t.Fatal("two daemons run on one database")
	}
	if want := fmt.Sprintf("process %d", os.Getpid()); !strings.Contains(err.Error(), want) {
		t.Errorf("the error does not say who holds it (%s): %v", want, err)
	}
	if err := second.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestUnknownNames(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, orders(newAPI(t, `{"data":[]}`), newHooks(t), ""))
	_, err := d.client.ChangeEndpoint(t.Context(), "nobody", server.Enable)
	for name, err := range map[string]error{
		"poll":   d.client.Poll(t.Context(), "nobody"),
		"accept": d.client.AcceptRemoval(t.Context(), "nobody"),
		"enable": err,
	} {
		var problem *server.Problem
		if !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
