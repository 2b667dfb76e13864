package daemon_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
)

// TestOthersAreToldOfASickEndpoint, through the real log: that it fails, once
// and over a restart, and at last that it is disabled. It is never told of itself.
func TestOthersAreToldOfASickEndpoint(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{"data":[{"id":1,"v":1},{"id":2,"v":1},{"id":3,"v":1}]}`)
	h, boss := newHooks(t), newHooks(t)
	var status, posts atomic.Int64
	status.Store(http.StatusInternalServerError)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		posts.Add(1)
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(target.Close)
	yaml := strings.Replace(orders(a, h, ""), h.url, target.URL, 1)
	yaml = strings.Replace(yaml, "retry: {", "breaker: {failures: 2, cooldown: 1s, max_cooldown: 1s}, retry: {", 1)
	yaml = strings.Replace(yaml, "order: source", "order: none", 1)
	yaml += fmt.Sprintf("  - {name: boss, url: \"%s\", secrets: [\"%s\"], events: [\"pollwire.endpoint.*\"]}\n", boss.url, boss.secret)
	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, yaml)
	d.baseline(t, "orders")
	a.says(`{"data":[{"id":1,"v":2},{"id":2,"v":2},{"id":3,"v":2}]}`)
	d.poll(t, "orders")
	e := boss.await(t, "", func(e receiver.Envelope) bool { return e.Type == "pollwire.endpoint.failing" })
	d.wantAlert(t, e, "2 attempts in a row failed, the last one: answered 500")
	stopDaemon(t, d.Daemon)

	before := posts.Load()
	status.Store(http.StatusGone)
	d = restartDaemon(t, dir, yaml)
	e = boss.await(t, "", func(e receiver.Envelope) bool { return e.Type == "pollwire.endpoint.disabled" })
	d.wantAlert(t, e, "410 Gone")
	if n := posts.Load() - before; n != 1 {
		t.Errorf("%d posts after the restart, want the breaker's probe and no other", n)
	}
	if boss.count() != 2 || h.count() != 0 {
		t.Errorf("told:\n%s%s", boss.dump(), h.dump())
	}
}

// wantAlert checks that an alert in the log is about the endpoint you and says why.
func (r *running) wantAlert(t *testing.T, e receiver.Envelope, reason string) {
	t.Helper()
	body, err := r.client.Event(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(body); !strings.Contains(text, reason) || !strings.Contains(text, `"name":"you"`) || e.Sequence != "" {
		t.Errorf("alert %s, want it to say %q", text, reason)
	}
}
