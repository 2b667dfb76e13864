package transfer

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
	"github.com/pollwire/pollwire/notify"
)

// benchRun is how much of each is done at least between two looks at the clock, and
// benchEach how much by each who waits.
const benchRun, benchEach = 256, 8

// BenchmarkEngines compares what the engines carry, in one run and on one disk: whole
// commits (row, snapshot, event, delivery) and what becomes of a delivery, each
// durable when it returns, by the number of those who wait at once and of the nodes
// that they are on. All ratios are to SQLite with as many.
func BenchmarkEngines(b *testing.B) {
	server := postgrestest.Own(b, postgrestest.Options{Durable: true, Args: []string{"-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"}})
	for _, waiting := range []int{1, 8, 64, 512} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			file := []store.Store{openSQLite(b, filepath.Join(b.TempDir(), "pollwire.db"))}
			fleets := map[int][]store.Store{}
			for _, nodes := range []int{1, 2, 4} {
				fleets[nodes] = openNodes(b, server, nodes, waiting)
			}
			b.ResetTimer()
			var alone, told float64
			rates := map[int][2]float64{}
			for b.Loop() {
				c, d := carry(b, file, waiting)
				alone, told = alone+c, told+d
				for nodes, stores := range fleets {
					c, d := carry(b, stores, waiting)
					rates[nodes] = [2]float64{rates[nodes][0] + c, rates[nodes][1] + d}
				}
			}
			n := float64(b.N)
			b.ReportMetric(alone/n, "sqlite-commits/s")
			b.ReportMetric(told/n, "sqlite-deliveries/s")
			for nodes, r := range rates {
				b.ReportMetric(r[0]/n, fmt.Sprintf("nodes%d-commits/s", nodes))
				b.ReportMetric(r[0]/alone, fmt.Sprintf("nodes%d-commits-ratio", nodes))
				b.ReportMetric(r[1]/n, fmt.Sprintf("nodes%d-deliveries/s", nodes))
				b.ReportMetric(r[1]/told, fmt.Sprintf("nodes%d-deliveries-ratio", nodes))
			}
		})
	}
}

// tenancy are the leases of a node, as it knows them.
type tenancy map[string]int64

func (t tenancy) Epoch(resource string) (int64, bool) {
	epoch, held := t[resource]
	return epoch, held
}

// openNodes opens a new database as several nodes do, each of which holds its share
// of the sources and endpoints of carry.
func openNodes(b *testing.B, server *postgrestest.Server, nodes, waiting int) []store.Store {
	b.Helper()
	dsn, err := server.Create()
	must(b, err)
	stores := make([]store.Store, nodes)
	for n := range stores {
		s, err := postgres.Open(b.Context(), postgres.Options{DSN: dsn})
		must(b, err)
		b.Cleanup(func() { must(b, s.Close()) })
		id := fmt.Sprint("node-", n)
		must(b, s.Join(b.Context(), store.Member{ID: id, Name: id}))
		var groups [][]string
		for w := n; w < waiting; w += nodes {
			groups = append(groups, []string{store.SourceResource(benchName(w)), store.EndpointResource(benchName(w))})
		}
		held := tenancy{}
		leases, err := s.Claim(b.Context(), id, groups)
		must(b, err)
		for _, l := range leases {
			held[l.Resource] = l.Epoch
		}
		s.SetFence(id, held)
		stores[n] = s
	}
	return stores
}

func benchName(n int) string { return fmt.Sprintf("bench-%04d", n) }

// carry commits, and then delivers, with so many at once spread over the stores, and
// returns how many of each a second.
func carry(b *testing.B, stores []store.Store, waiting int) (commits, deliveries float64) {
	b.Helper()
	runs := max(benchRun, benchEach*waiting)
	told := make([][]notify.Delivery, waiting)
	began := time.Now()
	atOnce(b, stores, waiting, func(ctx context.Context, s store.Store, w int) error {
		src, err := s.Source(ctx, benchName(w))
		if err != nil {
			src = store.Source{Name: benchName(w)}
		}
		for range runs / waiting {
			c := benchCommit(&src)
			if err := s.Commit(ctx, c); err != nil {
				return err
			}
			told[w] = append(told[w], c.Events[0].Tell[0])
		}
		return nil
	})
	commits = float64(runs/waiting*waiting) / time.Since(began).Seconds()
	began = time.Now()
	deliver(b, stores, told)
	return commits, float64(runs/waiting*waiting) / time.Since(began).Seconds()
}

// deliver does what a dispatcher does with what it posts: it reads each event, and
// records together what came of all that was posted at once from its node.
func deliver(b *testing.B, stores []store.Store, told [][]notify.Delivery) {
	b.Helper()
	for round := range told[0] {
		outcomes := make([]notify.Outcome, len(told))
		atOnce(b, stores, len(told), func(ctx context.Context, s store.Store, w int) error {
			d := told[w][round]
			outcomes[w] = notify.Outcome{
				Delivery: d.ID, Endpoint: d.Endpoint, State: notify.Delivered, Attempts: 1,
				Attempt: notify.Attempt{Number: 1, At: time.Now(), Duration: time.Millisecond, Status: 204},
			}
			_, err := s.Event(ctx, d.Position)
			return err
		})
		atOnce(b, stores, min(len(stores), len(told)), func(ctx context.Context, s store.Store, node int) error {
			var own []notify.Outcome
			for w := node; w < len(told); w += len(stores) {
				own = append(own, outcomes[w])
			}
			return s.Record(ctx, own)
		})
	}
}

// atOnce lets so many do something, the nth with the store of its node.
func atOnce(b *testing.B, stores []store.Store, waiting int, do func(ctx context.Context, s store.Store, w int) error) {
	b.Helper()
	var all sync.WaitGroup
	for w := range waiting {
		all.Go(func() {
			if err := do(b.Context(), stores[w%len(stores)], w); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
}

// benchID makes the ids of events differ.
var benchID atomic.Int64

func benchCommit(src *store.Source) *store.Commit {
	n := benchID.Add(1)
	return &store.Commit{
		Source: src, KeepSnapshots: 20,
		Snapshot: &store.Snapshot{At: time.Now(), Format: diff.JSON, Body: fmt.Appendf(nil, `{"n": %d, "text": "an answer of an API, here a short one"}`, n)},
		Events: []store.Event{{
			Event: notify.Event{
				ID: fmt.Sprintf("evt_%026d", n), Type: "shop.order.updated", Source: src.Name, Subject: "1", Time: time.Now(),
				Data: fmt.Appendf(nil, `{"change":"updated","key":"1","before":{"n":%d},"after":{"n":%d}}`, n-1, n),
			},
			Tell: []notify.Delivery{{Endpoint: src.Name, Lane: src.Name}},
		}},
	}
}
