package daemon_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
)

// wantProblem checks that the daemon refused, with a status and a reason.
func wantProblem(t *testing.T, what string, err error, status int, reason string) {
	t.Helper()
	problem, ok := errors.AsType[*server.Problem](err)
	if !ok || problem.Status != status || !strings.Contains(problem.Detail, reason) {
		t.Errorf("%s: %v, want %d: %s", what, err, status, reason)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, orders(newAPI(t, `{"data":[]}`), newHooks(t), ""))
	for path, want := range map[string]string{
		"/healthz": `"alive"`,
		"/readyz":  `"ready"`,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.Addr()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Timeout: patience}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body json.RawMessage
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		if res.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s %s, want %s", path, res.Status, body, want)
		}
	}
	if err := d.Alive(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestEventByID gives what the webhook said.
func TestEventByID(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	d := startDaemon(t, "server: {listen: \"127.0.0.1:0\", public_url: \"https://pollwire.example.com\"}\n"+orders(a, h, ""))
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":1,"big":12345678901234567890}]}`)
	d.poll(t, "orders")
	want := h.await(t, "1", kind("created"))
	body, err := d.client.Event(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got receiver.Envelope
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-told +got):\n%s", diff)
	}
	if url := `"url":"https://pollwire.example.com/v1/events/` + want.ID + `"`; !strings.Contains(string(body), url) {
		t.Errorf("no %s in %s", url, body)
	}
	_, err = d.client.Event(t.Context(), "evt_nothing")
	wantProblem(t, "another id", err, http.StatusNotFound, `no event "evt_nothing"`)
}

// TestDisabledEndpointsWait, by the operator's word or by the configuration's.
func TestDisabledEndpointsWait(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	yaml := orders(a, h, "") + "  - {name: off, url: \"" + h.url + "\", secrets: [\"" + h.secret + "\"], enabled: false}\n"
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, yaml)
	d.baseline(t, "orders")
	e, err := d.client.ChangeEndpoint(t.Context(), "you", server.Disable)
	if err != nil || e.Enabled || e.Reason != "disabled by the operator" {
		t.Fatalf("disable: %+v, %v", e, err)
	}
	a.says(`{"data":[{"id":1}]}`)
	d.poll(t, "orders")
	d.unchanged(t, "orders")
	stopDaemon(t, d.Daemon) // outlives a restart
	d = restartDaemon(t, dir, yaml)
	if h.count() != 0 {
		t.Errorf("told:\n%s", h.dump())
	}
	_, err = d.client.ChangeEndpoint(t.Context(), "off", server.Enable)
	wantProblem(t, "enable", err, http.StatusConflict, `endpoint "off" has enabled: false in the configuration`)
	if _, err := d.client.ChangeEndpoint(t.Context(), "you", server.Enable); err != nil {
		t.Fatal(err)
	}
	h.await(t, "1", kind("created"))
	_, err = d.client.ChangeEndpoint(t.Context(), "nobody", server.Disable)
	wantProblem(t, "disable nobody", err, http.StatusNotFound, `no endpoint "nobody"`)
}

// unchanged waits until the last answer of a source has been committed.
func (r *running) unchanged(t *testing.T, source string) {
	t.Helper()
	r.awaitOutcome(t, source, nil, func(outcome server.Outcome) bool { return outcome == server.Unchanged })
}

// TestRefusals say why, and what to do.
func TestRefusals(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	a.answers(http.StatusServiceUnavailable, "text/html", "later")
	d := startDaemon(t, orders(a, h, "    retry: {max_attempts: 1}\n"))
	wantProblem(t, "accept before an answer", d.client.AcceptRemoval(t.Context(), "orders"),
		http.StatusConflict, `source "orders" has not answered yet`)

	d = startDaemon(t, orders(a, h, "    enabled: false\n"))
	wantProblem(t, "poll what is disabled", d.client.Poll(t.Context(), "orders"),
		http.StatusConflict, `source "orders" is disabled (enabled: false in the configuration)`)
	preview, err := d.client.Preview(t.Context(), "orders") // looks all the same
	if err != nil || preview.Outcome != server.Failed || preview.Status != http.StatusServiceUnavailable {
		t.Errorf("preview: %+v, %v", preview, err)
	}
	_, err = d.client.Preview(t.Context(), "nobody")
	wantProblem(t, "preview nobody", err, http.StatusNotFound, `no source "nobody"`)
}

// TestPreviewShowsWhatWouldBeTold, and tells nobody.
func TestPreviewShowsWhatWouldBeTold(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	d := startDaemon(t, watch(a, h, "    items: {path: data, key: id}\n"))
	// The schedule's one poll, at the start, makes the baseline. To ask for another
	// would leave one that is still to come, which could take the change.
	for outcome := server.Baseline; outcome == server.Baseline; {
		preview, err := d.client.Preview(t.Context(), "thing")
		if err != nil {
			t.Fatal(err)
		}
		outcome = preview.Outcome
	}
	a.says(`{"data":[{"id":1}]}`)
	for range 2 {
		preview, err := d.client.Preview(t.Context(), "thing")
		if err != nil {
			t.Fatal(err)
		}
		if preview.Outcome != server.Changed || len(preview.Webhooks) != 1 || preview.Request != "GET "+a.url || preview.Status != 200 || preview.Bytes != 19 {
			t.Fatalf("preview %+v", preview)
		}
		w := preview.Webhooks[0]
		var e receiver.Envelope
		if err := json.Unmarshal(w.Body, &e); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"you"}, w.Endpoints); diff != "" || e.ID != w.ID || !strings.HasPrefix(w.ID, "test_") || strings.TrimLeft(e.Sequence, "0") != "1" {
			t.Errorf("webhook %+v", w)
		}
	}
	d.poll(t, "thing")
	if e := h.await(t, "1", kind("created")); strings.TrimLeft(e.Sequence, "0") != "1" || h.count() != 1 {
		t.Errorf("told:\n%s", h.dump())
	}
}
