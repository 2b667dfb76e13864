package daemon_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/bridge"
)

// scrape is what the daemon tells Prometheus.
func (r *running) scrape(t *testing.T, token string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.Addr()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // the daemon is in this process
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// awaitMetrics scrapes until all lines are among what is told: what is counted
// follows what happened, and what is asked for is up to five seconds old.
func (r *running) awaitMetrics(t *testing.T, lines ...string) {
	t.Helper()
	timeout := time.After(patience)
	for {
		_, text := r.scrape(t, "")
		missing := ""
		for _, line := range lines {
			if !strings.Contains(text, "\n"+line+"\n") {
				missing = line
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-timeout:
			t.Fatalf("%s was never told, but\n%s", missing, text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestMetricsOfADaemon follows a change from its poll to its delivery, a poll
// that fails and a receiver that refuses, by what is told of them.
func TestMetricsOfADaemon(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[{"id":1,"v":1}]}`), newHooks(t)
	d := startDaemon(t, orders(a, h, ""))
	d.baseline(t, "orders")
	d.awaitMetrics(t, `pollwire_polls_total{outcome="baseline"} 1`, `pollwire_polls_total{outcome="changed"} 0`, `pollwire_sources 1`)
	a.says(`{"data":[{"id":1,"v":2},{"id":2,"v":1}]}`)
	d.poll(t, "orders")
	h.await(t, "1", kind("updated"))
	a.answers(http.StatusInternalServerError, "text/plain", "oops")
	d.poll(t, "orders")
	d.awaitMetrics(t,
		`pollwire_polls_total{outcome="changed"} 1`, `pollwire_polls_total{outcome="failed"} 1`,
		`pollwire_source_changes_total{source="orders"} 2`, `pollwire_changes_total 2`,
		`pollwire_source_consecutive_failures{source="orders"} 1`, `pollwire_sources_failing 1`,
		`pollwire_deliveries_total{endpoint="you",outcome="delivered"} 2`, `pollwire_delivery_attempts_total{code="2xx",endpoint="you"} 2`,
		`pollwire_delivery_queue_depth{endpoint="you"} 0`, `pollwire_endpoint_state{endpoint="you",state="ok"} 1`,
		`pollwire_endpoint_breaker_state{endpoint="you",state="closed"} 1`,
		`pollwire_commit_duration_seconds_count{operation="commit"} 2`,
		`pollwire_config_last_reload_successful 1`, `pollwire_schedule_dropped_runs_total 0`,
	)
	for _, series := range []string{"pollwire_build_info{", "go_goroutines", "pollwire_database_size_bytes", "process_cpu_seconds_total"} {
		if _, text := d.scrape(t, ""); !strings.Contains(text, "\n"+series) || strings.Contains(text, "\npollwire_database_size_bytes 0\n") {
			t.Errorf("no %s", series)
		}
	}
}

// TestMetricsKnowEachOutcome: one that they did not know would not begin at 0.
func TestMetricsKnowEachOutcome(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	_, text := startDaemon(t, orders(a, h, "")).scrape(t, "")
	for _, outcome := range []bridge.Outcome{bridge.Unchanged, bridge.Baseline, bridge.Rebaselined, bridge.Changed, "failed"} {
		if !strings.Contains(text, `pollwire_polls_total{outcome="`+string(outcome)+`"}`) {
			t.Errorf("%s is not told", outcome)
		}
	}
}

// TestMetricsTokenOfTheConfiguration opens /metrics, and not the API.
func TestMetricsTokenOfTheConfiguration(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[]}`), newHooks(t)
	d := startDaemon(t, "server: {listen: \"127.0.0.1:0\", token: all-topsecret, metrics_token: metrics-topsecret}\n"+orders(a, h, ""))
	for token, want := range map[string]int{"": 401, "wrong": 401, "metrics-topsecret": 200, "all-topsecret": 200} {
		status, text := d.scrape(t, token)
		if status != want {
			t.Errorf("with %q answered %d", token, status)
		}
		if strings.Contains(text, "topsecret") {
			t.Error("a token is shown")
		}
	}
}
