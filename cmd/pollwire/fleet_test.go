package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
	"github.com/pollwire/pollwire/notify"
)

// fleet is a number of nodes on one PostgreSQL, each a process in a network
// namespace of its own, with an upstream and receivers that keep books.
type fleet struct {
	random  *rand.Rand
	binary  string
	network *network
	server  *postgrestest.Server
	pooler  *postgrestest.Pooler // what nodes speak with instead of it; nil for nothing
	dsn     string               // by the socket, for the test itself
	port    string               // where nodes reach the database
	nodes   []*fleetNode
	sources []string
	api     *ledgerAPI
	visits  *visits
	posts   map[string]*visits // by endpoint
	books   map[string]*books
	config  string
	freezes []freeze
	store   *postgres.Store // that of a stranger, who only reads; opened when there is something to read
}

// freeze is a time from which on a node was frozen for a while.
type freeze struct {
	node string
	at   time.Time
}

// fleetNode is one of its processes, or the place of one.
type fleetNode struct {
	fleet  *fleet
	index  int
	dir    string
	runs   int
	from   int // where what it said in this run begins
	cmd    *exec.Cmd
	ended  chan struct{}
	told   bool // to end
	stderr *lines
}

// newFleet makes a fleet whose nodes are not started yet.
func newFleet(t *testing.T, nodes int) *fleet {
	t.Helper()
	postgrestest.Need(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f := &fleet{
		random: rand.New(rand.NewPCG(seed, 0)), binary: buildBinary(t), network: newNetwork(t, nodes),
		books: make(map[string]*books), posts: make(map[string]*visits),
	}
	var err error
	// What a killed server had written is there, for the machine lives on: the disk need
	// not be waited for.
	if f.server, err = postgrestest.Start(postgrestest.Options{Durable: true, Args: []string{"-c", "fsync=off"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.server.Stop(); err != nil {
			t.Error(err)
		}
	})
	if f.dsn, err = f.server.Create(); err != nil {
		t.Fatal(err)
	}
	f.port = f.forward(t, f.server.Dir()+"/.s.PGSQL.5432")
	for i := range nodes {
		f.nodes = append(f.nodes, &fleetNode{fleet: f, index: i, dir: shortDir(t), stderr: new(lines)})
	}
	t.Cleanup(func() {
		for _, n := range f.nodes {
			n.kill()
		}
		if f.store != nil {
			_ = f.store.Close()
		}
	})
	return f
}

// pool puts a PgBouncer between the nodes and the database. It comes before the
// configuration is made.
func (f *fleet) pool(t *testing.T) {
	t.Helper()
	var err error
	if f.pooler, err = f.server.Pool(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.pooler.Stop() })
	f.port = f.forward(t, f.server.Dir()+"/.s.PGSQL.6432")
}

// forward takes connections at the hub and hands what comes to a unix socket. One
// whose packets are dropped stays open there, as it does at a server.
func (f *fleet) forward(t *testing.T, socket string) (port string) {
	t.Helper()
	listener := f.network.listen(t)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go pipe(conn, socket)
		}
	}()
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

func pipe(conn net.Conn, socket string) {
	defer func() { _ = conn.Close() }()
	to, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(to, conn)
		_ = to.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(conn, to)
	_ = to.Close()
}

// serve starts an HTTP server at the hub, and returns its URL.
func (f *fleet) serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	_ = server.Listener.Close()
	server.Listener = f.network.listen(t)
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	server.Config.ErrorLog = nil
	return "http://" + server.Listener.Addr().String()
}

// ledger makes the configuration of lists that change all the time, told to
// receivers that keep books of them.
func (f *fleet) ledger(t *testing.T, lists int) {
	t.Helper()
	for i := range lists {
		f.sources = append(f.sources, fmt.Sprintf("list-%02d", i))
	}
	f.api = newLedgerAPI(rand.New(rand.NewPCG(f.random.Uint64(), 1)), f.sources...)
	f.visits = &visits{next: f.api}
	upstream := f.serve(t, f.visits)
	var b strings.Builder
	fmt.Fprintf(&b, `storage: {dsn: "postgres://postgres@%s:%s/%s?sslmode=disable&application_name=${RUN}"}
server: {listen: ""}
rate_limits:
  - {name: shared, requests: %d, per: %s, burst: 4}
sources:
`, hubAddress, f.port, databaseOf(f.dsn), sharedRequests, sharedPer)
	for i, name := range f.sources {
		limit := ""
		if i%2 == 0 {
			limit = "    rate_limit: shared\n"
		}
		fmt.Fprintf(&b, `  - name: %s
    schedule: "@every 1s"
    request: {url: "%s/%[1]s"}
    items: {path: items, key: id}
    expect: {max_removed: 100%%}
%[3]s`, name, upstream, limit)
	}
	b.WriteString("endpoints:\n")
	for i, e := range fleetEndpoints() {
		secret := notify.GenerateSecret()
		judge, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		kept := newBooks(rand.New(rand.NewPCG(f.random.Uint64(), uint64(i)+2)), judge)
		kept.order, kept.leased = e.order, true
		f.books[e.name], f.posts[e.name] = kept, &visits{next: kept}
		fmt.Fprintf(&b, `  - name: %s
    url: %s/hook
    secrets: ["%s"]
    timeout: 2m
    retry: {schedule: [%s 1m], jitter: 0.5}
    breaker: {cooldown: 1s, max_cooldown: 1s}
    order: %s
    headers: {X-Run: "${RUN}"}
    %s
`, e.name, f.serve(t, f.posts[e.name]), secret, repeat("50ms, ", 99), e.order, e.keys)
	}
	f.config = b.String()
}

const (
	// sharedRequests and sharedPer are the limit that half of the lists share.
	sharedRequests = 15
	sharedPer      = 2 * time.Second
)

// fleetEndpoints are one for each way of keeping order.
func fleetEndpoints() []crashEndpoint {
	return []crashEndpoint{
		{name: "ops", order: notify.OrderSource},
		{name: "audit", order: notify.OrderItem},
		{name: "batches", order: notify.OrderSource, keys: "batch: {max_events: 4, max_wait: 10ms}"},
		{name: "all", order: notify.OrderEndpoint},
		{name: "paced", order: notify.OrderSource, keys: "rate_limit: {requests: 400, per: 1s, burst: 20}"},
	}
}

// databaseOf is the name of the database of a DSN.
func databaseOf(dsn string) string {
	_, after, _ := strings.Cut(dsn, "@/")
	name, _, _ := strings.Cut(after, "?")
	return name
}

// start starts a node that does not run.
func (f *fleet) start(t *testing.T, n *fleetNode) {
	t.Helper()
	n.runs++
	n.from = n.stderr.len()
	config := filepath.Join(n.dir, "pollwire.yaml")
	if err := os.WriteFile(config, []byte(f.config), 0o600); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("node-%d", n.index)
	// Not t.Context(): it ends before the cleanups, of which one stops the node.
	n.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "ip", "netns", "exec", f.network.nodes[n.index],
		f.binary, "run", "--config", config, "--node", name, "--log-level", "debug")
	n.cmd.Env = append(os.Environ(), fmt.Sprintf("RUN=%s.%d", name, n.runs), "RUNTIME_DIRECTORY="+n.dir)
	n.cmd.Stderr, n.cmd.WaitDelay = n.stderr, 10*time.Second
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	n.ended, n.told = ended, false
	go func(cmd *exec.Cmd) {
		defer close(ended)
		_ = cmd.Wait()
	}(n.cmd)
}

// startAll starts all nodes.
func (f *fleet) startAll(t *testing.T) {
	t.Helper()
	for _, n := range f.nodes {
		f.start(t, n)
	}
}

// tend starts a node again that could not begin, for want of a database, as systemd
// does. One that has begun must not end.
func (n *fleetNode) tend(t *testing.T) {
	t.Helper()
	if !n.fallen() {
		return
	}
	if strings.Contains(n.stderr.since(n.from), "pollwire started") {
		t.Fatalf("node-%d ended with %d:\n%s", n.index, n.cmd.ProcessState.ExitCode(), n.stderr.last(30))
	}
	n.fleet.start(t, n)
}

// fallen says whether a node has ended that nobody ended.
func (n *fleetNode) fallen() bool {
	if n.cmd == nil || n.told {
		return false
	}
	select {
	case <-n.ended:
		return true
	default:
		return false
	}
}

// signal sends a node a signal.
func (n *fleetNode) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	n.tend(t)
	err := n.cmd.Process.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) { // at this moment
		<-n.ended
		n.tend(t)
		err = n.cmd.Process.Signal(sig)
	}
	if err != nil {
		t.Fatalf("node-%d: %v: %v\n%s", n.index, sig, err, n.stderr.last(30))
	}
}

// freeze stops the process of a node, until it gets SIGCONT.
func (f *fleet) freeze(t *testing.T, n *fleetNode) {
	t.Helper()
	f.freezes = append(f.freezes, freeze{fmt.Sprintf("node-%d", n.index), time.Now()})
	n.signal(t, syscall.SIGSTOP)
}

// stop ends a node as systemd would, and waits for its end.
func (n *fleetNode) stop(t *testing.T) {
	t.Helper()
	n.signal(t, syscall.SIGTERM)
	n.told = true
	select {
	case <-n.ended:
	case <-time.After(patience):
		_ = n.cmd.Process.Signal(syscall.SIGQUIT) // what it is at
		<-n.ended
		t.Fatalf("node-%d does not end:\n%s", n.index, n.stderr.last(500))
	}
	if n.stderr.since(n.from) == "" {
		return // before it was there to hear of it
	}
	if n.fleet.pooler != nil && strings.Contains(n.stderr.last(1), "the database cannot be reached") {
		return // a pooler refuses everybody for a while after it could not reach its server
	}
	if code := n.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("node-%d ended with %d:\n%s", n.index, code, n.stderr.last(30))
	}
}

// kill ends a node at once.
func (n *fleetNode) kill() {
	if n.cmd == nil {
		return
	}
	n.told = true
	_ = n.cmd.Process.Kill()
	<-n.ended
}

// lines is what a process has said.
type lines struct {
	mu   sync.Mutex
	text []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

// since is what it has said after so much.
func (l *lines) since(from int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text[from:])
}

// last are its last lines.
func (l *lines) last(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := bytes.Split(bytes.TrimSpace(l.text), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-n):], []byte("\n")))
}
