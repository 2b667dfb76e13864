package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// BenchmarkCommit measures whole commits (row, snapshot, event, delivery), each
// durable when it returns, by the number of committers.
func BenchmarkCommit(b *testing.B) {
	for _, committers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("committers=%d", committers), func(b *testing.B) {
			s := mustOpen(b, filepath.Join(b.TempDir(), "b.db"))
			var next atomic.Int64
			var all sync.WaitGroup
			b.ResetTimer()
			for c := range committers {
				all.Go(func() {
					src := store.Source{Name: fmt.Sprintf("source-%d", c)}
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if err := s.Commit(b.Context(), benchCommit(&src, n)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// BenchmarkBareInsert is the floor: one INSERT a transaction, nothing else.
func BenchmarkBareInsert(b *testing.B) {
	db, err := sql.Open("sqlite", dsn(filepath.Join(b.TempDir(), "b.db"), "rwc", "journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)"); err != nil {
		b.Fatal(err)
	}
	insert, err := db.Prepare("INSERT INTO t (data) VALUES (?)")
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 700)
	b.ResetTimer()
	for b.Loop() {
		if _, err := insert.Exec(data); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkDelivery measures what the store does for one delivery, from its
// commit to its outcome: 64 events a commit, read and recorded by 64 workers.
func BenchmarkDelivery(b *testing.B) {
	ctx := b.Context()
	s := mustOpen(b, filepath.Join(b.TempDir(), "b.db"))
	src := store.Source{Name: "source"}
	b.ResetTimer()
	var after int64
	for done := 0; done < b.N; {
		c := benchCommit(&src, int64(done))
		for n := range 63 {
			c.Events = append(c.Events, benchEvent(src.Name, int64(done), n+1))
		}
		if err := s.Commit(ctx, c); err != nil {
			b.Fatal(err)
		}
		waiting, err := s.Waiting(ctx, "ops", after, 64)
		if err != nil || len(waiting) != 64 {
			b.Fatal(len(waiting), err)
		}
		after = waiting[63].ID
		var all sync.WaitGroup
		for _, d := range waiting {
			all.Go(func() {
				if err := deliverOne(ctx, s, d); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
		done += 64
	}
	b.ReportMetric(float64(after)/b.Elapsed().Seconds(), "deliveries/s")
}

func deliverOne(ctx context.Context, s store.Store, d notify.Delivery) error {
	if _, err := s.Event(ctx, d.Position); err != nil {
		return err
	}
	return s.Record(ctx, []notify.Outcome{{
		Delivery: d.ID, State: notify.Delivered, Attempts: 1,
		Attempt: notify.Attempt{Number: 1, At: time.Now(), Duration: time.Millisecond, Status: 204},
	}})
}

func benchCommit(src *store.Source, n int64) *store.Commit {
	body := fmt.Appendf(nil, `{"n": %d, "text": "an answer of an API, here a short one"}`, n)
	return &store.Commit{
		Source: src, KeepSnapshots: 20,
		Snapshot: &store.Snapshot{At: time.Now(), Format: diff.JSON, Body: body},
		Events:   []store.Event{benchEvent(src.Name, n, 0)},
	}
}

var benchID atomic.Int64

func benchEvent(source string, n int64, item int) store.Event {
	return store.Event{
		Event: notify.Event{
			ID: fmt.Sprintf("evt_%026d", benchID.Add(1)), Type: "shop.order.updated", Source: source, Time: time.Now(),
			Subject: fmt.Sprint(item),
			Data:    fmt.Appendf(nil, `{"change":"updated","key":"%d","before":{"n":%d},"after":{"n":%d}}`, item, n, n+1),
		},
		Tell: []notify.Delivery{{Endpoint: "ops", Lane: source}},
	}
}

// BenchmarkRecord measures outcomes that are recorded together, as the dispatcher
// does while it is busy.
func BenchmarkRecord(b *testing.B) {
	ctx := b.Context()
	s := mustOpen(b, filepath.Join(b.TempDir(), "b.db"))
	src := store.Source{Name: "source"}
	const many = 256
	recorded := 0
	for b.Loop() {
		b.StopTimer()
		c := benchCommit(&src, int64(recorded))
		for n := range many - 1 {
			c.Events = append(c.Events, benchEvent(src.Name, int64(recorded), n+1))
		}
		if err := s.Commit(ctx, c); err != nil {
			b.Fatal(err)
		}
		outcomes := make([]notify.Outcome, 0, many)
		for _, e := range c.Events {
			outcomes = append(outcomes, notify.Outcome{
				Delivery: e.Tell[0].ID, State: notify.Delivered,
				Attempt: notify.Attempt{Number: 1, At: time.Now(), Duration: time.Millisecond, Status: 204},
			})
		}
		b.StartTimer()
		if err := s.Record(ctx, outcomes); err != nil {
			b.Fatal(err)
		}
		recorded += many
	}
	b.ReportMetric(float64(recorded)/b.Elapsed().Seconds(), "outcomes/s")
}

// BenchmarkAttemptStats measures what the statistics of the newest 20,000
// deliveries cost whoever looks at the endpoints.
func BenchmarkAttemptStats(b *testing.B) {
	s := mustOpen(b, filepath.Join(b.TempDir(), "b.db"))
	src := store.Source{Name: "source"}
	for n := range 40 {
		c := benchCommit(&src, int64(n*1000))
		for k := range 999 {
			c.Events = append(c.Events, benchEvent(src.Name, int64(n*1000), k+1))
		}
		must(b, s.Commit(b.Context(), c))
		var outcomes []notify.Outcome
		for i := range c.Events {
			for _, d := range c.Events[i].Tell {
				outcomes = append(outcomes, notify.Outcome{Delivery: d.ID, State: notify.Delivered, Attempts: 1, Attempt: notify.Attempt{
					Number: 1, At: time.Unix(1e9, 0), Duration: time.Duration(i) * time.Millisecond, Status: 200, Response: []byte(`{"ok":true}`),
				}})
			}
		}
		must(b, s.Record(b.Context(), outcomes))
	}
	for b.Loop() {
		stats, err := s.AttemptStats(b.Context(), time.Time{}, 20_000)
		if err != nil || len(stats) == 0 || stats[0].Attempts == 0 {
			b.Fatal(stats, err)
		}
	}
}
