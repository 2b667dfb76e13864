package metrics

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// crowd is an account of so many sources, each of which was polled and has a
// limit of its own, and of a hundred endpoints.
func crowd(tb testing.TB, n int) *Metrics {
	tb.Helper()
	names := make([]string, n)
	limits := make(limitList, n)
	for i := range names {
		names[i] = fmt.Sprintf("shop-number-%05d.orders", i)
		limits[i] = poller.LimitStatus{Limit: poller.Limit{Name: "source/" + names[i], Requests: 100, Per: time.Hour}, Used: i % 100}
	}
	endpoints := make(endpointList, 100)
	told := make([]string, len(endpoints))
	for i := range endpoints {
		told[i] = fmt.Sprint("ops-", i)
		endpoints[i] = notify.EndpointStatus{EndpointState: notify.EndpointState{Name: told[i]}, Enabled: true, Breaker: notify.BreakerClosed}
	}
	m := New(Options{Version: "1.2.3", Limits: limits, Endpoints: endpoints})
	m.SetSources(names)
	m.SetEndpoints(told)
	for i, name := range names {
		m.Polled(&poller.Source{Name: name}, poller.Result{At: time.Now(), Duration: time.Duration(i) * time.Millisecond, Requests: 1, Bytes: int64(i)})
	}
	return m
}

// BenchmarkScrape is a scrape of a daemon with so many sources.
func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		for _, encoding := range []string{"identity", "gzip"} {
			b.Run(fmt.Sprintf("%d/%s", n, encoding), func(b *testing.B) {
				h := crowd(b, n).Handler()
				req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
				req.Header.Set("Accept-Encoding", encoding)
				b.ReportAllocs()
				var size int64
				for b.Loop() {
					w := &counted{header: make(http.Header)}
					h.ServeHTTP(w, req)
					size = w.n
				}
				b.ReportMetric(float64(size), "bytes/scrape")
			})
		}
	}
}

// BenchmarkMemory is what the account of a source takes.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		before := heap()
		m := crowd(b, 10_000)
		b.ReportMetric(float64(heap()-before)/10_000, "B/source")
		runtime.KeepAlive(m)
	}
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// counted drops an answer and counts its bytes.
type counted struct {
	header http.Header
	n      int64
}

func (w *counted) Header() http.Header { return w.header }
func (w *counted) WriteHeader(int)     {}
func (w *counted) Write(p []byte) (int, error) {
	w.n += int64(len(p))
	return io.Discard.Write(p)
}

type limitList []poller.LimitStatus

func (l limitList) Limits() []poller.LimitStatus { return l }

type endpointList []notify.EndpointStatus

func (l endpointList) Status() []notify.EndpointStatus { return l }
