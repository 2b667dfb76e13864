package daemon_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/receiver"
)

// counting is an API that counts up with each request, for each path by itself.
type counting struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.seen[r.URL.Path]++
	n := c.seen[r.URL.Path]
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"n":%d,"noise":%d}`, n, n%7)
}

// TestReloadsUnderLoad: while sources change all the time, and configurations follow
// each other that touch rules, endpoints, limits and who there is, every change is
// told once and in order, with numbers that have no gap.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(&counting{seen: make(map[string]int)})
	t.Cleanup(upstream.Close)
	h := newHooks(t)
	text := func(turn int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "rate_limits: [{name: shared, requests: %d, per: 1s, burst: 50}]\nsources:\n", 500+turn)
		for i := range 5 {
			if i == 4 && turn%2 == 1 {
				continue // gone for a while
			}
			ignore := ""
			if (i+turn)%3 == 0 {
				ignore = ", detect: {ignore: [noise]}"
			}
			fmt.Fprintf(&b, "  - {name: s%d, schedule: \"@every 100ms\", rate_limit: shared, request: {url: %q}%s}\n",
				i, fmt.Sprintf("%s/%d", upstream.URL, i), ignore)
		}
		return b.String() + "endpoints:\n" + endpointOf(h, "ops", fmt.Sprintf(", order: source, max_in_flight: %d", 2+turn%3))
	}
	d, f := startReloadable(t, text(0))
	for turn := range 25 {
		d.reload(t, f, text(turn))
		// Something happens in between.
		n := h.count()
		h.await(t, "", func(receiver.Envelope) bool { return len(h.told) > n+2 })
	}
	stopDaemon(t, d.Daemon)
	last := make(map[string]string)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.told {
		want := "00000000000000000001"
		if before := last[e.Source]; before != "" {
			var n int64
			if _, err := fmt.Sscan(strings.TrimLeft(before, "0"), &n); err != nil {
				t.Fatal(err)
			}
			want = fmt.Sprintf("%020d", n+1)
		}
		if e.Sequence != want {
			t.Fatalf("%s tells %s, want %s", e.Source, e.Sequence, want)
		}
		last[e.Source] = e.Sequence
	}
	if len(last) != 5 || len(h.told) < 50 {
		t.Errorf("%d events of %d sources were told", len(h.told), len(last))
	}
}

// BenchmarkReload changes one source of a thousand.
func BenchmarkReload(b *testing.B) {
	var asked atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, `{"v":1}`)
	}))
	b.Cleanup(upstream.Close)
	text := func(turn int) string {
		var t strings.Builder
		t.WriteString("sources:\n")
		for i := range 1000 {
			jitter := 1
			if i == 500 {
				jitter += turn % 50
			}
			fmt.Fprintf(&t, "  - {name: s%d, schedule: \"@hourly\", jitter: %ds, request: {url: %q}, when: 'delta(\"v\") > %d'}\n", i, jitter, upstream.URL, i)
		}
		return t.String()
	}
	d, f := startReloadable(b, text(0))
	turn, slowest := 0, time.Duration(0)
	for b.Loop() {
		turn++
		f.write(text(turn))
		began := time.Now()
		done, err := d.Reload(b.Context())
		if err != nil || !done.OK || len(done.Changed) != 1 {
			b.Fatalf("reload: %+v, %v", done, err)
		}
		slowest = max(slowest, time.Since(began))
	}
	b.ReportMetric(float64(slowest.Milliseconds()), "ms-slowest")
}
