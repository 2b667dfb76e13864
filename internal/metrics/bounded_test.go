package metrics

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// mustDecode counts the series of sources in an answer.
func mustDecode(t *testing.T, format expfmt.Format, r io.Reader) (series int) {
	t.Helper()
	decoder := expfmt.NewDecoder(r, format)
	for {
		var f dto.MetricFamily
		err := decoder.Decode(&f)
		if errors.Is(err, io.EOF) {
			return series
		}
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if f.GetName() == "pollwire_source_polls_total" {
			series = len(f.GetMetric())
		}
	}
}

// series counts those of pollwire in an answer.
func series(t *testing.T, m *Metrics) int {
	t.Helper()
	return strings.Count("\n"+own(scrape(t, m)), "\npollwire_")
}

// TestOnlyTheConfigurationAddsSeries: nothing that comes from outside does,
// whatever sources answer, receivers say and clients register.
func TestOnlyTheConfigurationAddsSeries(t *testing.T) {
	t.Parallel()
	q := busyQueue()
	m := busy(q)
	before := series(t, m)
	for n := range 1000 {
		name := fmt.Sprint("sub_", n)
		m.Told(notify.Report{Endpoint: name, Posted: true, Attempt: notify.Attempt{Status: 100 + n, Error: name}, Delivered: 1})
		m.Told(notify.Report{Endpoint: fmt.Sprint("gone-", n), Posted: true, Attempt: notify.Attempt{Status: 200}})
		m.Polled(&poller.Source{Name: fmt.Sprint("gone-", n)}, poller.Result{Requests: 1, Status: n, Verdict: poller.Verdict{Outcome: "changed"}})
		m.Committed(&store.Commit{Events: []store.Event{{Event: notify.Event{Type: "type." + name, Source: name, Subject: name}}}}, 0, nil)
		q.depths = append(q.depths, store.Depth{Endpoint: name, Waiting: 1})
	}
	if after := series(t, m); after != before {
		t.Errorf("%d series became %d", before, after)
	}
}

// TestWhatStaysGoesOn: a new configuration resets nothing that it keeps, begins
// what it adds at 0, and leaves nothing of what it removes.
func TestWhatStaysGoesOn(t *testing.T) {
	t.Parallel()
	m := busy(busyQueue())
	m.SetSources([]string{"orders", "customers"})
	m.SetEndpoints([]string{"ops", "audit"})
	text := scrape(t, m)
	for _, want := range []string{
		`pollwire_source_polls_total{source="orders"} 3`,
		`pollwire_source_polls_total{source="customers"} 0`,
		`pollwire_delivery_attempts_total{code="2xx",endpoint="ops"} 1`,
		`pollwire_delivery_attempts_total{code="2xx",endpoint="audit"} 0`,
		`pollwire_deliveries_total{endpoint="audit",outcome="dead"} 0`,
		`pollwire_delivery_queue_depth{endpoint="audit"} 0`,
		`pollwire_sources 2`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	for _, gone := range []string{`"releases"`, `"chat"`} {
		if strings.Contains(text, gone) {
			t.Errorf("a series of %s is left", gone)
		}
	}
	m.Told(notify.Report{Endpoint: "chat", Posted: true, Attempt: notify.Attempt{Status: 200}})
	if strings.Contains(scrape(t, m), `"chat"`) {
		t.Error("an attempt that ended late brought the series back")
	}
}

// TestAQueueThatCannotBeCounted hides nothing else, and is counted.
func TestAQueueThatCannotBeCounted(t *testing.T) {
	t.Parallel()
	q := busyQueue()
	q.err = errors.New("database is locked")
	m := busy(q)
	scrape(t, m)
	text := scrape(t, m)
	if strings.Contains(text, "\npollwire_delivery_queue_depth") || !strings.Contains(text, "\npollwire_source_polls_total") {
		t.Errorf("told:\n%s", own(text))
	}
	if !strings.Contains(text, `promhttp_metric_handler_errors_total{cause="gathering"} 1`) {
		t.Error("the failure was not counted")
	}
	q.mu.Lock()
	q.err = nil
	q.mu.Unlock()
	if text := scrape(t, m); !strings.Contains(text, "\n"+`pollwire_delivery_queue_depth{endpoint="ops"} 5`+"\n") {
		t.Errorf("not told once it could be counted:\n%s", own(text))
	}
}

// TestTheQueueIsCountedOnceInAWhile, however many scrape; its age goes on.
func TestTheQueueIsCountedOnceInAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := busyQueue()
		m := busy(q)
		for range 10 {
			scrape(t, m)
		}
		if q.reads != 1 {
			t.Errorf("%d reads", q.reads)
		}
		<-time.After(depthsFresh)
		if text := scrape(t, m); q.reads != 2 || !strings.Contains(text, "\n"+`pollwire_delivery_queue_oldest_age_seconds{endpoint="ops"} 95`+"\n") {
			t.Errorf("%d reads after a while:\n%s", q.reads, own(text))
		}
	})
}

func TestClassOfAStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		0: "none", 100: "5xx", 199: "5xx", 200: "2xx", 204: "2xx", 299: "2xx", 301: "3xx", 410: "4xx", 499: "4xx", 500: "5xx", 599: "5xx", 999: "5xx",
	} {
		if got := class(status); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
}

func TestStateOfAnEndpoint(t *testing.T) {
	t.Parallel()
	open := notify.EndpointStatus{Enabled: true, Breaker: notify.BreakerOpen}
	paused := open
	paused.Paused = true
	gone := paused
	gone.Disabled = true
	for want, s := range map[string]notify.EndpointStatus{
		stateOK: {Enabled: true, Breaker: notify.BreakerClosed}, stateFailing: open, statePaused: paused, stateDisabled: gone,
	} {
		if got := stateOf(&s); got != want {
			t.Errorf("%+v is %s, want %s", s, got, want)
		}
	}
	if got := stateOf(&notify.EndpointStatus{Breaker: notify.BreakerClosed}); got != stateDisabled {
		t.Errorf("one that the configuration disables is %s", got)
	}
}

// TestSizeOfTheDatabase is told with that of its log, and is 0 where it has none.
func TestSizeOfTheDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.db")
	m := New(Options{Database: path})
	for _, step := range []struct{ main, wal int }{{0, 0}, {4096, 0}, {8192, 123}} {
		for name, n := range map[string]int{path: step.main, path + "-wal": step.wal} {
			if n == 0 {
				continue
			}
			if err := os.WriteFile(name, make([]byte, n), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		text := scrape(t, m)
		for _, want := range []string{fmt.Sprint("pollwire_database_size_bytes ", step.main), fmt.Sprint("pollwire_database_wal_size_bytes ", step.wal)} {
			if !strings.Contains(text, "\n"+want+"\n") {
				t.Errorf("no %s", want)
			}
		}
	}
}
