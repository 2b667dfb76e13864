package daemon_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// cpu is the CPU time that this process has used, in seconds.
func cpu(tb testing.TB) float64 {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// benchWorkers is how many ask at once.
const benchWorkers = 16

// BenchmarkPollFlatOut compares the CPU time of unchanged polls, one after the
// other, with a bare net/http loop that reads and hashes, in the same run.
func BenchmarkPollFlatOut(b *testing.B) {
	for _, path := range []string{"/same", "/cached"} {
		b.Run(map[string]string{"/same": "200", "/cached": "304"}[path], func(b *testing.B) {
			url := startPeer(b) + path
			var bare, ours, wall float64
			for b.Loop() {
				bare += cpuOf(b, func() { bareLoop(b, url, 10_000) })
				start := time.Now()
				ours += cpuOf(b, func() { ourLoop(b, url, 10_000) })
				wall += time.Since(start).Seconds()
			}
			n := float64(b.N)
			b.ReportMetric(bare/n, "bare-cpu-s/10k")
			b.ReportMetric(ours/n, "cpu-s/10k")
			b.ReportMetric(ours/bare, "ratio")
			b.ReportMetric(10_000*n/wall, "polls/s")
		})
	}
}

func cpuOf(tb testing.TB, f func()) float64 {
	tb.Helper()
	before := cpu(tb)
	f()
	return cpu(tb) - before
}

// share runs f n times, over the workers.
func share(n int, f func()) {
	var wg sync.WaitGroup
	for range benchWorkers {
		wg.Go(func() {
			for range n / benchWorkers {
				f()
			}
		})
	}
	wg.Wait()
}

// bareLoop is what a careful person would write by hand: ask, read, hash.
func bareLoop(tb testing.TB, url string, n int) {
	transport := &http.Transport{MaxIdleConnsPerHost: benchWorkers}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	share(n, func() { bareGet(tb, client, url) })
}

// copyBuffers spare the bare loop what any careful person would spare it.
var copyBuffers = sync.Pool{New: func() any {
	buf := make([]byte, 32<<10)
	return &buf
}}

func bareGet(tb testing.TB, client *http.Client, url string) {
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		tb.Error(err)
		return
	}
	req.Header.Set("If-None-Match", `"v1"`)
	res, err := client.Do(req)
	if err != nil {
		tb.Error(err)
		return
	}
	defer res.Body.Close()
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	h := sha256.New()
	if _, err := io.CopyBuffer(h, res.Body, *buf); err != nil {
		tb.Error(err)
	}
	_ = h.Sum(nil)
}

// ourLoop polls through the Poller, as the scheduler's workers do.
func ourLoop(tb testing.TB, url string, n int) {
	p := poller.NewPoller(poller.PollerOptions{
		Fetcher:  poller.NewFetcher(poller.FetcherOptions{Version: "bench"}),
		Observer: ignoreAll{tb},
		Logger:   slog.New(slog.DiscardHandler),
	})
	sources := make(chan *poller.Source, benchWorkers)
	for i := range benchWorkers {
		sources <- benchSource(fmt.Sprint("bench", i), url)
	}
	share(n, func() {
		s := <-sources // a source is not polled twice at once
		p.Poll(tb.Context(), s, 1)
		sources <- s
	})
}

func benchSource(name, url string) *poller.Source {
	return &poller.Source{
		Name: name,
		Request: poller.Request{
			Method: http.MethodGet, URL: url, Timeout: 10 * time.Second, MaxBodySize: 10 << 20,
			Conditional: true, FollowRedirects: true, SuccessStatusCodes: []int{200},
		},
		Retry: poller.Retry{MaxAttempts: 1},
	}
}

// ignoreAll is an observer that accepts everything.
type ignoreAll struct{ tb testing.TB }

func (ignoreAll) Observe(context.Context, *poller.Observation) error { return nil }
func (i ignoreAll) Fail(_ context.Context, _ string, err error)      { i.tb.Error(err) }

// BenchmarkPollPaced compares the CPU time of 1,000 unchanged polls a second by
// the whole daemon with the bare loop evenly spaced, in the same run.
func BenchmarkPollPaced(b *testing.B) {
	const sources, seconds = 1000, 10
	url := startPeer(b)
	var bare, ours float64
	for b.Loop() {
		bare += cpuOf(b, func() { pacedLoop(b, url+"/same", sources, seconds*time.Second) })
		d := benchDaemon(b, unchangedSources(sources, url+"/same", "1s"), url)
		<-time.After(3 * time.Second) // every source has its baseline
		ours += cpuOf(b, func() { <-time.After(seconds * time.Second) })
		d.stop(b)
	}
	n := float64(b.N)
	b.ReportMetric(bare/n, "bare-cpu-s/10k")
	b.ReportMetric(ours/n, "cpu-s/10k")
	b.ReportMetric(ours/bare, "ratio")
}

// pacedLoop asks so many times a second, evenly spaced.
func pacedLoop(tb testing.TB, url string, rate int, d time.Duration) {
	transport := &http.Transport{MaxIdleConnsPerHost: benchWorkers}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	var wg sync.WaitGroup
	for range int(d.Seconds() * float64(rate)) {
		<-ticker.C
		wg.Go(func() { bareGet(tb, client, url) })
	}
	wg.Wait()
}

// BenchmarkMemory measures what 10,000 sources take, after their baseline.
func BenchmarkMemory(b *testing.B) {
	const sources = 10_000
	url := startPeer(b)
	for b.Loop() {
		d := benchDaemon(b, unchangedSources(sources, url+"/same", "30s"), url)
		<-time.After(45 * time.Second) // every source has its baseline and one more poll
		b.ReportMetric(float64(resident(b))/(1<<20), "rss-MiB")
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "heap-MiB")
		d.stop(b)
	}
}

// BenchmarkLatency measures the time from an answer of the API to the receipt
// of the webhook, with the commit to disk between them.
func BenchmarkLatency(b *testing.B) {
	for _, sources := range []int{5, 50, 125} {
		b.Run(fmt.Sprintf("%d-changes-a-second", 4*sources), func(b *testing.B) {
			url := startPeer(b)
			for b.Loop() {
				d := benchDaemon(b, unchangedSources(sources, url+"/counter", "250ms"), url)
				<-time.After(2 * time.Second)
				received(b, url)
				<-time.After(10 * time.Second)
				s := received(b, url)
				d.stop(b)
				b.ReportMetric(float64(s.P50)/1e6, "p50-ms")
				b.ReportMetric(float64(s.P99)/1e6, "p99-ms")
				b.ReportMetric(float64(s.Received)/10, "webhooks/s")
			}
		})
	}
}

// BenchmarkIsolation compares what 99 endpoints are told beside one that answers
// too, and beside one that does not, fails or is slow, in the same run.
func BenchmarkIsolation(b *testing.B) {
	url := startPeer(b)
	measure := func(last string) peerStats {
		var endpoints strings.Builder
		for i := range 99 {
			endpoints.WriteString(benchEndpoint(fmt.Sprint("well", i), url+"/hook"))
		}
		endpoints.WriteString(benchEndpoint("last", url+last))
		d := benchTelling(b, unchangedSources(5, url+"/counter", "500ms"), endpoints.String())
		<-time.After(2 * time.Second)
		received(b, url)
		<-time.After(10 * time.Second)
		s := received(b, url)
		d.stop(b)
		return s
	}
	for b.Loop() {
		well := measure("/hook")
		// Of the hundred that answer, the last one is not among the other 99.
		well.Received = well.Received * 99 / 100
		for _, last := range []string{"hang", "slow", "fail"} {
			sick := measure("/" + last)
			b.ReportMetric(float64(sick.Received)/float64(well.Received), last+"-rate-ratio")
			b.ReportMetric(float64(sick.P99)/float64(well.P99), last+"-p99-ratio")
		}
		b.ReportMetric(float64(well.Received)/10, "webhooks/s")
		b.ReportMetric(float64(well.P99)/1e6, "p99-ms")
	}
}

// BenchmarkDeliveries measures how many deliveries a second go all the way:
// observed, committed, posted, and their outcome recorded on disk.
func BenchmarkDeliveries(b *testing.B) {
	url := startPeer(b)
	for b.Loop() {
		d := benchDaemon(b, changingLists(20, url+"/list/500"), url)
		<-time.After(15 * time.Second)
		s := received(b, url)
		d.stop(b)
		b.ReportMetric(float64(s.Received-1)/s.Took.Seconds(), "deliveries/s")
		b.ReportMetric(float64(s.Received), "deliveries")
	}
}

// changingLists are n sources of a list whose every item changes each second.
func changingLists(n int, url string) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "  - {name: s%d, schedule: \"@every 1s\", request: {url: \"%s\"}, items: {key: id}}\n", i, url)
	}
	return out.String()
}

// unchangedSources are n sources that poll url.
func unchangedSources(n int, url, every string) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "  - {name: s%d, schedule: \"@every %s\", request: {url: \"%s\"}}\n", i, every, url)
	}
	return out.String()
}

// benched is a daemon under a benchmark.
type benched struct{ *daemon.Daemon }

// benchDaemon starts a daemon that tells one endpoint.
func benchDaemon(b *testing.B, sources, peer string) benched {
	b.Helper()
	return benchTelling(b, sources, benchEndpoint("peer", peer+"/hook"))
}

func benchEndpoint(name, url string) string {
	return fmt.Sprintf("  - {name: %s, url: \"%s\", secrets: [\"%s\"]}\n", name, url, notify.GenerateSecret())
}

func benchTelling(b *testing.B, sources, endpoints string) benched {
	b.Helper()
	yaml := fmt.Sprintf("storage: {dsn: \"sqlite:%s\"}\nserver: {listen: \"\"}\nsources:\n%sendpoints:\n%s",
		filepath.Join(b.TempDir(), "bench.db"), sources, endpoints)
	cfg, err := config.Parse("bench.yaml", []byte(yaml), config.Lookup{})
	if err != nil {
		b.Fatal(err)
	}
	d := daemon.New(cfg, daemon.Options{Version: "bench", Logger: slog.New(slog.DiscardHandler)})
	if err := d.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	return benched{d}
}

func (d benched) stop(b *testing.B) {
	b.Helper()
	if err := d.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
}
