package daemon_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// peerEnv makes the test binary serve as the peer of a benchmark.
const peerEnv = "POLLWIRE_BENCH_PEER"

// atOnce is how many tests run at once where the flag does not say: most of them wait
// for what comes with time.
const atOnce = "4"

func TestMain(m *testing.M) {
	if os.Getenv(peerEnv) != "" {
		os.Exit(servePeer())
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		if err := f.Value.Set(atOnce); err != nil {
			panic(err)
		}
	}
	os.Exit(postgrestest.Main(m, func(create func(tb testing.TB) string) { database = create }))
}

// peer is the other side of a benchmark in a process of its own, so that its
// CPU time is not counted: an API, and a receiver.
//
//	GET  /same      10 KB that never change, without validators
//	GET  /cached    the same with an ETag: 304 where it is sent back
//	GET  /counter   a document that changes with every answer, at most 500 a second
//	GET  /list/N    a list of N items, every one of them changed
//	POST /hook      204, and the time since the change was answered is noted
//	POST /hang      no answer
//	POST /slow      204, after a second
//	POST /fail      500
//	GET  /stats     what was received; begins anew
type peer struct {
	body     string
	revision atomic.Int64
	answered sync.Map // revision -> time of the answer

	mu       sync.Mutex
	received int
	first    time.Time
	last     time.Time
	delays   []time.Duration
}

// peerStats is what a peer received since it was last asked.
type peerStats struct {
	Received int           `json:"received"`
	Took     time.Duration `json:"took"` // from the first to the last
	P50      time.Duration `json:"p50"`
	P99      time.Duration `json:"p99"`
}

func servePeer() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("http://" + l.Addr().String())
	p := &peer{body: `{"data":"` + strings.Repeat("0123456789", 1000) + `"}`}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /same", p.same)
	mux.HandleFunc("GET /cached", p.cached)
	mux.HandleFunc("GET /counter", p.counter)
	mux.HandleFunc("GET /list/{n}", p.list)
	mux.HandleFunc("POST /hook", p.hook)
	mux.HandleFunc("POST /hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("POST /slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Second):
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /fail", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	mux.HandleFunc("GET /stats", p.stats)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	fmt.Fprintln(os.Stderr, server.Serve(l))
	return 1
}

func (p *peer) same(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, p.body)
}

func (p *peer) cached(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"v1"`)
	if r.Header.Get("If-None-Match") == `"v1"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	p.same(w, r)
}

func (p *peer) counter(w http.ResponseWriter, _ *http.Request) {
	n := p.revision.Add(1)
	w.Header().Set("Content-Type", "application/json")
	p.answered.Store(n, time.Now())
	fmt.Fprintf(w, `{"n":%d}`, n)
}

func (p *peer) list(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	revision := p.revision.Add(1)
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriter(w)
	for i := range n {
		separator := ","
		if i == 0 {
			separator = "["
		}
		fmt.Fprintf(out, `%s{"id":%d,"revision":%d}`, separator, i, revision)
	}
	_, _ = out.WriteString("]")
	_ = out.Flush()
}

func (p *peer) hook(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var e struct {
		Data struct {
			After struct {
				N int64 `json:"n"`
			} `json:"after"`
		} `json:"data"`
	}
	err := json.NewDecoder(r.Body).Decode(&e)
	p.mu.Lock()
	defer p.mu.Unlock()
	if answered, ok := p.answered.Load(e.Data.After.N); ok && err == nil {
		p.delays = append(p.delays, now.Sub(answered.(time.Time)))
	}
	if p.received == 0 {
		p.first = now
	}
	p.received++
	p.last = now
	w.WriteHeader(http.StatusNoContent)
}

func (p *peer) stats(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := peerStats{Received: p.received, Took: p.last.Sub(p.first)}
	if n := len(p.delays); n > 0 {
		slices.Sort(p.delays)
		s.P50, s.P99 = p.delays[n/2], p.delays[n*99/100]
	}
	p.received, p.delays = 0, nil
	_ = json.NewEncoder(w).Encode(s)
}

// startPeer starts a peer and returns its URL.
func startPeer(tb testing.TB) string {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), self)
	cmd.Env = append(os.Environ(), peerEnv+"=1")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(url)
}

// received asks a peer what it received since it was last asked.
func received(tb testing.TB, url string) (s peerStats) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url+"/stats", nil)
	if err != nil {
		tb.Fatal(err)
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		tb.Fatal(err)
	}
	return s
}
