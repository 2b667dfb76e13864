package sqlite

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlans holds the queries that run all the time to their indexes: a table
// that is scanned works in every test, and in no year-old database.
func TestPlans(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "pollwire.db"))
	for query, want := range map[string]string{
		"SELECT " + deliveryColumns + " FROM deliveries WHERE state = 'waiting' AND endpoint = ? AND id > ? ORDER BY id LIMIT ?":              "deliveries_waiting ",
		"SELECT " + deliveryColumns + " FROM deliveries WHERE state = 'waiting' AND endpoint = ? AND lane = ? AND id > ? ORDER BY id LIMIT ?": "deliveries_waiting_lane ",
		selectEvent + " WHERE position > ? ORDER BY position LIMIT ?":                                                                         "INTEGER PRIMARY KEY",
		selectEvent + " WHERE source = 'a' AND sequence > 0 ORDER BY sequence":                                                                "events_sequence",
		waitingDeliveries:        "deliveries_waiting ",
		deadDeliveries:           "deliveries_dead ",
		nextWaitingName:          "deliveries_waiting ",
		nextDeadName:             "deliveries_dead ",
		deliveriesOfEvent:        "deliveries_event ",
		selectAttempts:           "PRIMARY KEY (delivery=?)",
		selectHeads:              "INTEGER PRIMARY KEY",
		selectNewest:             "INTEGER PRIMARY KEY",
		findSuperseded + "(?)":   "deliveries_key ",
		findBatch:                "deliveries_batch ",
		findRelabel:              "deliveries_waiting ",
		findOldDeliveries:        "events_time",
		findOldEvents:            "events_time",
		countSince:               "COVERING INDEX events_time",
		countBehind:              "INTEGER PRIMARY KEY",
		findOldWaiting:           "deliveries_waiting ",
		findOverdue:              "deliveries_waiting ",
		deleteDeparted:           "departed_at",
		lastSnapshot:             "sqlite_autoindex_snapshots_1",
		selectVersions:           "sqlite_autoindex_snapshots_1",
		rebuildFrom:              "sqlite_autoindex_snapshots_1",
		lastSequence:             "events_sequence",
		selectSeenDetails:        "COVERING INDEX details_seen",
		selectDetails + "(?, ?)": "sqlite_autoindex_details_1",
		selectPageRefs + "(?)":   "INTEGER PRIMARY KEY",
		selectPageSizes + "(?)":  "INTEGER PRIMARY KEY",
		listedPages:              "sqlite_autoindex_snapshots_1",
		selectListed:             "sqlite_autoindex_snapshots_1",
		findReplayed:             "INTEGER PRIMARY KEY",
		findDead:                 "deliveries_dead ",
		tellable:                 "deliveries_event ",
		supersede:                "deliveries_event ",
	} {
		rows, err := s.reader.db.Query("EXPLAIN QUERY PLAN "+query, nil, nil, nil, nil, nil, nil, nil)
		must(t, err)
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			must(t, rows.Scan(&id, &parent, &unused, &step))
			plan = append(plan, step)
		}
		must(t, rows.Err())
		text := strings.Join(plan, "\n")
		if !strings.Contains(text, want) || strings.Contains(text, "SCAN") {
			t.Errorf("%s:\n%s\nwant %s and no scan", query, text, want)
		}
	}
}

// TestPagePlan holds the query of a page to its order: rows that are sorted are
// all in memory at once.
func TestPagePlan(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "pollwire.db"))
	rows, err := s.reader.db.Query("EXPLAIN QUERY PLAN "+selectPage, 1)
	must(t, err)
	plan, err := collect(rows, func(rows *sql.Rows) (step string, err error) {
		var unused int
		err = rows.Scan(&unused, &unused, &unused, &step)
		return step, err
	})
	must(t, err)
	text := strings.Join(plan, "\n")
	if strings.Contains(text, "TEMP B-TREE") || strings.Contains(text, "SCAN p") || !strings.Contains(text, "SEARCH pages USING INTEGER PRIMARY KEY") {
		t.Errorf("plan of a page:\n%s", text)
	}
}
