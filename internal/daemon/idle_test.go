package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
	"github.com/pollwire/pollwire/poller"
)

const (
	// idleSources are polled once in idleInterval, and watched for idleWindow, in which
	// at least idlePolls of them are polled.
	idleSources  = 100_000
	idleInterval = 5 * time.Minute
	idleWindow   = 8 * time.Second
	idlePolls    = 2000
	idlePatience = 3 * time.Minute
)

// TestIdleFleet: 100,000 sources that do not change, on two nodes, write no more to
// the database than one small transaction a second for each node, whatever is
// polled: that the node lives, and when what was polled is due again.
func TestIdleFleet(t *testing.T) {
	t.Parallel()
	// What the server does by itself would count.
	server := postgrestest.Own(t, postgrestest.Options{Args: []string{"-c", "autovacuum=off"}})
	dsn, err := server.Create()
	wanted(t, err)
	sources, groups := idle(t)
	var polls atomic.Int64
	nodes := []*idleNode{startIdle(t, dsn, "alpha", sources, groups, &polls), startIdle(t, dsn, "beta", sources, groups, &polls)}
	t.Cleanup(func() { stopIdle(t, nodes) })
	idleUntil(t, "the sources are shared out", func() bool {
		a, b := nodes[0].held(), nodes[1].held()
		return a+b == idleSources && min(a, b) > idleSources/3
	})
	// From here on nothing is claimed any more.
	conn, err := pgx.Connect(t.Context(), dsn)
	wanted(t, err)
	defer func() { wanted(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	first, began, written := polls.Load(), time.Now(), transactions(t, conn)
	idleUntil(t, "they were polled", func() bool { return time.Since(began) >= idleWindow && polls.Load() >= first+idlePolls })
	elapsed := time.Since(began)
	written, polled := transactions(t, conn)-written, polls.Load()-first
	t.Logf("%d polls in %s, %d transactions that wrote, of %d nodes", polled, elapsed.Round(time.Millisecond), written, len(nodes))
	// A beat, and a save of next runs, every two seconds; each may fall just within.
	if most := float64(len(nodes)) * (elapsed.Seconds() + 2); float64(written) > most {
		t.Errorf("%d transactions wrote, more than %.0f", written, most)
	}
	if float64(written) < elapsed.Seconds()/2 {
		t.Errorf("%d transactions wrote: that the nodes live, and when what is due next, is not saved", written)
	}
}

// transactions counts those that have written something since the server began, and
// this one: no other takes a number.
func transactions(t *testing.T, conn *pgx.Conn) (n int64) {
	t.Helper()
	wanted(t, conn.QueryRow(t.Context(), "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").Scan(&n))
	return n
}

func wanted(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// idleUntil waits until something is so.
func idleUntil(t *testing.T, what string, so func() bool) {
	t.Helper()
	timeout := time.After(idlePatience)
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("it is not so that %s", what)
		}
	}
}

// idle returns the sources, and the groups that each of them is alone.
func idle(t *testing.T) ([]*poller.Source, []cluster.Group) {
	t.Helper()
	sources, groups := make([]*poller.Source, idleSources), make([]cluster.Group, idleSources)
	for i := range sources {
		name := fmt.Sprintf("source-%06d", i)
		schedule, err := poller.ParseSchedule(fmt.Sprintf("@every %s", idleInterval), time.UTC, name)
		wanted(t, err)
		sources[i] = &poller.Source{Name: name, Schedule: schedule, OnMissed: poller.RunOnce, Cost: 1}
		groups[i] = cluster.Group{Key: name, Resources: []string{store.SourceResource(name)}}
	}
	return sources, groups
}

// idleNode is what of a daemon runs for sources of which nothing comes.
type idleNode struct {
	node *cluster.Node
	// stop are to be called one after the other.
	stop []func(context.Context) error
}

// stopIdle stops nodes at once, so that none takes over what another one had.
func stopIdle(t *testing.T, nodes []*idleNode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), idlePatience)
	defer cancel()
	var all sync.WaitGroup
	for _, n := range nodes {
		all.Go(func() {
			for _, stop := range n.stop {
				if err := stop(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// held is how many sources the node has adopted.
func (n *idleNode) held() int { return n.node.Status().Held["source"] }

// calm observes nothing.
type calm struct{}

func (calm) Adopt(context.Context, []string) error        { return nil }
func (calm) SaveFailures(context.Context, []string) error { return nil }
func (calm) Release([]string)                             {}

func startIdle(t *testing.T, dsn, name string, sources []*poller.Source, groups []cluster.Group, polls *atomic.Int64) *idleNode {
	t.Helper()
	ctx, logger := t.Context(), slog.New(slog.DiscardHandler)
	s, err := postgres.Open(ctx, postgres.Options{DSN: dsn})
	wanted(t, err)
	limiter := poller.NewLimiter(poller.LimiterOptions{Store: s, Leased: true, Lost: lost})
	poll := func(context.Context, *poller.Source, int) poller.Outcome {
		polls.Add(1)
		return poller.Outcome{} // as it was
	}
	scheduler := poller.NewScheduler(poller.SchedulerOptions{Poll: poll, Limiter: limiter, Runs: s, Leased: true, SaveEvery: saveEvery})
	scheduler.Apply(sources)
	tenancy := &tenancy{
		limits: limiter, sources: calm{}, scheduler: scheduler, nextRuns: s.NextRuns,
		begin: func(string) {}, end: func(string) {}, logger: logger,
	}
	node := cluster.New(cluster.Options{
		Store: s, Self: store.Member{Name: name}, Adopt: tenancy.adopt, Release: tenancy.release, Pulsed: func(context.Context, store.Pulse, store.Pulse) {},
	})
	s.SetFence("", node)
	node.Apply(groups)
	for _, start := range []func(context.Context) error{limiter.Start, scheduler.Start, node.Start} {
		wanted(t, start(ctx))
	}
	closeStore := func(context.Context) error { return s.Close() }
	return &idleNode{node, []func(context.Context) error{node.Stop, scheduler.Stop, limiter.Stop, closeStore}}
}
