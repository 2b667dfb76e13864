package postgres

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

// grow makes a database of some age: few of its many deliveries wait or are dead.
func grow(tb testing.TB, s *Store) {
	tb.Helper()
	for _, query := range []string{
		`INSERT INTO events (position, id, type, source, subject, time, sequence, alert, encoding, data)
			SELECT n, 'evt_' || n, 'x.created', 'source-' || n % 50, n % 500, 1000000 * n::bigint, n, 0, 0, repeat('x', 300)::bytea
			FROM generate_series(1, 30000) n`,
		`INSERT INTO deliveries (id, event, endpoint, lane, state, posts, attempts, not_before, replay, created_at, key, batch)
			SELECT n, (n + 1) / 2, 'endpoint-' || n % 20, 'lane-' || n % 400,
				CASE WHEN n % 199 = 0 THEN 'waiting' WHEN n % 211 = 0 THEN 'dead' ELSE 'delivered' END, 1, 1, 0,
				CASE WHEN n % 995 = 0 THEN 1 ELSE 0 END, 500000 * n::bigint, CASE WHEN n % 2 = 0 THEN 'key-' || n % 300 ELSE '' END,
				CASE WHEN n % 3 = 0 THEN 'bat_' || n / 100 ELSE '' END
			FROM generate_series(1, 60000) n`,
		`INSERT INTO attempts (delivery, number, at, duration, status, error, encoding, response)
			SELECT n, 1, 500000 * n::bigint, n % 1000, 200, '', 0, repeat('x', 100)::bytea FROM generate_series(1, 60000) n`,
		`INSERT INTO sources (name, request_key, rules_key, version, sequence, etag, last_modified, raw_hash,
				alert_since, alert_failures, alert_reason, alert_told_at)
			SELECT 'source-' || n, '', '', 3, 0, '', '', '', 0, 0, '', 0 FROM generate_series(1, 20000) n`,
		`INSERT INTO snapshots (source, version, at, format, encoding, body)
			SELECT 'source-' || n % 20000, 1 + n / 20000, n, 'json', 0, repeat('x', 100)::bytea FROM generate_series(0, 59999) n`,
		`INSERT INTO details (source, key, seen, at, format, encoding, body)
			SELECT 'source-' || n % 50, 'key-' || n, '', n, 'json', 0, repeat('x', 100)::bytea FROM generate_series(1, 20000) n`,
		`INSERT INTO pages (id, hash, generation, base, encoding, body)
			SELECT n, '', 0, 0, 0, repeat('x', 100)::bytea FROM generate_series(1, 20000) n`,
		`INSERT INTO departed (source, key, at, encoding, item)
			SELECT 'source-' || n % 50, 'key-' || n, n, 0, 'x'::bytea FROM generate_series(1, 20000) n`,
		`INSERT INTO replays (id, endpoint, source, since, until, dead, first, start, reached, last, told, created_at, finished_at)
			SELECT 'rpl_' || n, 'endpoint-' || n % 20, '', 0, 0, 0, 0, 0, n, n, n, n, CASE WHEN n % 1000 = 0 THEN 0 ELSE n END
			FROM generate_series(1, 5000) n`,
		`INSERT INTO next_runs (source, at) SELECT 'source-' || n, n FROM generate_series(1, 20000) n`,
		`INSERT INTO leases (resource, node, epoch, since) SELECT 'source/source-' || n, 'a', 1, now() FROM generate_series(1, 20000) n`,
		`UPDATE log_head SET position = 30000, delivery = 60000`,
		`VACUUM ANALYZE`,
	} {
		if _, err := s.pool.Exec(tb.Context(), query); err != nil {
			tb.Fatalf("%s: %v", query, err)
		}
	}
}

// TestPlans holds the statements that run all the time to their indexes: a table
// that is scanned works in every test, and in no year-old database.
func TestPlans(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migratedAlone(t))
	grow(t, s)
	queryPlans(t, s)
	commitPlans(t, s)
}

func queryPlans(t *testing.T, s *Store) {
	t.Helper()
	ids := []int64{199, 398, 597, 30000}
	for _, c := range []struct {
		query string
		args  []any
		want  string
	}{
		{selectWaiting, []any{"endpoint-7", 10, 100}, "deliveries_waiting"},
		{selectWaiting, []any{"endpoint-7", 59000, 1000}, "deliveries_waiting"},
		{selectWaitingInLane, []any{"endpoint-7", "lane-7", 10, 100}, "deliveries_waiting_lane"},
		{hasten, []any{199, "endpoint-7"}, "deliveries_"},
		{hastenBatch, []any{"bat_6", "endpoint-7"}, "deliveries_batch"},
		{findSuperseded, []any{"endpoint-7", ids}, "deliveries_key"},
		{saveBatch, []any{"bat_new", "endpoint-7", ids}, "deliveries_"},
		{findBatch, []any{"bat_6", "endpoint-7"}, "deliveries_batch"},
		{findRelabel, []any{"endpoint-7", 10, 1000}, "deliveries_waiting"},
		{recordOutcomes, columnsOf([]outcomeRow{}), "deliveries_pkey"},
		{selectEvent + " WHERE e.position > $1 ORDER BY e.position LIMIT $2", []any{100, 100}, "events_pkey"},
		{selectHeads, []any{100, 2000}, "events_pkey"},
		{selectNewest, []any{100, int64(math.MaxInt64), 2000}, "events_pkey"},
		{selectWanted, []any{ids}, "events_pkey"},
		{countSince, []any{0, 30000, 29900000000, 60000000}, "Index Only Scan using events_time"},
		{countBehind, []any{29990, 30000, 0, 60000000}, "events_pkey"},
		{countRecentAttempts, []any{50, 0}, "attempts_pkey"},
		{waitingOfOne, []any{int64(math.MaxInt64), 50, "endpoint-7"}, "deliveries_waiting"},
		{waitingOfAll, []any{int64(math.MaxInt64), 50}, "deliveries_waiting"},
		{deadOfOne, []any{int64(math.MaxInt64), 50, "endpoint-7"}, "deliveries_dead"},
		{deadOfAll, []any{int64(math.MaxInt64), 50}, "deliveries_dead"},
		{recentDeliveries, []any{int64(math.MaxInt64), 2000, "delivered", ""}, "deliveries_pkey"},
		{theseDeliveries, []any{ids}, "deliveries_pkey"},
		{deliveriesOfEvent, []any{int64(math.MaxInt64), 50, "evt_7", "", ""}, "deliveries_event"},
		{selectAttempts, []any{7}, "attempts_pkey"},
		{selectDepths, nil, "deliveries_waiting"},
		{selectReplay + " WHERE finished_at = 0 ORDER BY created_at, id, endpoint", nil, "deliveries_replay"},
		{selectReplay + " WHERE finished_at = 0 ORDER BY created_at, id, endpoint", nil, "replays_open"},
		{logBounds, nil, "events_pkey"},
		{timeBounds, []any{100000000, 200000000}, "events_time"},
		{deadBounds, []any{"endpoint-7"}, "deliveries_dead"},
		{findReplayed, []any{100, 30000, "source-7", int64(math.MinInt64), int64(math.MaxInt64), 100}, "events_pkey"},
		{findDead, []any{100, 60000, "", int64(math.MinInt64), int64(math.MaxInt64), 100, "endpoint-7"}, "deliveries_dead"},
		{lockEvents, []any{ids}, "events_pkey"},
		{tellable, []any{ids, "endpoint-7"}, "deliveries_"},
		{supersede, []any{ids, "endpoint-7"}, "deliveries_"},
		{lockReplay, []any{"rpl_1000", "endpoint-0", 1000}, "replays_pkey"},
		{advanceReplay, []any{"rpl_1000", "endpoint-0", 1000, 3, 0, 0}, "replays_pkey"},
		{findWaiting, []any{"endpoint-7", 1000}, "deliveries_waiting"},
		{endWaiting, []any{ids, 0}, "deliveries_"},
		{expireBatches, []any{ids, 0}, "deliveries_batch"},
		{selectEndpointNames, []any{"sub_", "sub_" + afterPrefix}, "deliveries_waiting"},
		{findOldWaiting, []any{"endpoint-7", 100, 10000000, 200}, "deliveries_waiting"},
		{findOverdue, []any{10000000}, "deliveries_waiting"},
		{findOld, []any{10000000000, 100, 100, 200}, "events_time"},
		{deleteFinished, []any{ids, 100, 1000}, "deliveries_event"},
		{deleteAttempts, []any{ids}, "attempts_pkey"},
		{deleteEvents, []any{ids}, "deliveries_event"},
		{deleteDeparted, []any{100, 20}, "departed_at"},
		{saveHeldRuns, []any{[]string{"source-7"}, []int64{1}, []string{"source/source-7"}, []int64{1}, "a"}, "leases_pkey"},
		{lastSnapshot, []any{"source-7"}, "snapshots_pkey"},
		{rebuildFrom, []any{"source-7", 1}, "snapshots_pkey"},
		{selectVersions, []any{"source-7"}, "snapshots_pkey"},
		{listedPages, []any{"source-7", 1}, "snapshots_pkey"},
		{selectPageSizes, []any{ids}, "pages_pkey"},
		{selectPageRefs, []any{ids}, "pages_pkey"},
		{selectPage, []any{7}, "pages_pkey"},
		{selectDetails, []any{"source-7", []string{"key-7"}}, "details_pkey"},
		{lockLeases, []any{[]string{"source/source-7"}}, "leases_pkey"},
		{holdLeases, []any{"a", []string{"source/source-7"}, []int64{1}}, "leases_pkey"},
	} {
		plan := explain(t, s, c.query, c.args...)
		if !strings.Contains(plan, c.want) || scans.MatchString(plan) {
			t.Errorf("%s:\n%s\nwant %s and no scan", c.query, plan, c.want)
		}
	}
}

// commitPlans asks for those of the statements of commits, one commit and many.
func commitPlans(t *testing.T, s *Store) {
	t.Helper()
	for _, commits := range []int{1, 64} {
		var rows sourceColumns
		var names, keys, blobs []string
		var versions []int64
		for n := range commits {
			name := fmt.Sprint("source-", 100*n+7)
			rows.add(&commit{Commit: &blob.Commit{Source: &store.Source{Name: name, Version: 3}}})
			names, keys, versions = append(names, name), append(keys, fmt.Sprint("key-", n)), append(versions, 2)
			blobs = append(blobs, "")
		}
		for _, c := range []struct {
			statement string
			args      []any
			want      string
		}{
			{updateSources, rows.arguments(), "sources_pkey"},
			{insertSources, rows.arguments(), "events_sequence"},
			{selectListed, []any{names, versions}, "snapshots_pkey"},
			{replaceSnapshots, []any{names, versions, versions, blobs, versions}, "snapshots_pkey"},
			{deleteVersions, []any{names, versions}, "snapshots_pkey"},
			{returnDeparted, []any{names, keys}, "departed_pkey"},
			{deleteDetails, []any{names, keys}, "details_pkey"},
			{shareLeases, []any{names, names, versions}, "leases_pkey"},
			{insertDeliveries, []any{int64(1), int64(1), versions, versions, names, names, names, versions, versions}, "replays_first"},
		} {
			var sc script
			sc.add("EXPLAIN "+c.statement, c.args...)
			conn, err := s.pool.Acquire(t.Context())
			must(t, err)
			found, err := s.run(t.Context(), conn, &sc)
			conn.Release()
			if err != nil {
				t.Fatalf("%s: %v", c.statement, err)
			}
			var plan string
			for _, row := range found[0].Rows {
				plan += string(row[0]) + "\n"
			}
			if !strings.Contains(plan, c.want) || scans.MatchString(plan) {
				t.Errorf("%d commits: %s:\n%s\nwant %s and no scan", commits, c.statement, plan, c.want)
			}
		}
	}
}

// scans finds the reading of a whole table of those that grow.
var scans = regexp.MustCompile(`Seq Scan on (events|deliveries|attempts|departed|details|replays|leases|next_runs|sources|snapshots|pages)`)

func explain(tb testing.TB, s *Store, query string, args ...any) string {
	tb.Helper()
	scan := func(rows pgx.Rows) (line string, err error) {
		err = rows.Scan(&line)
		return line, err
	}
	plan, err := list(tb.Context(), s, scan, "EXPLAIN "+query, args...)
	if err != nil {
		tb.Fatal(fmt.Errorf("%s: %w", query, err))
	}
	return strings.Join(plan, "\n")
}
