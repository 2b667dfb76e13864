package cluster_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/rapidtest"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// childDSN is set for a process that is a node of a test.
const childDSN = "POLLWIRE_TEST_CLUSTER_DSN"

// histories is how many TestChaos goes through, where the flag does not say: each
// takes two seconds under the race detector.
const histories = 6

// database makes an empty database and returns its DSN.
var database func(tb testing.TB) string

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		if err := child(dsn, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	rapidtest.Checks(histories)
	os.Exit(postgrestest.Main(m, func(empty func(tb testing.TB) string) { database = empty }))
}

const sources = 300

func groups() (list []cluster.Group) {
	for i := range sources {
		r := store.SourceResource(fmt.Sprint(i))
		list = append(list, cluster.Group{Key: r, Resources: []string{r, store.EndpointResource(fmt.Sprint(i))}})
	}
	return list
}

// open returns a node that has not started, on a database.
func open(ctx context.Context, dsn, name string) (*cluster.Node, *postgres.Store, error) {
	s, err := postgres.Open(ctx, postgres.Options{DSN: dsn})
	if err != nil {
		return nil, nil, err
	}
	n := cluster.New(cluster.Options{
		Store: s, Self: store.Member{Name: name, PID: os.Getpid(), StartedAt: time.Now()},
		Adopt:   func(context.Context, []cluster.Group) error { return nil },
		Release: func(context.Context, []cluster.Group, bool) {},
	})
	s.SetFence("", n)
	n.Apply(groups())
	return n, s, nil
}

// glance is what a process tells of itself.
type glance struct {
	// Began is when it began to look.
	Began time.Time
	ID    string
	Held  int
}

// child is a node that tells what it holds until it is told to stop.
func child(dsn, name string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	n, s, err := open(ctx, dsn, name)
	if err != nil {
		return err
	}
	if err := n.Start(ctx); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for ctx.Err() == nil {
		g := glance{Began: time.Now(), ID: n.Self()}
		for i := range sources {
			if n.Holds(store.SourceResource(fmt.Sprint(i))) {
				g.Held++
			}
		}
		if err := out.Encode(g); err != nil {
			return err
		}
		<-again.C
	}
	stop, cancelStop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancelStop()
	if err := n.Stop(stop); err != nil {
		return err
	}
	return s.Close()
}

// process is a child, and what it told.
type process struct {
	cmd  *exec.Cmd
	read sync.WaitGroup

	mu      sync.Mutex
	glances []glance
}

func spawn(t *testing.T, dsn, name string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], name)}
	p.cmd.Env = append(os.Environ(), childDSN+"="+dsn)
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.read.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var g glance
			if json.Unmarshal(lines.Bytes(), &g) == nil {
				p.mu.Lock()
				p.glances = append(p.glances, g)
				p.mu.Unlock()
			}
		}
	})
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		p.read.Wait()
		_ = p.cmd.Wait()
	})
	return p
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// told returns what a process told from a time on.
func (p *process) told(from time.Time) (later []glance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.glances {
		if g.Began.After(from) {
			later = append(later, g)
		}
	}
	return later
}

// await waits until the nodes with these names live, no others, and each has its
// share of the leases, and returns their IDs.
func await(t *testing.T, s *postgres.Store, names ...string) map[string]string {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for range again.C {
		members, err := s.Members(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		leases, err := s.Leases(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		count := make(map[string]int)
		for _, l := range leases {
			count[l.Node]++
		}
		ids, total := make(map[string]string), 0
		for _, m := range members {
			if count[m.ID] >= 2*sources/len(names)*3/4 {
				ids[m.Name] = m.ID
				total += count[m.ID]
			}
		}
		for _, name := range names {
			if ids[name] == "" {
				total = 0
			}
		}
		if len(ids) == len(names) && len(members) == len(names) && total == 2*sources {
			return ids
		}
	}
	return nil
}

// TestProcesses kills a node, and lets another one sleep until all that it had is
// another's: when it wakes it knows at once that it holds nothing.
func TestProcesses(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	a, s, err := open(t.Context(), dsn, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, c := spawn(t, dsn, "b"), spawn(t, dsn, "c")
	before := await(t, s, "a", "b", "c")

	b.signal(t, syscall.SIGKILL)
	await(t, s, "a", "c")

	c.signal(t, syscall.SIGSTOP)
	slept := time.Now()
	await(t, s, "a")
	woke := time.Now()
	c.signal(t, syscall.SIGCONT)
	after := await(t, s, "a", "c")
	if before["a"] != after["a"] || before["c"] == after["c"] {
		t.Errorf("lives %v, and then %v", before, after)
	}
	held := 0
	for _, g := range c.told(slept) {
		if g.ID == before["c"] && g.Began.After(woke) && g.Held > 0 {
			t.Errorf("%v after it woke it held %d in its old life", g.Began.Sub(woke), g.Held)
		}
		held = g.Held
	}
	if status := a.Status(); held == 0 || status.Suspended || status.Lost > 0 {
		t.Errorf("one holds %d, the other is %+v", held, status)
	}

	c.signal(t, syscall.SIGTERM)
	await(t, s, "a")
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	members, err := s.Members(t.Context())
	if err != nil || len(members) > 0 {
		t.Errorf("left are %v: %v", members, err)
	}
}
