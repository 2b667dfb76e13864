package metrics

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

var update = flag.Bool("update", false, "write the golden file anew")

// queue is a store with these depths.
type queue struct {
	mu     sync.Mutex
	depths []store.Depth
	err    error
	reads  int
}

func (q *queue) Depths(context.Context) ([]store.Depth, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reads++
	return q.depths, q.err
}

type dropped int64

func (d dropped) Dropped() int64 { return int64(d) }

var errLost = errors.New("the file of the database is gone")

// busy is the account of a daemon of which something of each kind has happened.
func busy(q *queue) *Metrics {
	now := time.Now()
	m := New(Options{
		Version:  "1.2.3",
		Database: "testdata/none.db",
		Schedule: dropped(4),
		Limits: limitList{
			{Limit: poller.Limit{Name: "github", Requests: 5000, Reserve: 1000, Per: time.Hour}, Used: 120, Left: 3880, UnderWay: 2, Waiting: 7},
			{Limit: poller.Limit{Name: "source/orders", Requests: 10, Per: time.Minute}, Used: 10, PausedUntil: now.Add(90 * time.Second)},
		},
		Endpoints: endpointList{
			{EndpointState: notify.EndpointState{Name: "chat", Disabled: true}, Enabled: true, Breaker: notify.BreakerClosed},
			{EndpointState: notify.EndpointState{Name: "ops", Told: true}, Enabled: true, Breaker: notify.BreakerOpen, InFlight: 3},
			{EndpointState: notify.EndpointState{Name: "old"}, Enabled: true, Breaker: notify.BreakerClosed},
			{EndpointState: notify.EndpointState{Name: "sub_1"}, Enabled: true, Breaker: notify.BreakerClosed, InFlight: 1},
			{EndpointState: notify.EndpointState{Name: "sub_2", Paused: true}, Enabled: true, Breaker: notify.BreakerHalfOpen, InFlight: 1},
		},
		Queue: q,
		Nodes: node{status: NodeStatus{
			Members: 3, BeatAge: 1500 * time.Millisecond, Held: map[string]int{"source": 2, "limit": 2, "endpoint": 5, "task": 1}, Free: 4,
			Adopted: 9, Released: 2, Lost: 1, Unlike: map[string]int{"version": 1, "configuration": 0, "clock": 2},
		}},
	})
	m.SetSources([]string{"releases", "orders"})
	m.SetEndpoints([]string{"ops", "chat"})
	orders, releases := &poller.Source{Name: "orders"}, &poller.Source{Name: "releases"}
	m.Begun(orders, 30*time.Millisecond)
	m.Begun(releases, 2*time.Second)
	m.Polled(orders, poller.Result{At: now, Duration: 80 * time.Millisecond, Requests: 3, Bytes: 4000, Verdict: poller.Verdict{Outcome: "changed", Changes: 5}})
	m.Polled(orders, poller.Result{At: now, Duration: time.Second, Requests: 1, Err: errLost})
	m.Polled(orders, poller.Result{At: now, Err: errLost}) // held: nothing was sent
	m.Polled(releases, poller.Result{At: now, Duration: 20 * time.Millisecond, Requests: 1, Verdict: poller.Verdict{Outcome: "unchanged"}})
	m.Committed(&store.Commit{Events: []store.Event{
		{Event: notify.Event{Type: "shop.order.created"}},
		{Event: notify.Event{Type: gapType, Alert: true}},
		{Event: notify.Event{Type: "pollwire.source.failing", Alert: true}},
	}}, 3*time.Millisecond, nil)
	m.Committed(&store.Commit{}, time.Second, store.ErrFull)
	m.Committed(&store.Commit{}, time.Second, store.ErrConflict)
	m.Recorded(2*time.Millisecond, nil)
	m.Recorded(time.Second, fmt.Errorf("record: %w", context.Canceled))
	m.Expired(12)
	m.Told(notify.Report{Endpoint: "ops", Posted: true, Attempt: notify.Attempt{Status: 204, Duration: 40 * time.Millisecond}, Delivered: 1})
	m.Told(notify.Report{Endpoint: "ops", Posted: true, Attempt: notify.Attempt{Status: 503, Duration: 4 * time.Second}, Dead: 3})
	m.Told(notify.Report{Endpoint: "ops", Superseded: 9})
	m.Told(notify.Report{Endpoint: "sub_1", Posted: true, Attempt: notify.Attempt{Duration: 15 * time.Second}})
	m.Told(notify.Report{Endpoint: "old", Posted: true, Attempt: notify.Attempt{Status: 200}, Delivered: 1})
	m.Reloaded(true, now)
	m.Reloaded(false, now)
	return m
}

func busyQueue() *queue {
	now := time.Now()
	return &queue{depths: []store.Depth{
		{Endpoint: "gone", Waiting: 2, Oldest: now.Add(-time.Hour)},
		{Endpoint: "ops", Waiting: 5, Dead: 3, Oldest: now.Add(-90 * time.Second)},
		{Endpoint: "sub_1", Waiting: 1, Oldest: now.Add(-time.Second)},
		{Endpoint: "sub_9", Dead: 1},
	}}
}

// scrape is an answer in the text format.
func scrape(tb testing.TB, m *Metrics) string {
	tb.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		tb.Fatalf("a scrape was answered %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// own are the lines of an answer that are about pollwire.
func own(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, "pollwire_") && !strings.HasPrefix(line, "pollwire_build_info") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestMetrics holds each name, its help and what it counts against the golden file.
func TestMetrics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text := own(scrape(t, busy(busyQueue())))
		golden := filepath.Join("testdata", "metrics.txt")
		if *update {
			if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), text); d != "" {
			t.Error("-want +got, -update writes it anew:\n" + d)
		}
	})
}

// TestNamesFollowTheRules: those of Prometheus, as its library and its own tool
// judge them.
func TestNamesFollowTheRules(t *testing.T) {
	t.Parallel()
	m := busy(busyQueue())
	problems, err := testutil.GatherAndLint(&m.gatherer)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(scrape(t, m))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// TestEveryFormatCanBeRead has an answer in each format that scrapers ask for.
// No series is in it twice.
func TestEveryFormatCanBeRead(t *testing.T) {
	t.Parallel()
	h := busy(busyQueue()).Handler()
	for _, accept := range []string{
		"", "text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		req.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		format := expfmt.ResponseFormat(w.Header())
		if strings.Contains(accept, "openmetrics") {
			if !strings.HasSuffix(w.Body.String(), "# EOF\n") || !strings.Contains(w.Body.String(), "# TYPE pollwire_source_polls counter\n") {
				t.Errorf("no OpenMetrics: %s", w.Header().Get("Content-Type"))
			}
			continue
		}
		var seen int
		if strings.Contains(accept, "protobuf") {
			seen = mustDecode(t, format, w.Body)
		} else {
			parser := expfmt.NewTextParser(model.UTF8Validation)
			families, err := parser.TextToMetricFamilies(w.Body)
			if err != nil {
				t.Fatalf("%s: %v", accept, err)
			}
			seen = len(families["pollwire_source_polls_total"].GetMetric())
		}
		if seen != 2 {
			t.Errorf("%q: %d series of sources, want 2", accept, seen)
		}
	}
}

// TestOneAccountEach: two daemons in one process share nothing.
func TestOneAccountEach(t *testing.T) {
	t.Parallel()
	a, b := New(Options{}), New(Options{})
	a.Expired(3)
	if text := scrape(t, b); !strings.Contains(text, "\npollwire_expired_deliveries_total 0\n") {
		t.Error("what one counts, the other does too")
	}
	if text := scrape(t, a); !strings.Contains(text, "\npollwire_expired_deliveries_total 3\n") {
		t.Error("nothing was counted")
	}
}

// TestScrapesWhileItCounts is for the race detector.
func TestScrapesWhileItCounts(t *testing.T) {
	t.Parallel()
	m := busy(busyQueue())
	var group sync.WaitGroup
	for n := range 4 {
		group.Go(func() {
			for i := range 200 {
				m.Polled(&poller.Source{Name: "orders"}, poller.Result{At: time.Now(), Requests: 1})
				m.Told(notify.Report{Endpoint: "chat", Posted: true, Delivered: 1})
				if i%20 == n {
					m.SetSources([]string{"orders", fmt.Sprint("other-", i)})
					m.SetEndpoints([]string{"chat", fmt.Sprint("other-", i)})
				}
			}
		})
		group.Go(func() {
			for range 10 {
				var out bytes.Buffer
				out.WriteString(scrape(t, m))
			}
		})
	}
	group.Wait()
	text := scrape(t, m)
	for _, want := range []string{`pollwire_source_polls_total{source="orders"} 803`, `pollwire_delivery_attempts_total{code="none",endpoint="chat"} 800`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, own(text))
		}
	}
}

// TestCompressed: Prometheus asks for gzip, and so many names that differ little
// become a twentieth of their length.
func TestCompressed(t *testing.T) {
	t.Parallel()
	h := crowd(t, 100).Handler()
	ask := func(encoding string) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		req.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		return w
	}
	plain, small := ask("identity"), ask("gzip")
	if got := small.Header(); got.Get("Content-Encoding") != "gzip" || got.Get("Content-Type") != plain.Header().Get("Content-Type") {
		t.Errorf("header: %v", got)
	}
	if small.Body.Len() > plain.Body.Len()/10 {
		t.Errorf("%d bytes of %d", small.Body.Len(), plain.Body.Len())
	}
	r, err := gzip.NewReader(small.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil || !strings.Contains(string(text), `pollwire_source_polls_total{source="shop-number-00099.orders"} 1`) {
		t.Errorf("%v, %d bytes", err, len(text))
	}
}
