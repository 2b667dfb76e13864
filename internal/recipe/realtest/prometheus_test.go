package realtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestPrometheus asks a Prometheus that watches a program whose queue grows and
// shrinks.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	const program = "/usr/bin/prometheus"
	need(t, "Debian: prometheus", program)
	var waiting atomic.Int64
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		// With a time of its own a value lasts though it is late with the next.
		fmt.Fprintf(w, "# TYPE orders_waiting gauge\norders_waiting %d %d\n", waiting.Load(), time.Now().UnixMilli())
	}))
	t.Cleanup(exporter.Close)
	dir := t.TempDir()
	rules := write(t, dir, "rules.yml", `groups:
  - name: shop
    rules:
      - alert: OrdersWait
        expr: orders_waiting > 10
        labels: {severity: page}
        annotations: {summary: "{{ $value }} orders wait"}
`)
	conf := write(t, dir, "prometheus.yml", fmt.Sprintf(`global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}
rule_files: [%q]
scrape_configs:
  - job_name: shop
    static_configs: [{targets: [%q]}]
`, rules, exporter.Listener.Addr()))
	at := fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1)[0])
	log := startProcess(t, nil, program, "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+at, "--log.level=error")
	awaitServer(t, "http://"+at+"/-/ready", log)

	w := start(t, subject{name: "prometheus", set: map[string]string{
		"PROMETHEUS_URL": "http://" + at, "PROMETHEUS_QUERY": "orders_waiting", "PROMETHEUS_THRESHOLD": "10",
	}})
	w.wantFirst(t, "prometheus-alerts")
	w.wantFirst(t, "prometheus-threshold")
	waiting.Store(11)
	e := w.pollUntil(t, "prometheus-alerts", "prometheus.alert.created", "")
	if textOf(e.Data.After, "labels.alertname") != "OrdersWait" || textOf(e.Data.After, "labels.severity") != "page" {
		t.Errorf("the alert is told as %s", e.Data.After)
	}
	e = w.pollUntil(t, "prometheus-threshold", "prometheus.threshold.created", "")
	if textOf(e.Data.After, "value") != "11" {
		t.Errorf("the series is told as %s", e.Data.After)
	}
	waiting.Store(12) // how far it is beyond the threshold is no news
	eventually(t, func() error {
		return wantValue(t, at, "12")
	})
	w.poll(t, "prometheus-alerts")
	w.poll(t, "prometheus-threshold")
	w.wantTold(t, 2)
	waiting.Store(3)
	w.pollUntil(t, "prometheus-alerts", "prometheus.alert.deleted", "")
	w.pollUntil(t, "prometheus-threshold", "prometheus.threshold.deleted", "")
	w.wantTold(t, 4)

	wrong := start(t, subject{name: "prometheus", only: "prometheus-threshold", set: map[string]string{
		"PROMETHEUS_URL": "http://" + at, "PROMETHEUS_QUERY": "orders_waiting{", "PROMETHEUS_THRESHOLD": "10",
	}})
	wrong.next(t, "prometheus-threshold", 0)
	wrong.wantFailed(t, "prometheus-threshold", "parse error")
}

// wantValue says whether Prometheus has a value of the series by now.
func wantValue(t *testing.T, at, want string) error {
	t.Helper()
	body, err := call(t, http.MethodGet, "http://"+at+"/api/v1/query?query=orders_waiting", nil, nil)
	if err != nil {
		return err
	}
	if got := textOf(body, "data.result.0.value.1"); got != want {
		return fmt.Errorf("orders_waiting is %s, want %s", got, want)
	}
	return nil
}
